"""`isocenter demo`: the whole journey on embedded data."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from isocenter.cli.options import as_json, dry_run, emit
from isocenter.core.workspace import Workspace

QUERY = "chest x-ray pneumonia, more than 1000 images, open access"


@click.command()
@click.option("--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-workspace"), show_default=True, help="Where to work.")
@dry_run
@as_json
@click.pass_context
def command(ctx: click.Context, folder: Path, dry_run: bool, json_: bool) -> None:
    """Search the catalog, then plan and build a corpus from two made-up film collections and the real files of pydicom and nibabel."""
    from isocenter.cli.render import counts, size
    from isocenter.curate.build import build
    from isocenter.curate.demo import RECIPE, prepare
    from isocenter.curate.recipe import read_recipe

    if dry_run:
        recipe = read_recipe(RECIPE)
        names, stages = [member.name for member in recipe.members], ["scan", *recipe.stages]
        emit({"workspace": str(folder), "datasets": names, "stages": stages, "written": False}, json_,
             f"{folder}: a corpus from {', '.join(names)}\n  stages  {', '.join(stages)}", f"isocenter demo --workspace {shlex.quote(str(folder))}")
        return
    workspace = Workspace.create(folder)
    path, data = prepare(workspace)
    recipe = read_recipe(path, data)
    if not json_:
        _search_and_plan(ctx, path, data, folder)
        click.echo(f"\n$ isocenter build {path} --workspace {shlex.quote(str(folder))}")
    built = build(workspace, recipe)
    body = {"corpus": recipe.name, "cohorts": built.cohorts, "files": built.fates, "export": str(built.exported.folder), "report": str(built.report)}
    text = [
        "", f"Made: a corpus of {built.exported.samples} samples ({size(built.exported.bytes)}) from {sum(built.fates.values())} files of {len(recipe.members)} datasets.",
        f"  stages  {counts(built.cohorts)}", f"  files   {counts(built.fates)} (the ones in error are broken on purpose: pydicom and nibabel test with them)",
        "Look at:", f"  {built.report}   what went in and out at every stage, with pictures: open it in a browser",
        f"  {built.exported.folder / 'manifest.parquet'}   the corpus, one row per sample", f"  {path}   the recipe it was built from",
    ]
    emit(body, json_, "\n".join(text), f"isocenter explain demo.selected copy02.png --workspace {shlex.quote(str(folder))}")


def _search_and_plan(ctx: click.Context, path: Path, data: dict[str, Path], folder: Path) -> None:
    """The two steps before a build, as a user would type them."""
    from isocenter.cli.commands import plan, search

    click.echo(f'$ isocenter search "{QUERY}" --limit 3')
    ctx.invoke(search.command, query=(QUERY,), limit=3)
    click.echo(f"\n$ isocenter plan {path} --workspace {shlex.quote(str(folder))}")
    ctx.invoke(plan.command, what=(str(path),), data=tuple(f"{name}={root}" for name, root in data.items()), folder=folder)

"""`isocenter demo`: the whole journey on embedded data."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, emit
from isocenter.core.workspace import Workspace


@click.command()
@click.option("--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path("demo-workspace"), show_default=True, help="Where to work.")
@as_json
def command(folder: Path, json_: bool) -> None:
    """Search the catalog, then plan and build a corpus from two made-up film collections and the real files of pydicom and nibabel."""
    from isocenter.cli.render import counts, size
    from isocenter.curate.build import build
    from isocenter.curate.demo import prepare
    from isocenter.curate.recipe import read_recipe

    workspace = Workspace.create(folder)
    path, data = prepare(workspace)
    recipe = read_recipe(path, data)
    built = build(workspace, recipe)
    body = {"corpus": recipe.name, "cohorts": built.cohorts, "files": built.fates, "export": str(built.exported.folder), "report": str(built.report)}
    text = [
        "", f"Made: a corpus of {built.exported.samples} samples ({size(built.exported.bytes)}) from {sum(built.fates.values())} files of {len(recipe.members)} datasets.",
        f"  stages  {counts(built.cohorts)}", f"  files   {counts(built.fates)} (the ones in error are broken on purpose: pydicom and nibabel test with them)",
        "Look at:", f"  {built.report}   what went in and out at every stage, with pictures", f"  {built.exported.folder}/manifest.parquet   the corpus",
        f"  {path}   the recipe it was built from",
    ]
    emit(body, json_, "\n".join(text), f"isocenter build {path} --workspace {folder}   (goes on where it was; change the recipe and see)")

"""`isocenter plan`: what a merge would be, from a rule (JSON), a corpus of the literature, datasets by name, or a recipe (TOML)."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from isocenter.cli.options import WORKSPACE, as_json, emit
from isocenter.core.errors import NotFound, UsageError
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("what", metavar="RULE.json|CORPUS|DATASET…|RECIPE.toml", nargs=-1, required=True)
@click.option("--compat", type=click.Choice(["imaging-x"]), help="Answer a rule as that portal's own code does, on its own table (--data).")
@click.option("--data", multiple=True, metavar="PORTAL.json|NAME=PATH", help="The portal's table (rule), or where dataset NAME lies (recipe).")
@click.option("--all", "everything", is_flag=True, help="Do not shorten long lists.")
@click.option("--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False), envvar="ISOCENTER_WORKSPACE", default=None,
              help="The workspace, for its own facts; a recipe is planned in it.  [default: current folder, if it is one]")
@as_json
def command(what: tuple[str, ...], compat: str | None, data: tuple[str, ...], everything: bool, folder: Path | None, json_: bool) -> None:
    """Show what a merge would take in, leave out and be allowed to do.

    WHAT is a rule as the Imaging-X portal writes it (a file ending in .json), the slug of a corpus (sat-ds), one or more datasets, or a
    recipe (.toml).
    """
    limit = 10**9 if everything else 12
    click.get_current_context().meta[WORKSPACE] = folder
    if len(what) > 1 and any(one.endswith((".json", ".toml")) for one in what):
        raise UsageError("one rule or one recipe at a time")
    if what[0].endswith(".toml"):
        _recipe(Path(what[0]), data, folder, limit, json_)
    elif what[0].endswith(".json"):
        _rule(Path(what[0]), compat, [Path(path) for path in data], folder, limit, json_)
    else:
        _names(what, folder, limit, json_)


def _rule(path: Path, compat: str | None, data: list[Path], folder: Path | None, limit: int, json_: bool) -> None:
    from isocenter.registry import fusion
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.fusion.render import show, show_compat

    if len(data) > 1 or (compat and not data):
        raise UsageError("a rule is answered over one table", hint=f"isocenter plan {shlex.quote(str(path))} --compat imaging-x --data cleaned_total.json")
    rule = fusion.read_rule(path)
    if compat:
        theirs = fusion.plan_like_portal(rule, data[0])
        emit(theirs.as_json(), json_, lambda: show_compat(theirs), f"isocenter plan {shlex.quote(str(path))} --data {data[0]}")
        return
    with catalog_query(_workspace(folder)) as query:
        plan = fusion.plan_rule(rule, query, title=path.stem, portal=data[0] if data else None)
    emit(plan.as_json(), json_, lambda: show(plan, limit), f"isocenter show {plan.members[0].slug}" if plan.members else f"isocenter plan {shlex.quote(str(path))} --all")


def _names(names: tuple[str, ...], folder: Path | None, limit: int, json_: bool) -> None:
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.fusion import plan_names
    from isocenter.registry.fusion.render import show

    with catalog_query(_workspace(folder)) as query:
        plan = plan_names(names, query)
    emit(plan.as_json(), json_, lambda: show(plan, limit), f"isocenter show {shlex.quote(names[0])}")


def _recipe(path: Path, data: tuple[str, ...], folder: Path | None, limit: int, json_: bool) -> None:
    from dataclasses import asdict

    from isocenter.cli.recipe_text import show
    from isocenter.curate.plan import plan_recipe
    from isocenter.curate.recipe_check import open_recipe

    pairs = [text.partition("=") for text in data]
    if wrong := [text for text, (name, equals, root) in zip(data, pairs) if not (name and equals and root)]:
        raise UsageError(f"--data {wrong[0]!r}", hint="--data NAME=/path/you/have")
    workspace = Workspace.open(Path()) if folder is None else Workspace.create(folder)
    recipe = open_recipe(workspace, path, {name: Path(root).resolve() for name, _, root in pairs}, with_roots=False)
    plan = plan_recipe(workspace, recipe)
    missing = [f"{row['dataset']}=/path/you/have" for row in plan.members if not row["in"]]
    emit(asdict(plan), json_, lambda: show(plan, limit), " ".join(["isocenter build", str(path), *(f"--data {text}" for text in (*data, *missing))]))


def _workspace(folder: Path | None) -> Workspace | None:
    """The workspace there, if there is one; a folder that was named must be one."""
    if folder is not None:
        return Workspace.open(folder)
    try:
        return Workspace.open(Path())
    except NotFound:
        return None

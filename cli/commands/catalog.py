"""`isocenter catalog`: build the catalog from text facts, audit it or an outside table, import an outside source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isocenter.cli.options import as_json, dry_run, emit, maybe_workspace, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace

FILE = click.Path(path_type=Path)


@click.group()
def command() -> None:
    """Build, audit and extend the catalog of datasets."""


@command.command()
@click.option("--facts", "folders", type=click.Path(path_type=Path, file_okay=False, exists=True), multiple=True,
              help="A folder of facts instead of the shipped ones; a later one replaces rows of the same key.")
@click.option("--out", type=FILE, help="Where to write it instead of the packaged or workspace catalog.")
@maybe_workspace
@dry_run
@as_json
def build(workspace: Workspace | None, folders: tuple[Path, ...], out: Path | None, dry_run: bool, json_: bool) -> None:
    """Build catalog.duckdb from the text facts: the shipped ones, then the workspace's own."""
    from isocenter.registry import catalog
    from isocenter.registry.build import build as make
    from isocenter.registry.build import load

    sources = list(folders) or [catalog.SHIPPED_FACTS, *([workspace.facts] if workspace and workspace.facts.exists() else [])]
    target = out or catalog.build_target(workspace)
    counts = {name: len(rows) for name, rows in load(sources).items()} if dry_run else make(sources, target)
    lines = [f"{'would write' if dry_run else 'wrote'} {target}", *(f"  {count:>6} {name}" for name, count in counts.items() if count)]
    emit({"catalog": str(target), "rows": counts, "written": not dry_run}, json_, "\n".join(lines), 'isocenter search "liver ct segmentation"')

"""`isocenter init`: make a folder a workspace."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from isocenter.cli.options import as_json, dry_run, emit
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@dry_run
@as_json
def command(folder: Path, dry_run: bool, json_: bool) -> None:
    """Make FOLDER a workspace."""
    workspace = Workspace(folder.resolve()) if dry_run else Workspace.create(folder)
    emit({"workspace": str(workspace.root), "written": not dry_run}, json_, f"workspace {workspace.root}", f"isocenter adopt NAME PATH --workspace {shlex.quote(str(folder))}")

"""`isocenter init`: make a folder a workspace."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, emit
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@as_json
def command(folder: Path, json_: bool) -> None:
    """Make FOLDER a workspace."""
    workspace = Workspace.create(folder)
    emit({"workspace": str(workspace.root)}, json_, f"workspace {workspace.root}", f"isocenter adopt NAME PATH --workspace {folder}")

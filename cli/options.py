"""Options that several verbs share, and the ways a verb prints its result."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isocenter.core.errors import NotFound
from isocenter.core.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_WORKSPACE = "."


def with_workspace(function: F) -> F:
    """Add `--workspace DIR` (or `$ISOCENTER_WORKSPACE`, or the current folder) and pass the opened workspace first."""

    @click.option("--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False), envvar="ISOCENTER_WORKSPACE",
                  default=Path(DEFAULT_WORKSPACE), show_default="current folder", help="The workspace folder.")
    @wraps(function)
    def wrapper(folder: Path, **options: Any) -> Any:
        try:
            workspace = Workspace.open(folder)
        except NotFound:
            if os.path.exists(folder) and not _may_create(folder):
                raise
            workspace = Workspace.create(folder)
        return function(workspace, **options)

    return wrapper  # type: ignore[return-value]


def _may_create(folder: Path) -> bool:
    """An empty folder that was named becomes a workspace; a folder with other things in it does not."""
    return folder != Path(DEFAULT_WORKSPACE) and not any(folder.iterdir())


def as_json(function: F) -> F:
    """Add `--json`: print one object and nothing else on standard output; progress is silent."""

    def on(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
        if value:
            from isocenter.core import progress

            progress.silence()
            ctx.call_on_close(lambda: progress.silence(False))
        return value

    return click.option("--json", "json_", is_flag=True, callback=on, help="Print one JSON object.")(function)


dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
output_cohort = click.option("--as", "name", required=True, metavar="NAME", help="Name of the cohort that comes out.")
seed = click.option("--seed", type=int, default=0, show_default=True, help="Seed of every random choice.")


def emit(body: Mapping[str, Any], json_: bool, text: str | Callable[[], str], next_: str | None = None) -> None:
    """Print the object (`--json`) or the text for people, whose last line says what to type next."""
    if json_:
        click.echo(json.dumps(body, ensure_ascii=False, default=str))
        return
    click.echo(text() if callable(text) else text)
    if next_:
        click.echo(f"next: {next_}")


def columns(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """A plain table: left-aligned columns, two spaces between them."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells)

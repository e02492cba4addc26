"""Options that several verbs share, and the ways a verb prints its result."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from isocenter.core.errors import IsocenterError, UsageError
from isocenter.core.workspace import Workspace

WORKSPACE = "isocenter.workspace"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
F = TypeVar("F", bound=Callable[..., Any])


def with_workspace(function: F) -> F:
    """Add `--workspace DIR` (or `$ISOCENTER_WORKSPACE`, or the current folder) and pass the opened workspace first."""
    return _workspace(function, lambda folder: Workspace.open(folder or Path()), "The workspace folder.  [default: current folder]")


def starting_workspace(function: F) -> F:
    """The same for verbs that work begins with: a folder that was named becomes a workspace when it is none; the current folder never does unasked. A dry run makes none."""
    return _workspace(function, lambda folder: Workspace.open(Path()) if folder is None else Workspace.create(folder),
                      "The workspace folder; it is made if it does not exist.  [default: current folder]", makes=True)


def maybe_workspace(function: F) -> F:
    """The same for verbs that do without one: the workspace if that folder is one (None otherwise); nothing is created."""
    return _workspace(function, lambda folder: Workspace.open(folder or Path()) if folder is not None or Path("workspace.toml").exists() else None,
                      "The workspace folder, for its own facts and tables.  [default: current folder, if it is one]")


def _workspace(function: F, opened: Callable[[Path | None], Workspace | None], help_: str, *, makes: bool = False) -> F:
    @click.option("--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False), envvar="ISOCENTER_WORKSPACE", default=None, help=help_)
    @wraps(function)
    def wrapper(folder: Path | None, **options: Any) -> Any:
        if makes and folder is not None and options.get("dry_run") and not (folder / "workspace.toml").exists():
            workspace: Workspace | None = Workspace(folder.resolve())
        else:
            workspace = opened(folder)
        click.get_current_context().meta[WORKSPACE] = folder
        try:
            return function(workspace, **options)
        except IsocenterError as error:
            error.hint = error.hint and in_workspace(error.hint)
            raise

    return wrapper  # type: ignore[return-value]


def in_workspace(advice: str) -> str:
    """The advice, its command completed by the `--workspace` of the command that gives it, if one was named and the advised verb takes one."""
    context = click.get_current_context()
    folder, words = context.meta.get(WORKSPACE), advice.split()
    if folder is None or words[:1] != ["isocenter"] or "--workspace" in words:
        return advice
    verb, at = context.find_root().command, 1
    while isinstance(verb, click.Group) and at < len(words) and (found := verb.get_command(context, words[at])) is not None:
        verb, at = found, at + 1
    if not any(parameter.name == "folder" and "--workspace" in parameter.opts for parameter in verb.params):
        return advice
    end = len(advice) if re.fullmatch(r"isocenter( [^\s,]+| \"[^\"]*\"| '[^']*')+", advice) else advice.index(words[at - 1]) + len(words[at - 1])
    return f"{advice[:end]} --workspace {shlex.quote(str(folder))}{advice[end:]}"


def data_options(function: F) -> F:
    """Add `--data NAME=PATH`, which puts a folder in the place of the root that the recipe states."""

    def parse(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Path]:
        pairs = [text.partition("=") for text in texts]
        if wrong := [text for text, (name, equals, path) in zip(texts, pairs) if not (name and equals and path)]:
            raise UsageError(f"--data {wrong[0]!r}", hint="--data NAME=/path/you/have")
        return {name: Path(path).resolve() for name, _, path in pairs}

    return click.option("--data", multiple=True, metavar="NAME=PATH", callback=parse, help="Where dataset NAME of the recipe lies.")(function)


def table_options(function: F) -> F:
    """Add `--column NAME=TABLE` and pass `supplied`: column name -> table with `sample_id` and that column."""

    def parse(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, Path]:
        pairs = [text.partition("=") for text in texts]
        if wrong := [text for text, (name, equals, path) in zip(texts, pairs) if not (name and equals and path)]:
            raise UsageError(f"--column {wrong[0]!r}", hint="--column NAME=TABLE, as in score=losses.csv")
        return {name: Path(path) for name, _, path in pairs}

    return click.option("--column", "supplied", multiple=True, metavar="NAME=TABLE", callback=parse,
                        help="A column of your own: a Parquet or CSV table with sample_id and NAME (may be repeated).")(function)


def as_json(function: F) -> F:
    """Add `--json`: print one object and nothing else on standard output; progress is silent."""

    def on(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
        if value:
            from isocenter.core import progress

            progress.silence()
            ctx.call_on_close(lambda: progress.silence(False))
        return value

    return click.option("--json", "json_", is_flag=True, callback=on, help="Print one JSON object.")(function)


def output_cohort(function: F) -> F:
    """Add `--as NAME`, the cohort that comes out, and `--force`, which lets it take the place of one that others came from."""
    named = click.option("--as", "name", required=True, metavar="NAME", help="Name of the cohort that comes out.")
    forced = click.option("--force", is_flag=True, help="Replace the cohort NAME although others came from it.")
    return named(forced(function))


dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
seed = click.option("--seed", type=int, default=0, show_default=True, help="Seed of every random choice.")


def emit(body: Mapping[str, Any], json_: bool, text: str | Callable[[], str], next_: str | None = None) -> None:
    """Print the object (`--json`) or the text for people, whose last line says what to type next (in this workspace).

    A dry run says that it wrote nothing, and advises no verb that would look for what is not there.
    """
    if json_:
        click.echo(json.dumps(body, ensure_ascii=False, default=str))
        return
    click.echo(visible(text() if callable(text) else text))
    context = click.get_current_context()
    if context.params.get("dry_run"):
        click.echo("(dry run: nothing written)")
    if next_ and (not context.params.get("dry_run") or next_.split()[1] == context.info_name):
        click.echo(f"next: {in_workspace(next_)}")


def visible(text: str) -> str:
    """The text with control characters written out: a name from outside is shown to a terminal, never obeyed by it."""
    return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def columns(rows: Sequence[Sequence[Any]], header: Sequence[str]) -> str:
    """A plain table: left-aligned columns, two spaces between them."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells)

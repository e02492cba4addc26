"""`isocenter related`: walk a dataset's relations both ways and say who may hold the same patients."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import click

from isocenter.cli.options import as_json, emit, maybe_workspace
from isocenter.core.workspace import Workspace

if TYPE_CHECKING:
    from isocenter.registry.related import Related, Step


@click.command()
@click.argument("name")
@click.option("--depth", type=click.IntRange(1, 6), default=3, show_default=True, help="How many relations to follow.")
@click.option("--all", "everything", is_flag=True, help="Also list datasets that are related without sharing patients.")
@maybe_workspace
@as_json
def command(workspace: Workspace | None, name: str, depth: int, everything: bool, json_: bool) -> None:
    """List datasets related to NAME, nearest first, with the path that leads there."""
    from isocenter.registry import related as walk
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.entry import find_slug, read_names

    with catalog_query(workspace) as query:
        slug = find_slug(name, read_names(query))
        found, family = walk.related(slug, query, depth), walk.siblings(slug, query)
    others = [one for one in found if one.patients == "other"]
    listed = found if everything else [one for one in found if one.patients != "other"]
    reached = {one.slug for one in found}
    lines = _table(listed) if listed else [f"no dataset is known to share patients with {slug}"]
    if others and not everything:
        lines.append(f"{len(others)} more {'is' if len(others) == 1 else 'are'} related without sharing patients by that (--all)")
    if unstated := [one for one in family if one not in reached]:
        lines.append(f"of the same family, nothing stated: {', '.join(unstated)}")
    body = {"slug": slug, "related": [walk.as_json(one) for one in found], "family": family}
    emit(body, json_, "\n".join(lines), f"isocenter show {listed[0].slug if listed else slug}")


def _table(found: Sequence[Related]) -> list[str]:
    """patients, dataset, and the path that leads there, a relation a line, broken at the width of the terminal."""
    width = max(80, min(get_terminal_size().columns, 120))
    margin = max(len(one.slug) for one in found) + 12
    lines = [f"patients  {'dataset'.ljust(margin - 12)}  by"]
    for one in found:
        by = [line for step in one.path for line in textwrap.wrap(_step(step), max(40, width - margin), subsequent_indent="  ", break_on_hyphens=False)]
        lines += [f"{one.patients.ljust(8)}  {one.slug.ljust(margin - 12)}  {by[0]}", *(" " * margin + line for line in by[1:])]
    return lines


def _step(step: Step) -> str:
    return f"{step.text()}: {step.detail}" if step.detail else step.text()

"""`isocenter status`: what a workspace holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@with_workspace
@as_json
def command(workspace: Workspace, json_: bool) -> None:
    """Show the datasets and cohorts of the workspace, cohorts below what they came from, and which are older than that."""
    from isocenter.core.tables import read_table
    from isocenter.curate.rights import licences_told
    from isocenter.harmonize.cohort import Cohort
    from isocenter.harmonize.cohort_line import by_descent, older_than
    from isocenter.harmonize.dataset_state import adopted_anew
    from isocenter.harmonize.sample import SAMPLES
    from isocenter.harmonize.source import open_source

    datasets, sources = [], {name: open_source(workspace, name) for name in workspace.sources()}
    licences = licences_told(workspace, sources.values())
    for name, source in sources.items():
        path = workspace.samples(name)
        errors = read_table(path, SAMPLES, ["error"])["error"] if path.exists() else None
        datasets.append({"name": name, "root": str(source.root), "layout": source.layout, "license": licences[name], "there": source.root.is_dir(),
                         "scan_again": adopted_anew(workspace, name), "samples": len(errors) if errors is not None else None, "errors": len(errors) - errors.null_count() if errors is not None else None})
    cohorts = [{"name": cohort.name, "verb": cohort.header["verb"], "parent": cohort.header.get("parent"), "samples": len(cohort), "depth": depth, "older_than": older_than(workspace, cohort)}
               for depth, cohort in by_descent([Cohort.open(workspace, name) for name in workspace.cohorts()])]
    emit({"workspace": str(workspace.root), "datasets": datasets, "cohorts": cohorts}, json_, lambda: _text(workspace, datasets, cohorts), _next(datasets, cohorts))


def _text(workspace: Workspace, datasets: list[dict[str, Any]], cohorts: list[dict[str, Any]]) -> str:
    lines = [f"workspace {workspace.root}"]
    if datasets:
        rows = [(row["name"], "not scanned" if row["samples"] is None else f"{row['samples']} (adopted anew since)" if row["scan_again"] else row["samples"], row["errors"] or 0, Path(row["layout"]).name, row["license"],
                 row["root"] if row["there"] else f"{row['root']} (gone)") for row in datasets]
        lines += ["", columns(rows, ("dataset", "samples", "errors", "layout", "licence", "root"))]
    if cohorts:
        aged: list[list[str]] = [["outdated: " + "; ".join(row["older_than"]) if row["older_than"] else ""] if any(row["older_than"] for row in cohorts) else [] for row in cohorts]
        rows = [("  " * row["depth"] + row["name"], row["samples"], row["verb"], row["parent"] or "", *old) for row, old in zip(cohorts, aged)]
        lines += ["", columns(rows, ("cohort", "samples", "by", "from", *(["state"] if aged[0] else [])))]
        lines += ["outdated: made from what has changed since; the verbs that made them, in this order and with --force, make them anew"] if aged[0] else []
    return "\n".join(lines)


def _next(datasets: list[dict[str, Any]], cohorts: list[dict[str, Any]]) -> str:
    """What a workspace in this state lacks next."""
    if not datasets:
        return "isocenter adopt NAME PATH"
    if waiting := [row["name"] for row in datasets if row["samples"] is None or row["scan_again"]]:
        return f"isocenter scan {waiting[0]}"
    if not cohorts:
        return f"isocenter merge {' '.join(row['name'] for row in datasets)} --as COHORT"
    return f"isocenter explain {max(cohorts, key=lambda row: row['depth'])['name']}"

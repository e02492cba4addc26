"""`isocenter status`: what a workspace holds."""

from __future__ import annotations

from typing import Any

import click

from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@with_workspace
@as_json
def command(workspace: Workspace, json_: bool) -> None:
    """Show the datasets and cohorts of the workspace."""
    from isocenter.core.tables import read_table
    from isocenter.harmonize.cohort import Cohort
    from isocenter.harmonize.sample import SAMPLES
    from isocenter.harmonize.source import open_source

    datasets = []
    for name in workspace.sources():
        source, path = open_source(workspace, name), workspace.samples(name)
        errors = read_table(path, SAMPLES, ["error"])["error"] if path.exists() else None
        datasets.append({"name": name, "root": str(source.root), "layout": source.layout, "there": source.root.is_dir(),
                         "samples": len(errors) if errors is not None else None, "errors": len(errors) - errors.null_count() if errors is not None else None})
    cohorts = [{"name": cohort.name, "verb": cohort.header["verb"], "parent": cohort.header.get("parent"), "samples": len(cohort)}
               for cohort in (Cohort.open(workspace, name) for name in workspace.cohorts())]
    lines = [f"workspace {workspace.root}"]
    if datasets:
        lines.append(columns([(row["name"], "not scanned" if row["samples"] is None else row["samples"], row["errors"] or 0, row["root"] if row["there"] else f"{row['root']} (gone)") for row in datasets], ("dataset", "samples", "errors", "root")))
    if cohorts:
        lines.append(columns([(row["name"], row["samples"], row["verb"], row["parent"] or "") for row in cohorts], ("cohort", "samples", "by", "from")))
    emit({"workspace": str(workspace.root), "datasets": datasets, "cohorts": cohorts}, json_, "\n".join(lines), _next(datasets, cohorts))


def _next(datasets: list[dict[str, Any]], cohorts: list[dict[str, Any]]) -> str:
    """What a workspace in this state lacks first."""
    if not datasets:
        return "isocenter adopt NAME PATH"
    if waiting := [row["name"] for row in datasets if row["samples"] is None]:
        return f"isocenter scan {waiting[0]}"
    if not cohorts:
        return f"isocenter merge {' '.join(row['name'] for row in datasets)} --as COHORT"
    return f"isocenter explain {cohorts[-1]['name']}"

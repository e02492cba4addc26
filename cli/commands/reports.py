"""`isocenter reports`: label the radiology reports of a scanned dataset, offline, into its annotation table."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("name")
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Column of the layout's tables that holds the text.  [default: where the layout's reports stand, else findings, impression, report, …]")
@click.option("--files", metavar="PATTERN", help="Text files instead, paired with the images by tokens, e.g. 'reports/{study}.txt'.")
@click.option("--by", "backend", default="rules", show_default=True, help="The labeller: rules, or a file of the workspace's plugins.")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, name: str, columns: tuple[str, ...], files: str | None, backend: str, dry_run: bool, json_: bool) -> int:
    """Label the reports of dataset NAME: one row of annotations/NAME.parquet per term that a report mentions, with span and certainty.

    Exit status 3: done, and some samples have no report.
    """
    from isocenter.harmonize.reports._dataset import label_reports

    found = label_reports(workspace, name, columns=columns, files=files, backend=backend, dry_run=dry_run)
    told = f"{name}: {found.reports} samples with a report, {found.without} without; " + (", ".join(f"{state} {rows}" for state, rows in found.states.items()) or "no finding mentioned")
    emit(asdict(found), json_, told, "isocenter sql \"select sample_id, term, state, raw, geometry from annotations where kind = 'label'\"")
    return Exit.ROWS_IN_ERROR if found.without else Exit.DONE

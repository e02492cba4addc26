"""`isocenter derive`: boxes, volumes, diameters, positions and captions from a dataset's masks, into its annotation table."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("name")
@click.option("--what", required=True, metavar="LIST", help="Comma-separated: areas, boxes, captions, centroids, components, diameters, positions, sizes, volumes.")
@with_workspace
@dry_run
@as_json
def command(workspace: Workspace, name: str, what: str, dry_run: bool, json_: bool) -> int:
    """Measure the masks of dataset NAME; rows go to annotations/NAME.parquet and say which mask and method made them.

    Exit status 3: done, and some masks could not be used; each is named with the reason.
    """
    from isocenter.harmonize.derive._dataset import derive_dataset

    found = derive_dataset(workspace, name, [wish.strip() for wish in what.split(",") if wish.strip()], dry_run=dry_run)
    lines = [f"{name}: {found.masks} masks; " + ", ".join(f"{wish} {rows} rows" for wish, rows in found.rows.items())]
    lines += [f"  skipped: {uri}: {reason}" for uri, reason in list(found.skipped.items())[:20]]
    emit(asdict(found), json_, "\n".join(lines), "isocenter sql \"select sample_id, term, annotator, geometry from annotations where machine_made\"")
    return Exit.ROWS_IN_ERROR if found.skipped else Exit.DONE

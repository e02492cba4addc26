"""`isocenter export`: write a cohort in a format that training code reads."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount
from isocenter.registry.licenses import Use

WARNINGS_SHOWN = 10


@click.command()
@click.argument("cohort")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--to", default="files", show_default=True, help="The format; `isocenter plugins exporters` lists them.")
@click.option("--use", type=click.Choice(["local", "share", "commercial"]), default="local", show_default=True, help="What the export is for; licences are held to it.")
@click.option("--against", multiple=True, metavar="COHORT", help="A benchmark that must share no patient, study or picture with this; may be repeated.")
@click.option("--accept-leakage", is_flag=True, help="Go on although samples of one patient, study or picture stand on two sides.")
@click.option("--identifying", type=click.Choice(["refuse", "clean", "keep"]), default="refuse", show_default=True, help="DICOM files whose header names a person.")
@click.option("--keep-dates", is_flag=True, help="Keep dates in DICOM headers.")
@click.option("--conceal-names", is_flag=True, help="Replace patient, study and series ids in published file names too (always done for DICOM).")
@click.option("--pseudonym-key", type=click.Path(path_type=Path), metavar="FILE", help="The key of the pseudonyms.  [default: the workspace's own]")
@click.option("--skip-unfit", is_flag=True, help="Leave out samples that the format cannot carry; the ledger names them.")
@click.option("--by-annotation", is_flag=True, help="nnunet: one dataset per set of annotated terms instead of an ignore label.")
@click.option("--regions", is_flag=True, help="nnunet: keep overlapping structures as regions; else the smaller one is painted over the larger.")
@click.option("--force", is_flag=True, help="Replace the export of another cohort, or in another format, that OUT holds.")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, out: Path, to: str, use: Use, force: bool, dry_run: bool, json_: bool, **wishes: Any) -> int:
    """Write COHORT to the folder OUT with manifest, Croissant, licences, attribution and ledger.

    What stands against it is refused by name: a licence, identifying DICOM tags, leakage, samples that do not fit the format. Exit status 3: written, and some
    samples could not be read; the ledger names them.
    """
    from isocenter.cli.render import counts, size
    from isocenter.curate.export import Wishes, export, preview
    from isocenter.harmonize.cohort import Cohort

    done = (preview if dry_run else export)(workspace, Cohort.open(workspace, cohort), to=to, folder=out, use=use, wishes=Wishes(**wishes), force=force)
    body = {"folder": str(out), "format": to, "samples": done.samples, "files": done.files, "bytes": done.bytes, "ledger": done.done, "reasons": [{"what": what, "why": why, "samples": number} for what, why, number in done.reasons], "unreadable": done.unreadable,
            "warnings": done.warnings, "written": not dry_run}
    lines = [f"{out}: {amount(done.samples, 'sample')}, {amount(done.files, 'file')}, {size(done.bytes)}"]
    lines += [f"samples in the ledger: {counts(done.done)} ({out / 'ledger.parquet'})"] if done.done else []
    lines += [f"  {what}, {amount(number, 'sample')}: {why}" for what, why, number in done.reasons]
    lines += [f"warning: {warning}" for warning in done.warnings[:WARNINGS_SHOWN]]
    lines += [f"… and {len(done.warnings) - WARNINGS_SHOWN} more warnings"] if len(done.warnings) > WARNINGS_SHOWN else []
    emit(body, json_, "\n".join(lines), shlex.join(["isocenter", "verify", str(out)]))
    return Exit.ROWS_IN_ERROR if done.unreadable else Exit.DONE

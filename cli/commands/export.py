"""`isocenter export`: write a cohort in a format that training code reads."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("cohort")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--to", default="files", show_default=True, help="The format; `isocenter plugins exporters` lists them.")
@click.option("--use", type=click.Choice(["local", "share", "commercial"]), default="local", show_default=True, help="What the export is for; licences are held to it.")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, out: Path, to: str, use: str, dry_run: bool, json_: bool) -> None:
    """Write COHORT to the folder OUT with manifest, licences and ledger."""
    from isocenter.cli.render import size
    from isocenter.curate.export import export, preview
    from isocenter.harmonize.cohort import Cohort

    opened = Cohort.open(workspace, cohort)
    done = preview(workspace, opened, folder=out, use=use) if dry_run else export(workspace, opened, to=to, folder=out, use=use)  # type: ignore[arg-type]
    body = {"folder": str(out), "format": to, "samples": done.samples, "files": done.files, "bytes": done.bytes, "warnings": done.warnings, "written": not dry_run}
    lines = [f"{out}: {done.samples} samples, {done.files} files, {size(done.bytes)}{' (not written)' if dry_run else ''}", *[f"warning: {warning}" for warning in done.warnings[:10]]]
    lines += [f"… and {len(done.warnings) - 10} more warnings"] if len(done.warnings) > 10 else []
    emit(body, json_, "\n".join(lines), f"isocenter verify {out}", here=False)

"""`isocenter dedup`: keep one sample of every group that shows one picture."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, dry_run, emit, output_cohort, seed, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("cohort")
@click.option("--near/--exact", default=True, show_default=True, help="Look for near-duplicates beyond equal bytes and equal pixels.")
@click.option("--local/--no-local", default=None, help="Look by local features too, which finds cropped and turned copies. [default: up to 50,000 samples]")
@click.option("--sheets", type=click.Path(path_type=Path, file_okay=False), help="Write contact sheets (PNG) of the pairs that a person should judge to this folder.")
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, near: bool, local: bool | None, sheets: Path | None, seed: int, name: str, dry_run: bool, force: bool, json_: bool) -> int:
    """Group the samples of COHORT that show one picture, keep one of each and carry the labels of all to it."""
    from isocenter.curate.dedup import dedup, write_sheets
    from isocenter.harmonize.cohort import Cohort

    found = dedup(workspace, Cohort.open(workspace, cohort), name=name, near=near, local=local, seed=seed, dry_run=dry_run, force=force)
    pages = write_sheets(workspace, Cohort.open(workspace, cohort), found, sheets) if sheets and not dry_run else []
    by = Counter((pair.net, pair.verdict) for pair in found.pairs)
    body = {"cohort": name, "samples": len(found.cohort), "groups": found.groups, "dropped": found.dropped, "undecodable": found.undecodable,
            "contradictions": found.conflicts, "pairs": [{"net": net, "verdict": verdict, "pairs": number} for (net, verdict), number in sorted(by.items())], "sheets": [str(page) for page in pages], "written": not dry_run}
    lines = [f"{name}: {len(found.cohort)} samples kept, {found.dropped} copies dropped in {found.groups} groups"]
    lines += [columns([(net, verdict, number) for (net, verdict), number in sorted(by.items())], ("net", "verdict", "pairs"))] if by else []
    lines += [f"{found.conflicts} labels contradicted between copies were withheld"] if found.conflicts else []
    lines += [f"{len(pages)} contact sheets in {sheets}"] if pages else []
    lines += [f"error: {sample}: {cause}" for sample, cause in found.undecodable.items()]
    emit(body, json_, "\n".join(lines), f"isocenter split {name} --as {name}-split")
    return Exit.ROWS_IN_ERROR if found.undecodable else Exit.DONE

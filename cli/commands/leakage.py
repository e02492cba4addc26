"""`isocenter leakage`: which patients, studies and pictures stand on two sides of a split, of published splits, datasets or benchmarks."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.files import write_text
from isocenter.core.workspace import Workspace

if TYPE_CHECKING:
    from isocenter.curate.leakage import Across, Leak, Leaking

SHOWN = 10
COLUMNS = ("sample_id", "side", "kind", "other_side", "other", "what")


@click.command()
@click.argument("cohort")
@click.option("--across", type=click.Choice(["split", "published", "dataset"]), default="split", show_default=True, help="What makes two sides.")
@click.option("--against", multiple=True, metavar="COHORT", help="Another cohort, e.g. of a benchmark; sides are then named by cohort and split. May be repeated.")
@click.option("--list", "listing", type=click.Path(dir_okay=False, path_type=Path),
              help="Write every leaking sample to this file: a .csv says of what, on which side and against which; any other holds the ids of COHORT alone, as select --exclude reads them.")
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, across: Across, against: tuple[str, ...], listing: Path | None, json_: bool) -> None:
    """List what COHORT has on two sides at once."""
    from isocenter.curate.leakage import leakage, leaking
    from isocenter.harmonize.cohort import Cohort

    one, others = Cohort.open(workspace, cohort), [Cohort.open(workspace, name) for name in against]
    result = leakage(workspace, one, across=across, against=others)
    members = leaking(result)
    if listing:
        _write(listing, members, result.own)
    by = Counter((leak.kind, leak.side_a, leak.side_b) for leak in result.leaks)
    rows = [(kind, f"{a}  |  {b}", number) for (kind, a, b), number in by.items()]
    lines = [columns(rows, ("leaks", "between", "found")) if rows else f"nothing known of {cohort} stands on two sides"]
    lines += [f"  {leak.kind}: {leak.a} ({leak.what})" if leak.a == leak.b else f"  {leak.kind}: {leak.a} and {leak.b} ({leak.what})" for leak in result.leaks[:SHOWN]]
    lines += [f"  … and {len(result.leaks) - SHOWN} more (--json lists all)"] if len(result.leaks) > SHOWN else []
    own = {row.sample_id for row in members if row.side in result.own}
    lines += [f"leaking samples of {cohort}: {len(own)}" + (f", listed in {listing}" if listing else " (--list FILE names them)")] if own else []
    lines += [f"{number} of {result.sides[side]} samples of {side} have no patient id" for side, number in result.unknown.items()]
    lines += [] if result.compared else ["pictures were not compared: isocenter dedup, on a cohort that holds both sides, leaves the pairs that this reads"]
    lines += [advice] if (advice := _advice(cohort, result.leaks, against, listing)) else []
    body = {"cohort": cohort, "across": across, "against": list(against), "sides": result.sides, "without_patient_id": result.unknown,
            "pictures_compared": result.compared, "samples": sorted(own), "leaks": [asdict(leak) for leak in result.leaks]}
    emit(body, json_, "\n".join(lines), f"isocenter split {cohort} --as {cohort}-sides" if result.leaks and across == "split" and not against else None)


def _write(path: Path, members: Sequence[Leaking], own: frozenset[str]) -> None:
    if path.suffix.lower() != ".csv":
        write_text(path, "".join(f"{sample}\n" for sample in sorted({row.sample_id for row in members if row.side in own})))
        return
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(row) for row in members)
    write_text(path, out.getvalue())


def _advice(cohort: str, leaks: Sequence[Leak], against: tuple[str, ...], listing: Path | None) -> str | None:
    """What cures leaks into another cohort, which no split does."""
    if not against or not leaks:
        return None
    if all(leak.kind == "lineage" for leak in leaks):
        return "only the catalog knows of this; compare the pictures before you believe either answer"
    known = listing is not None and listing.suffix.lower() != ".csv"
    return (f"a new split does not cure this: leave these samples of {cohort} out of training, with isocenter select --exclude {listing if known else 'leaking.txt'}"
            + ("" if known else " after --list leaking.txt"))

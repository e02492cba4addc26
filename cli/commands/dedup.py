"""`isocenter dedup`: keep one sample of every group that shows one picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, dry_run, emit, in_workspace, output_cohort, seed, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount

FOUND_BY = {"file": "equal files", "pixel": "equal pixels", "thumbnail": "thumbnails", "local-features": "local features", "volume": "volumes", "person": "a person"}
VERDICTS = {"same": "one picture", "unsettled": "unsettled", "different": "two pictures"}
SHOWN = 10


@click.command()
@click.argument("cohort")
@click.option("--near/--exact", default=True, show_default=True, help="Look for near-duplicates beyond equal bytes and equal pixels.")
@click.option("--local/--no-local", default=None, help="Look by local features too, which finds cropped and turned copies. [default: up to 50,000 samples]")
@click.option("--sheets", type=click.Path(path_type=Path, file_okay=False), help="Write contact sheets (PNG) of the pairs that a person should judge to this folder.")
@click.option("--settle", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Take a person's verdicts from this CSV file (columns a, b, verdict: same or different), such as unsettled.csv of --sheets; they are kept.")
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, near: bool, local: bool | None, sheets: Path | None, settle: Path | None, seed: int, name: str, dry_run: bool, force: bool, json_: bool) -> int:
    """Group the samples of COHORT that show one picture, keep one of each and carry the labels of all to it."""
    from isocenter.curate.dedup import dedup, write_sheets
    from isocenter.harmonize.cohort import Cohort

    found = dedup(workspace, Cohort.open(workspace, cohort), name=name, near=near, local=local, seed=seed, settle=settle, dry_run=dry_run, force=force)
    pages = write_sheets(workspace, Cohort.open(workspace, cohort), found, sheets) if sheets and not dry_run else []
    by: Counter[tuple[str, str]] = Counter((pair.net, pair.verdict) for pair in found.pairs)
    body = {"cohort": name, "samples": len(found.cohort), "groups": found.groups, "dropped": found.dropped, "undecodable": found.undecodable,
            "withheld": found.withheld, "pairs": [{"net": net, "verdict": verdict, "pairs": number} for (net, verdict), number in sorted(by.items())],
            "sheets": [str(page) for page in pages], "verdicts_elsewhere": found.elsewhere, "written": not dry_run}
    lines = [f"{name}: {amount(len(found.cohort), 'sample')} kept, {amount(found.dropped, 'copy')} dropped in {amount(found.groups, 'group')}"]
    rows = [(FOUND_BY.get(net, net), *(by[net, verdict] for verdict in VERDICTS)) for net in dict.fromkeys([*FOUND_BY, *(net for net, _ in by)]) if any(by[net, v] for v in VERDICTS)]
    lines += [columns(rows, ("pairs that came near, by", *VERDICTS.values()))] if rows else []
    lines += [f"verdicts of {settle} on samples that are not both in {cohort}: {found.elsewhere}; kept for cohorts that hold both"] if found.elsewhere else []
    lines += _withheld(found.withheld)
    lines += [f"{len(pages)} contact sheets in {sheets}"] if pages else []
    lines += _unsettled(sum(pair.verdict == "unsettled" for pair in found.pairs), workspace.pairs(name), sheets if pages else None, f"isocenter dedup {cohort} --as {name} --force", dry_run)
    lines += [f"error: {sample}: {cause}" for sample, cause in found.undecodable.items()]
    emit(body, json_, "\n".join(lines), f"isocenter split {name} --as {name}-split")
    return Exit.ROWS_IN_ERROR if found.undecodable else Exit.DONE


def _withheld(withheld: Mapping[str, list[str]]) -> list[str]:
    """Which labels are missing on keepers because copies contradict each other."""
    number = sum(len(terms) for terms in withheld.values())
    lines = [f"labels withheld, because copies of one picture contradict each other: {number}"] if number else []
    lines += [f"  {', '.join(terms)} of {keeper}" for keeper, terms in sorted(withheld.items())[:SHOWN]]
    return lines + ([f"  … and of {len(withheld) - SHOWN} more (--json lists all)"] if len(withheld) > SHOWN else [])


def _unsettled(number: int, table: Path, sheets: Path | None, again: str, dry_run: bool) -> list[str]:
    """What a person can do about pairs that the proof leaves open."""
    if not number:
        return []
    settle = f"look at {sheets}/unsettled-*.png, write same or different into {sheets}/unsettled.csv, then {in_workspace(f'{again} --settle {sheets}/unsettled.csv')}"
    told = settle if sheets else f"see them with {in_workspace(f'{again} --sheets sheets')}"
    return [f"unsettled pairs: {number}; both pictures are kept, and split will not part them" + ("" if dry_run else f"; listed in {table}"), f"  {told}"]

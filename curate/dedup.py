"""De-duplicate a cohort: nets bring pairs together, what is proven becomes a group, one of each group is kept with the labels of all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.runs import ledger
from isocenter.core.tables import write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.duplicates import carry
from isocenter.curate.duplicates.transform import ways_to
from isocenter.curate.groups import GROUPS, PAIRS, Pair, components, pair_rows, star_pairs
from isocenter.curate.near import near_pairs, sheets
from isocenter.curate.settled import PERSON, apply, concerning, keep, read_verdicts, settled
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.cohort_line import claim
from isocenter.harmonize.decode import ensure_pixel_hashes
from isocenter.harmonize.sample import LABELS_DTYPE
from isocenter.registry.labelmap import combine

COLUMNS = ["file_hash", "pixel_hash", "shape", "dtype", "license", "patient_id", "study_id", "series_id", "modality", "format", "spacing_mm"]
BITS = {"uint16": 16, "int16": 16, "uint32": 32, "int32": 32, "float32": 24, "float64": 24}


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """The cohort of keepers, and what was found on the way."""

    cohort: Cohort
    pairs: list[Pair]
    groups: int
    dropped: int
    undecodable: dict[str, str]
    withheld: dict[str, list[str]]     # keeper -> terms on which its copies contradict each other
    elsewhere: int = 0                 # verdicts of the file that name samples outside this cohort


def dedup(workspace: Workspace, cohort: Cohort, *, name: str, near: bool = True, local: bool | None = None, seed: int = 0, settle: Path | None = None,
          dry_run: bool = False, force: bool = False) -> Deduplicated:
    """Keep one sample of every group that shows one picture; write groups/<name>.parquet and groups/<name>.pairs.parquet.

    near: look for near-duplicates beyond equal bytes and equal pixels; local: with the local-feature net (None: up to 50,000
    samples). Labels of a group's members travel to the keeper as far as the proven transform lets them, and are combined
    there (what one does not annotate yields to what another states; a contradiction is withheld and named). settle: a file of
    verdicts that the workspace keeps from now on (`curate.settled`); what a person settled before counts too, and the cohort's header
    names the verdicts that concern it. force: see `claim`.
    """
    told = read_verdicts(settle) if settle else {}
    verdicts = settled(workspace) | told
    with ledger(workspace, "dedup", dry_run=dry_run, cohort=cohort.name, near=near, local=local, seed=seed, name=name) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        decided = concerning(verdicts, cohort.table["sample_id"])
        asked = {"near": near, "local": local, "seed": seed} | ({"settled": [[*ends, verdict] for ends, verdict in sorted(decided.items())]} if decided else {})
        claim(workspace, cohort.next(name, cohort.table, "dedup", **asked), force=force)
        table, broken = _decoded(workspace, cohort, dry_run=dry_run)
        pairs = _exact(table)
        pairs += near_pairs(workspace, table, pairs, local=local, seed=seed, dry_run=dry_run) if near else []
        pairs = apply(pairs, concerning(decided, table["sample_id"]))
        rows, kept, withheld = _groups(table, pairs)
        pairs = _without_answered(pairs, {row["sample_id"]: row["group"] for row in rows})
        if not dry_run:
            if settle:
                keep(workspace, verdicts)
            write_table(workspace.pairs(name), pair_rows(pairs), PAIRS, {"cohort": cohort.name})
            write_table(workspace.groups(name), rows, GROUPS, {"cohort": cohort.name})
        result = cohort.next(name, kept, "dedup", **asked).save(workspace, dry_run=dry_run)
        groups = len({row["group"] for row in rows})
        run.counts |= {"samples": len(cohort), "kept": len(result), "groups": groups, "pairs": len(pairs), "undecodable": len(broken), "settled": len(decided)}
        run.outputs |= {name: result.fingerprint or ""}
    return Deduplicated(result, pairs, groups, table.height - len(result), broken, withheld, len(told) - len(concerning(told, cohort.table["sample_id"])))


def write_sheets(workspace: Workspace, cohort: Cohort, found: Deduplicated, folder: Path) -> list[Path]:
    """Contact sheets of the near pairs that a person should see."""
    return sheets(workspace, cohort.samples(workspace, ["spacing_mm"]), found.pairs, folder)


def _decoded(workspace: Workspace, cohort: Cohort, *, dry_run: bool) -> tuple[pl.DataFrame, dict[str, str]]:
    """The cohort's samples with their pixel hashes, and sample id -> cause for those that do not decode."""
    looked = [ensure_pixel_hashes(workspace, dataset, dry_run=dry_run) for dataset in cohort.table["dataset"].unique().sort()]
    broken = {sample: cause for one in looked for sample, cause in one.broken.items()}
    hashes = {sample: digest for one in looked for sample, digest in one.hashes.items()}
    table = cohort.samples(workspace, COLUMNS)
    found = pl.col("sample_id").replace_strict(hashes, default=pl.col("pixel_hash"), return_dtype=pl.String)
    ids = set(table["sample_id"].to_list())
    return table.with_columns(pixel_hash=found).filter(~pl.col("sample_id").is_in(list(broken))), {sample: cause for sample, cause in broken.items() if sample in ids}


def _exact(table: pl.DataFrame) -> list[Pair]:
    """Equal bytes first; equal pixels only where the bytes differ."""
    same_file = star_pairs(table, "file_hash", "file")
    known = {pair.b for pair in same_file}
    return same_file + star_pairs(table.filter(~pl.col("sample_id").is_in(known)), "pixel_hash", "pixel")


def _groups(table: pl.DataFrame, pairs: list[Pair]) -> tuple[list[dict[str, Any]], pl.DataFrame, dict[str, list[str]]]:
    """Group rows, the cohort of keepers and lone samples in their order, and the terms that contradictions withheld, by keeper."""
    ids = table["sample_id"].to_list()
    position = {sample: index for index, sample in enumerate(ids)}
    proven = [pair for pair in pairs if pair.verdict == "same"]
    member_of = components(len(ids), [(position[pair.a], position[pair.b]) for pair in proven])
    evidence = _evidence(proven)
    members: dict[int, list[int]] = {}
    for index, group in enumerate(member_of.tolist()):
        members.setdefault(group, []).append(index)
    several = {group: indices for group, indices in members.items() if len(indices) > 1}
    records, terms = table.to_dicts(), {term for states in table["labels"] for term in states or {}}
    rows, labels, drop = [], table["labels"].to_list(), set()
    withheld: dict[str, list[str]] = {}
    reasons: list[str | None] = [None] * len(ids)
    for number, indices in enumerate(several.values(), start=1):
        keeper = max(indices, key=lambda index: (*_worth(records[index]), -index))
        ways = ways_to(ids[keeper], proven)
        joined, disputed = combine([carry.labels(labels[index] or {}, ways.get(ids[index]), terms) for index in indices])
        if any(labels[index] is not None for index in indices):
            labels[keeper] = {term: joined[term] for term in sorted(joined)}
        if disputed:
            withheld[ids[keeper]] = list(disputed)
        reasons[keeper] = f"kept of {len(indices)} copies" + (f"; contradicted and withheld: {', '.join(disputed)}" if disputed else "")
        drop |= set(indices) - {keeper}
        rows += [{"group": f"g{number:05d}", "sample_id": ids[index], "dataset": records[index]["dataset"], "uri": records[index]["uri"],
                  "keeper": index == keeper, "evidence": evidence[ids[index]]} for index in indices]
    kept = cohort_columns(table, labels, reasons).with_row_index("at").filter(~pl.col("at").is_in(sorted(drop))).drop("at")
    return rows, kept, withheld


def _without_answered(pairs: list[Pair], group: dict[str, str]) -> list[Pair]:
    """Without the unsettled pairs whose pictures others have joined: nobody needs to be asked about them."""
    return [pair for pair in pairs if pair.verdict != "unsettled" or group.get(pair.a, pair.a) != group.get(pair.b, pair.b)]


def cohort_columns(table: pl.DataFrame, labels: list[dict[str, str] | None], reasons: list[str | None]) -> pl.DataFrame:
    """The cohort's own columns with new labels and reasons."""
    return table.select("sample_id", "dataset", "uri", "split", "rank", "gain").with_columns(
        pl.Series("labels", labels, dtype=LABELS_DTYPE), pl.Series("reason", reasons, dtype=pl.String))


def _worth(record: dict[str, Any]) -> tuple[int, int, int, int]:
    """Keeper rule: most pixels, then bit depth, then a known licence, then most labels; the earlier sample settles a tie."""
    pixels = 1
    for side in record["shape"] or ():
        pixels *= side
    return pixels, BITS.get(record["dtype"] or "", 8), int(bool(record["license"])), len(record["labels"] or ())


def _evidence(pairs: list[Pair]) -> dict[str, str]:
    """For every grouped sample: the net that bound it and how well."""
    found: dict[str, str] = {}
    for pair in pairs:
        for one, other in ((pair.b, pair.a), (pair.a, pair.b)):
            found.setdefault(one, f"settled by a person, with {other}" if pair.net == PERSON else f"{pair.net} {pair.score:.4g} with {other}")
    return found

"""The merge ledger: what became of every raw value of every member; readings and the target space go in, one table comes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from isocenter.core.files import draft
from isocenter.core.tables import Kind, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.mask_file import drawn_voxels
from isocenter.harmonize.merge_conflicts import Disagreement, Member
from isocenter.harmonize.readings import Reader
from isocenter.harmonize.space import LabelSpace
from isocenter.registry.labelconflicts import OWN_RULES
from isocenter.registry.labelmap import Entry

MERGE_LEDGER = Kind("merge-ledger", 1, pa.schema([
    ("dataset", pa.string()), ("release", pa.string()), ("medium", pa.string()), ("origin", pa.string()), ("label_map", pa.string()), ("encoding", pa.string()),
    ("mode", pa.string()), ("raw_value", pa.string()), ("raw_name", pa.string()), ("state", pa.string()), ("terms", pa.list_(pa.string())), ("rule", pa.string()),
    ("targets", pa.list_(pa.string())), ("becomes", pa.string()), ("fate", pa.string()), ("policy", pa.string()), ("evidence", pa.string()),
    ("samples", pa.int64()), ("refused", pa.int64()), ("voxels", pa.int64()), ("note", pa.string()),
]))
"""One row per raw value and rule: a value that is a structure by identity and belongs to a whole by union has two. rule: identity, union,
absorb, many-to-many; negative (denies every term of its map), unmapped (the map does not list it), silence (an empty cell), background.
targets: terms of the space on which the value speaks, and `becomes` what it says of them. fate: carried, outside the space, not annotated
(by the policy for uncertain), nothing stated. samples: of the cohort, in which the value was met; refused: in which its cell or mask was not
understood whole and states nothing. voxels: of those samples' masks; null where there is nothing to count, and `note` says why."""

NAME = "merge_ledger"
NO_VOXELS = {"cell": "a cell has no voxels", "box": "a box has no voxels"}
MASK_MODE = "every value"


def ledger_path(workspace: Workspace, cohort: str) -> Path:
    """The ledger of a cohort that `merge` made."""
    return workspace.root / "cohorts" / cohort / f"{NAME}.parquet"


def ledger_of(workspace: Workspace, cohort: Cohort) -> Path | None:
    """The ledger of the merge that a cohort goes back to; None when it was kept by no merge."""
    paths = (ledger_path(workspace, name) for name in (cohort.name, *reversed(cohort.header.get("lineage", []))))
    return next((path for path in paths if path.exists()), None)


def write_ledger(path: Path, table: pl.DataFrame, header: dict[str, Any]) -> None:
    """The ledger as Parquet, and beside it as csv for people, lists joined by ` + `."""
    write_table(path, table, MERGE_LEDGER, header)
    with draft(path.with_suffix(".csv")) as temporary:
        readable(table).write_csv(temporary)


def readable(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.col("terms", "targets").list.join(" + "))


def fates(table: pl.DataFrame) -> list[dict[str, Any]]:
    """The ledger in short: for every dataset how many raw values there are, were met, and what became of them."""
    values = table.group_by("dataset", "origin", "label_map", "raw_value", maintain_order=True).agg(
        pl.col("samples", "refused", "voxels").max(), pl.col("fate").eq("carried").any().alias("carried"), pl.col("fate").eq("outside the space").all().alias("outside_the_space"),
        pl.col("rule").eq("unmapped").any().alias("unmapped"))
    return values.group_by("dataset", maintain_order=True).agg(
        pl.len().alias("raw_values"), (pl.col("samples") > 0).sum().alias("met"), pl.col("carried", "outside_the_space", "unmapped").sum(),
        pl.col("refused").gt(0).sum(), pl.when(pl.col("voxels").is_not_null().any()).then(pl.col("voxels").sum()).alias("voxels")).to_dicts()


def merge_ledger(workspace: Workspace, members: Sequence[Member], chosen: pl.DataFrame, space: LabelSpace, settled: Sequence[Disagreement] = ()) -> pl.DataFrame:
    """One row per raw value of every member and rule; `chosen` are the cohort's samples (sample_id)."""
    kept = chosen.select("sample_id").unique()
    rows = [row for member in members for row in (*_of_member(member, kept, space), *_of_annotations(workspace, member, kept))]
    for row in rows:
        answers = [f"settled: {one.name} = {one.answer}" for one in settled if one.answer is not None and row["dataset"] in one.members and row["label_map"] in one.maps]
        row["note"] = "; ".join(text for text in (row["note"], *answers) if text) or None
    return pl.from_arrow(pa.Table.from_pylist(rows, schema=MERGE_LEDGER.schema))  # type: ignore[return-value]


def _of_member(member: Member, kept: pl.DataFrame, space: LabelSpace) -> Iterator[dict[str, Any]]:
    counts = _counts(member, kept)
    for key, reader in sorted(member.readings.readers.items(), key=lambda item: (item[1].origin, item[1].map.name)):
        met = counts.get(key, {})
        for raw, known in reader.map.by_raw.items():
            entries = sorted(known, key=lambda entry: entry.rule not in OWN_RULES)
            for entry in entries:
                yield _row(member, reader, met.pop(raw, None) if entry is entries[-1] else met.get(raw), _meaning(entry, reader, space), entry.raw)
        for raw, found in sorted(met.items()):
            rule = "silence" if raw == "" else "background" if reader.medium == "mask" and raw in ("0", "#000000") else "unmapped"
            yield _row(member, reader, found, {"rule": rule, "fate": "nothing stated"}, found["raw"])


def _counts(member: Member, kept: pl.DataFrame) -> dict[str, dict[str, dict[str, Any]]]:
    """reader -> raw value, case folded -> samples, refused, voxels. A mask of a structure that is not there was read and holds none of it."""
    here = pl.col("voxels").is_null() | (pl.col("voxels") > 0)
    table = member.readings.table.join(kept, on="sample_id", how="semi").group_by("reader", "raw_value").agg(
        pl.col("sample_id").filter(pl.col("used") & here).n_unique().alias("samples"), pl.col("sample_id").filter(~pl.col("used") & here).n_unique().alias("refused"),
        pl.col("voxels").filter(pl.col("used")).sum().alias("voxels"))
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for reader, raw, samples, refused, voxels in table.sort("reader", "raw_value").iter_rows():
        same = found[reader].setdefault(raw.casefold(), {"raw": raw, "samples": 0, "refused": 0, "voxels": 0})
        same |= {"samples": same["samples"] + samples, "refused": same["refused"] + refused, "voxels": same["voxels"] + (voxels or 0)}
    return found


def _meaning(entry: Entry, reader: Reader, space: LabelSpace) -> dict[str, Any]:
    """What an entry says, and what becomes of it in the space."""
    said: dict[str, Any] = {"raw_name": entry.name or None, "state": entry.state, "terms": list(entry.terms), "rule": entry.rule, "evidence": entry.evidence or None}
    if not entry.terms:
        denied = space.carry(dict.fromkeys(reader.map.annotates, "absent"))
        return said | {"state": "absent", "rule": "negative", "targets": sorted(denied), "becomes": "absent" if denied else None, "fate": "carried" if denied else "outside the space"}
    carried = space.carry(dict.fromkeys(entry.terms, entry.state))
    if entry.state == "uncertain":
        said["policy"] = " + ".join(dict.fromkeys(space.doubt.of(term) for term in entry.terms))
    if not carried:
        ignored = entry.state == "uncertain" and "ignore" in said["policy"]
        return said | {"fate": "not annotated" if ignored else "outside the space"}
    return said | {"targets": sorted(carried), "becomes": " + ".join(dict.fromkeys(carried.values())), "fate": "carried"}


def _row(member: Member, reader: Reader, met: dict[str, Any] | None, meaning: dict[str, Any], raw: str) -> dict[str, Any]:
    found = met or {"samples": 0, "refused": 0, "voxels": 0}
    note = NO_VOXELS.get(reader.medium)
    return {"dataset": member.name, "release": member.release, "medium": reader.medium, "origin": reader.origin, "label_map": reader.map.name, "encoding": reader.encoding,
            "mode": MASK_MODE if reader.medium == "mask" else reader.map.mode, "raw_value": raw, "samples": found["samples"], "refused": found["refused"],
            "voxels": None if note else found["voxels"], "note": note, **meaning}


def _of_annotations(workspace: Workspace, member: Member, kept: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """What verbs after the scan added: drawn masks of DICOM, labels of reports. They stay annotations and change no label."""
    path = workspace.annotations(member.name)
    if not path.exists():
        return
    table = read_table(path, ANNOTATIONS, ["sample_id", "kind", "term", "raw", "state", "geometry", "label_map", "source"])
    added = table.filter((pl.col("source") != "as published") & pl.col("source").is_not_null()).join(kept, on="sample_id", how="semi")
    keys = ["source", "kind", "label_map", "raw", "term", "state"]
    counted = added.with_columns(pl.when(pl.col("kind") == "mask").then(pl.col("geometry")).map_elements(drawn_voxels, return_dtype=pl.Int64).alias("voxels"))
    counts = [pl.col("sample_id").n_unique(), pl.when(pl.col("voxels").is_not_null().any()).then(pl.col("voxels").sum()).alias("voxels")]
    for source, kind, mapping, raw, term, state, samples, voxels in counted.group_by(keys).agg(counts).sort(keys, nulls_last=True).iter_rows():
        yield {"dataset": member.name, "release": member.release, "medium": kind, "origin": source, "label_map": mapping, "mode": "mentions", "raw_value": raw or term,
               "state": state, "terms": [term] if term else [], "rule": "identity" if term else "unmapped", "fate": "nothing stated", "samples": samples, "refused": 0, "voxels": voxels,
               "note": "added after the scan: an annotation, no label of the sample" + ("" if kind != "mask" or voxels is not None else "; voxels not counted")}

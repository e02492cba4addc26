"""Find what leaks between sides: samples with their side and judged pairs go in, every crossing of a patient, study or picture comes out.

A side is a split of the cohort, a published split or a dataset; beside another cohort (a benchmark) sides are named by cohort and
split, and one sample may stand on several. Ids of patients and studies count within their dataset, so equal ids of two datasets are two people, unless the catalog says that the datasets show
the same patients; where ids are missing, pictures still tell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, get_args

import polars as pl

from isocenter.core.errors import UsageError
from isocenter.core.tables import read_header, read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import PAIRS, components
from isocenter.curate.knowledge import Shared, shared_patients
from isocenter.harmonize.cohort import COHORT, Cohort
from isocenter.harmonize.sample import PATIENT_SEPARATOR

Across = Literal["split", "published", "dataset"]
Kind = Literal["sample", "patient", "study", "picture", "lineage", "unsettled picture"]
KINDS: tuple[Kind, ...] = get_args(Kind)                    # gravest first
COLUMNS = ["patient_id", "study_id", "published_split"]


@dataclass(frozen=True, slots=True)
class Leak:
    """One thing on two sides. what: the id, or the pair's net and score; a, b: a sample of each side as the example.

    members_a, members_b: all samples of either side that show it; none where only the catalog knows of the relation, which names no sample.
    """

    kind: Kind
    side_a: str
    side_b: str
    a: str
    b: str
    what: str
    samples: int
    members_a: tuple[str, ...] = ()
    members_b: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Leakage:
    """leaks: crossings, gravest kind first. sides: samples per side. unknown: samples without patient id, per side.

    compared: whether pictures of two sides were ever compared (in one cohort that went through dedup). own: the sides of the cohort that was asked about.
    """

    leaks: list[Leak]
    sides: dict[str, int]
    unknown: dict[str, int]
    compared: bool
    own: frozenset[str]


@dataclass(frozen=True, slots=True)
class Leaking:
    """A sample that leaks: its side, what of it stands on which other side, and a sample there."""

    sample_id: str
    side: str
    kind: Kind
    other_side: str
    other: str
    what: str


def leakage(workspace: Workspace, cohort: Cohort, *, across: Across = "split", against: Sequence[Cohort] = ()) -> Leakage:
    """Crossings within a cohort, and between it and other cohorts (benchmarks); not those within or between the others.

    The catalog is asked which of the datasets show the same patients. Raises UsageError when nothing has a side.
    """
    if cohort.name in {other.name for other in against}:
        raise UsageError(f"{cohort.name} cannot be compared with itself", hint=f"isocenter leakage {cohort.name}")
    rows = sided(workspace, cohort, across)
    if against:
        rows = pl.concat([named_sides(workspace, cohort, across), *(named_sides(workspace, other, "split") for other in against)])
    if rows["side"].n_unique() < 2:
        others = " or ".join(f"--across {other}" for other in ("split", "published", "dataset") if other != across)
        raise UsageError(f"{cohort.name} has no two sides: --across {across} tells nothing apart", hint=f"{others}, or --against COHORT of a benchmark")
    judged, compared = _judged(workspace, (cohort, *against), rows)
    found = crossings(rows, judged, shared_patients(workspace, rows["dataset"].unique()))
    own = frozenset(rows["side"].unique())
    if against:
        own = frozenset(rows.filter(pl.col("cohort") == cohort.name)["side"].unique())
        found = [leak for leak in found if _concerns(leak, cohort.name, dict(rows.select("side", "cohort").iter_rows()))]
    missing = rows.filter(pl.col("patient_id").is_null())
    return Leakage(found, dict(sorted(Counter(rows["side"]).items())), dict(sorted(Counter(missing["side"]).items())), compared, own)


def leaking(found: Leakage) -> list[Leaking]:
    """Every sample of every leak, of the cohort's own sides and of the others, by side; a sample that leaks in several ways has a row for each."""
    ends = [(leak, *end) for leak in found.leaks for end in ((leak.members_a, leak.side_a, leak.side_b, leak.b), (leak.members_b, leak.side_b, leak.side_a, leak.a))]
    rows = [Leaking(sample, side, leak.kind, other_side, other, leak.what) for leak, members, side, other_side, other in ends for sample in members]
    return sorted(rows, key=lambda row: (row.side, row.sample_id, KINDS.index(row.kind), row.other_side, row.other, row.what))


def _judged(workspace: Workspace, cohorts: Sequence[Cohort], rows: pl.DataFrame) -> tuple[pl.DataFrame | None, bool]:
    """Every pair that any dedup of the workspace judged, by kin of these cohorts first, and whether one of them held samples of two sides."""
    kin = _kin(workspace, cohorts)
    names = [name for name in [*kin, *(name for name in workspace.cohorts() if name not in kin)] if workspace.pairs(name).exists()]
    if not names:
        return None, False
    looked_at = {read_header(workspace.cohort(name), COHORT).get("parent") for name in names}
    held = (read_table(workspace.cohort(parent), COHORT, ["sample_id"])["sample_id"] for parent in workspace.cohorts() if parent in looked_at)
    compared = any(rows.filter(pl.col("sample_id").is_in(ids.implode()))["side"].n_unique() > 1 for ids in held)
    return pl.concat([read_table(workspace.pairs(name), PAIRS) for name in names]).unique(["a", "b"], maintain_order=True), compared


def _kin(workspace: Workspace, cohorts: Sequence[Cohort]) -> list[str]:
    """Cohorts that these came from or that came from them, whose verdicts on a pair come first."""
    own = {name for one in cohorts for name in [*one.header.get("lineage", []), one.name]}
    younger = {name for name in workspace.cohorts() if own & set(read_header(workspace.cohort(name), COHORT).get("lineage", []))}
    return sorted(own | younger)


def sided(workspace: Workspace, cohort: Cohort, across: Across) -> pl.DataFrame:
    """sample_id, dataset, patient_id, study_id and side of a cohort's samples; samples without a side are left out."""
    return _with_side(workspace, cohort, across).filter(pl.col("side").is_not_null())


def named_sides(workspace: Workspace, cohort: Cohort, across: Across) -> pl.DataFrame:
    """The columns of `sided` and the cohort's name; sides are `cohort: side`, and the name alone for samples without a side."""
    name = pl.lit(cohort.name)
    return _with_side(workspace, cohort, across).with_columns(pl.coalesce(pl.concat_str(name, pl.lit(": "), "side"), name).alias("side"), name.alias("cohort"))


def _with_side(workspace: Workspace, cohort: Cohort, across: Across) -> pl.DataFrame:
    side = {"split": "split", "published": "published_split", "dataset": "dataset"}[across]
    return cohort.samples(workspace, COLUMNS).select("sample_id", "dataset", "patient_id", "study_id", pl.col(side).alias("side"))


def _concerns(leak: Leak, name: str, cohorts: dict[str, str]) -> bool:
    """The leak is between the named cohort and another one, or between two sides of the named one."""
    a, b = cohorts[leak.side_a], cohorts[leak.side_b]
    return name in (a, b) and (a != b or name not in (leak.side_a, leak.side_b))


def crossings(rows: pl.DataFrame, pairs: pl.DataFrame | None, shared: Mapping[frozenset[str], Shared]) -> list[Leak]:
    """All crossings of one table of sided samples; see `leakage`.

    shared: datasets that show the same patients. Equal ids are one patient where that is certain; else, and where no id matches, the
    relation is reported as what is known: a lineage.
    """
    found = [*_itself(rows), *_by_id(rows, "patient_id", "patient"), *_by_id(rows, "study_id", "study")]
    found += _pictures(rows, pairs) if pairs is not None else []
    for datasets, relation in sorted(shared.items(), key=lambda item: sorted(item[0])):
        found += _related(rows.filter(pl.col("dataset").is_in(sorted(datasets))), relation)
    return sorted(found, key=lambda leak: (KINDS.index(leak.kind), leak.side_a, leak.side_b, leak.a, leak.b))


def _by_id(rows: pl.DataFrame, column: str, kind: Kind) -> list[Leak]:
    """Ids of one dataset that stand on several sides; a cell with several ids counts for each."""
    known = rows.filter(pl.col(column).is_not_null()).with_columns(pl.col(column).str.split(PATIENT_SEPARATOR)).explode(column)
    several = known.filter(pl.col("side").n_unique().over("dataset", column) > 1)
    return [leak for (dataset, value), part in several.group_by(["dataset", column], maintain_order=True)
            for leak in _between(part, kind, f"{dataset}: {value}")]


def _itself(rows: pl.DataFrame) -> list[Leak]:
    """Samples that stand on several sides themselves."""
    several = rows.filter(pl.col("side").n_unique().over("sample_id") > 1).select("sample_id", "side").unique(maintain_order=True)
    return [Leak("sample", a, b, sample, sample, "the very same sample", 1, (sample,), (sample,))
            for (sample,), part in several.group_by(["sample_id"], maintain_order=True) for a, b in combinations(sorted(part["side"]), 2)]


def _between(part: pl.DataFrame, kind: Kind, what: str) -> list[Leak]:
    """One leak per two sides among rows that belong together, unless one sample is all that both sides have of it."""
    members = {side: rows["sample_id"].unique(maintain_order=True).to_list() for (side,), rows in part.group_by(["side"], maintain_order=True)}
    found = []
    for one, two in combinations(sorted(members), 2):
        example = next(((a, b) for a in members[one][:2] for b in members[two][:2] if a != b), None)
        if example:
            found.append(Leak(kind, one, two, *example, what, len({*members[one], *members[two]}), tuple(members[one]), tuple(members[two])))
    return found


def _pictures(rows: pl.DataFrame, pairs: pl.DataFrame) -> list[Leak]:
    """Copies and unsettled pairs with one picture on each side; a copy of a copy counts too."""
    sides: dict[str, set[str]] = {}
    for sample, side in rows.select("sample_id", "side").iter_rows():
        sides.setdefault(sample, set()).add(side)
    found = [Leak("unsettled picture", *ends, f"{net} {score:.3f}", 2, (ends[2],), (ends[3],))
             for a, b, net, score in pairs.filter(pl.col("verdict") == "unsettled").select("a", "b", "net", "score").iter_rows()
             for ends in _across(a, b, sides)]
    same = pairs.filter(pl.col("verdict") == "same")
    names = {name: place for place, name in enumerate(pl.concat([same["a"], same["b"]]).unique(maintain_order=True))}
    group = components(len(names), [(names[a], names[b]) for a, b in same.select("a", "b").iter_rows()])
    grouped = pl.DataFrame({"sample_id": list(names), "group": group}, schema={"sample_id": pl.String, "group": pl.Int64})
    inside = rows.join(grouped, on="sample_id", maintain_order="left").filter(pl.col("side").n_unique().over("group") > 1)
    size = dict(grouped["group"].value_counts().iter_rows())
    return found + [leak for (number,), part in inside.group_by(["group"], maintain_order=True)
                    for leak in _between(part, "picture", f"{size[number]} copies of one picture")]


def _across(a: str, b: str, sides: dict[str, set[str]]) -> list[tuple[str, str, str, str]]:
    """(side, other side, sample, other sample) wherever the two stand apart."""
    ends = {tuple(sorted(((one, a), (two, b)))) for one in sides.get(a, ()) for two in sides.get(b, ()) if one != two}
    return [(one, two, first, second) for (one, first), (two, second) in sorted(ends)]


def _related(rows: pl.DataFrame, relation: Shared) -> list[Leak]:
    """Two datasets that share patients: their equal ids, and without any the relation itself."""
    reason = relation.text()
    merged = rows.with_columns(pl.lit("both").alias("dataset"))
    own = {(leak.a, leak.b) for leak in _by_id(rows, "patient_id", "patient")}
    matched = [leak for leak in _by_id(merged, "patient_id", "patient") if (leak.a, leak.b) not in own]
    if matched:
        kind: Kind = "patient" if relation.certain else "lineage"
        return [replace(leak, kind=kind, what=f"{leak.what.removeprefix('both: ')} ({reason})") for leak in matched]
    ends = [part for _, part in rows.group_by("dataset", maintain_order=True)]
    if len(ends) < 2:
        return []
    crossing = {(a, b) for a in ends[0]["side"].unique() for b in ends[1]["side"].unique() if a != b}
    return [Leak("lineage", a, b, ends[0].filter(pl.col("side") == a)["sample_id"][0], ends[1].filter(pl.col("side") == b)["sample_id"][0],
                 reason, rows.filter(pl.col("side").is_in([a, b])).height) for a, b in sorted(crossing)]

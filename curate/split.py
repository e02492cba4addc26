"""Split a cohort into train, val and test by connected components: patients, studies and copies never stand on two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate import split_rules
from isocenter.curate.columns import column_values
from isocenter.curate.shares import shares_of
from isocenter.curate.split_assign import assign, traits_of
from isocenter.curate.split_components import Kin, kin_of
from isocenter.curate.study_dates import study_dates
from isocenter.curate.traits import trait
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.cohort_line import claim

RATIO = {"train": 0.8, "val": 0.1, "test": 0.1}
BALANCED = ("label", "dataset", "modality", "sex", "age")
LEAST = 5                   # samples of a trait that a side should have before its share is called uneven
WITHIN_DATASET = ("site",)  # columns whose values mean something within their dataset only


@dataclass(frozen=True, slots=True)
class Terms:
    """How sides are found.

    by: `label` balances; `date` puts later studies on later sides; `hash` draws by a keyed hash; any other column keeps its values whole.
    stratify: what is balanced: `label`, or columns such as sex, age (in groups), dataset. keep: a split cohort whose samples stay where they are.
    put: value of the `by` column -> side. allow_published_test: datasets whose published test samples may be trained on.
    supplied: column name -> table with sample_id and that column.
    """

    by: str = "label"
    stratify: tuple[str, ...] = BALANCED
    keep: str | None = None
    put: Mapping[str, str] = field(default_factory=dict)
    allow_published_test: tuple[str, ...] = ()
    supplied: Mapping[str, Path] = field(default_factory=dict)


def split(workspace: Workspace, cohort: Cohort, *, name: str, ratio: Mapping[str, float] | None = None, seed: int = 0, terms: Terms | None = None,
          dry_run: bool = False, force: bool = False) -> Cohort:
    """Give every sample a split so that each component lies on one side and what is balanced is spread as the ratio asks.

    A component joins samples of one patient (ids count within their dataset), one study, and pairs that are copies or unsettled, also through
    samples that were dropped on the way. The header's `sides` says how even it came out. Raises BadInput for a ratio that is none, and for
    wishes that contradict each other.
    """
    shares, terms = shares_of(ratio or RATIO), terms or Terms()
    stated = {key: value for key, value in asdict(terms).items() if value and value != getattr(Terms(), key)}
    wished: dict[str, Any] = {key: str(value) for key, value in stated.items()}
    with ledger(workspace, "split", dry_run=dry_run, cohort=cohort.name, ratio=shares, seed=seed, name=name, **wished) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        values = _values(workspace, cohort, terms)
        kin = kin_of(workspace, cohort, _whole(cohort, terms.by, values))
        earlier = Cohort.open(workspace, terms.keep) if terms.keep else None
        bound = _bound(kin, values, shares, terms, earlier)
        spans: dict[str, tuple[str, str]] = {}
        if terms.by == "date" and values is not None:
            more, spans = split_rules.dated(kin, values, shares, bound)
            bound = more | bound
        elif terms.by == "hash":
            bound = split_rules.hashed(kin, shares, seed) | bound
        traits = _traits(workspace, cohort, terms)
        chosen = assign(kin.owner, traits, shares, seed, allowed={component: sides for component, (sides, _) in bound.items()})
        side = [chosen[component] for component in kin.owner.tolist()]
        reason = [bound[component][1] if component in bound else None for component in kin.owner.tolist()]
        table = cohort.table.with_columns(pl.Series("split", side, dtype=pl.String), pl.coalesce(pl.Series("reason", reason, dtype=pl.String), "reason"))
        made = cohort.next(name, table, "split", ratio=shares, seed=seed, components=kin.number, **{key: value for key, value in stated.items() if key != "supplied"})
        claim(workspace, made, force=force)
        told = _told(kin, side, traits, shares) | {"bound": Counter(text for text in reason if text), "spans": spans, "moved": _moved(table, earlier)}
        result = Cohort(name, made.table, {**made.header, "sides": told}).save(workspace, dry_run=dry_run)
        run.counts |= {"components": kin.number, **Counter(side)}
        run.outputs |= {name: result.fingerprint or ""}
    return result


def _values(workspace: Workspace, cohort: Cohort, terms: Terms) -> NDArray[Any] | None:
    """The `by` column's values; None where `by` is no column."""
    if terms.put and terms.by in ("label", "date", "hash"):
        raise BadInput(f"--put names values, and --by {terms.by} places by other means", hint="--by site --put test='Hospital A'")
    if terms.by in ("label", "hash"):
        return None
    if terms.by == "date" and "date" not in terms.supplied:
        return study_dates(workspace, cohort)
    found = column_values(workspace, cohort, terms.by, terms.supplied)
    if all(value is None for value in found):
        raise BadInput(f"no sample states its {terms.by}", where=cohort.name, hint=f"--column {terms.by}=TABLE, a table with sample_id and {terms.by}")
    return found


def _whole(cohort: Cohort, by: str, values: NDArray[Any] | None) -> NDArray[np.object_] | None:
    """What may not be cut apart beside patients, studies and pictures: the values of a column, but not dates."""
    if values is None or by == "date":
        return None
    whole = np.empty(len(values), object)
    whole[:] = [None if value is None else f"{dataset}\0{value}" if by in WITHIN_DATASET else str(value) for dataset, value in zip(cohort.table["dataset"], values)]
    return whole


def _bound(kin: Kin, values: NDArray[Any] | None, shares: Mapping[str, float], terms: Terms, earlier: Cohort | None) -> split_rules.Bound:
    """What named rules say; where two of them contradict each other, the wish is refused."""
    sides = [side for side, share in shares.items() if share > 0]
    tests = split_rules.published_tests(kin, sides, terms.allow_published_test)
    found = dict(tests)
    for rule in (split_rules.put(kin, values, terms.by, terms.put, sides) if values is not None else {}, split_rules.kept(kin, earlier, sides) if earlier else {}):
        for component, (wanted, why) in rule.items():
            if component in tests and set(wanted) & set(split_rules.taught(sides)):
                dataset = tests[component][1].removeprefix("published as test by ")
                raise BadInput(f"a sample {tests[component][1]} would be trained on: {why}", hint=f"--allow-published-test {dataset}")
            if component in found and component not in tests and set(found[component][0]) != set(wanted):
                raise BadInput(f"samples are wanted on two sides: {found[component][1]} ({', '.join(found[component][0])}), but {why} ({', '.join(wanted)})", hint="drop --put or --keep")
            found[component] = (wanted, why)
    return found


def _traits(workspace: Workspace, cohort: Cohort, terms: Terms) -> list[tuple[str, ...]]:
    """What every sample counts for, as `sex=F`; a value that nobody states is a value of its own."""
    columns = [(name, column_values(workspace, cohort, name, terms.supplied)) for name in terms.stratify if name == "label" or name != terms.by]
    return [tuple(f"{name}={one}" for name, values in columns for one in trait(name, values[at])) for at in range(len(cohort))]


def _told(kin: Kin, side: list[str], traits: list[tuple[str, ...]], shares: Mapping[str, float]) -> dict[str, Any]:
    """How even the sides are: samples, components, and for every trait its share of each side beside its share of all, most uneven first."""
    at = np.array([list(shares).index(one) for one in side], np.int64)
    found = traits_of(at, traits, len(shares))
    counts = found.counts.toarray()
    whole = counts.sum(0)
    gaps = []
    for number, name in enumerate(shares):
        if not counts[number, 0]:
            continue
        for column in np.flatnonzero(whole * counts[number, 0] / whole[0] >= LEAST):
            here, all_ = counts[number, column] / counts[number, 0], whole[column] / whole[0]
            if column:
                gaps.append({"trait": found.names[column], "side": name, "share": round(float(here), 4), "of all": round(float(all_), 4)})
    gaps.sort(key=lambda gap: -abs(gap["share"] - gap["of all"]))      # type: ignore[operator]
    pieces = {name: len(set(kin.owner[at == number].tolist())) for number, name in enumerate(shares)}
    return {"samples": {name: int(counts[number, 0]) for number, name in enumerate(shares)}, "components": pieces,
            "largest": int(np.bincount(kin.owner).max()) if len(kin.owner) else 0, "uneven": gaps[:20]}


def _moved(table: pl.DataFrame, earlier: Cohort | None) -> dict[str, int]:
    """`from -> to` and how many samples of the earlier split changed sides."""
    if earlier is None:
        return {}
    both = table.select("sample_id", "split").join(earlier.table.select("sample_id", pl.col("split").alias("before")), on="sample_id").filter(pl.col("split") != pl.col("before"))
    return {f"{before} -> {after}": number for before, after, number in both.group_by("before", "split").len().sort("before", "split").iter_rows()}

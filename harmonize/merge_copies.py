"""Samples with the same file or the same pixels: their labels go in, terms that contradict each other come out, and are settled on demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from isocenter.harmonize.merge_conflicts import Disagreement
from isocenter.harmonize.sample import LABELS_DTYPE

WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class _Copy:
    sample: str
    dataset: str
    labels: dict[str, str]


def contradicting_copies(rows: pl.DataFrame) -> list[Disagreement]:
    """Terms that are present in one and absent in another copy of a file or picture, one disagreement per term and set of datasets.

    rows: sample_id, dataset, file_hash, pixel_hash, labels. They do not stop a merge, which leaves both copies as they are: what joins
    copies withholds the term. Answers: the dataset whose word counts, a state, or `withhold`.
    """
    details: dict[str, list[str]] = defaultdict(list)
    answers: dict[str, tuple[str, ...]] = {}
    for group in _groups(rows):
        for name, term, datasets in _contradicted(group):
            details[name].append(", ".join(f"{copy.sample} {copy.labels[term]}" for copy in group if term in copy.labels))
            answers[name] = (*(datasets if len(datasets) > 1 else ()), "present", "absent", WITHHOLD)
    return [Disagreement(name, "copies", tuple(lines), answers[name], stops=False) for name, lines in sorted(details.items())]


def may_come(name: str, rows: pl.DataFrame) -> bool:
    """Whether a name could be that of copies that only pixels show, which nobody has compared yet."""
    if not rows["pixel_hash"].null_count():
        return False
    terms = {term for labels in rows["labels"] for term in labels or ()}
    datasets = rows["dataset"].unique().to_list()
    return any(name == _name(some, term) for term in terms if name.endswith(f": {term}") for size in range(1, len(datasets) + 1) for some in combinations(sorted(datasets), size))


def with_answers(rows: pl.DataFrame, answers: Mapping[str, str]) -> pl.DataFrame:
    """The rows with the labels of contradicting copies as they were settled; name -> answer."""
    fresh: dict[str, dict[str, str]] = {}
    for group in _groups(rows):
        for name, term, _ in _contradicted(group):
            answer = answers.get(name)
            if answer is None:
                continue
            state = next((copy.labels[term] for copy in group if copy.dataset == answer and term in copy.labels), answer)
            for copy in group:
                kept = {one: said for one, said in fresh.get(copy.sample, copy.labels).items() if one != term}
                fresh[copy.sample] = kept if answer == WITHHOLD else dict(sorted({**kept, term: state}.items()))
    if not fresh:
        return rows
    labels = [fresh.get(sample, labels) for sample, labels in rows.select("sample_id", "labels").iter_rows()]
    return rows.with_columns(pl.Series("labels", labels, dtype=LABELS_DTYPE))


def _contradicted(group: list[_Copy]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name of the disagreement, its term, and the datasets that speak of it."""
    for term in sorted({term for copy in group for term in copy.labels}):
        said = {copy.labels[term] for copy in group if term in copy.labels}
        if {"present", "absent"} <= said:
            datasets = tuple(sorted({copy.dataset for copy in group if term in copy.labels}))
            yield _name(datasets, term), term, datasets


def _name(datasets: tuple[str, ...], term: str) -> str:
    return f"copies in {' and '.join(datasets)}: {term}"


def _groups(rows: pl.DataFrame) -> list[list[_Copy]]:
    groups: dict[tuple[str, ...], list[_Copy]] = {}
    for column in ("file_hash", "pixel_hash"):
        found: dict[str, list[_Copy]] = defaultdict(list)
        doubled = rows.filter(pl.col(column).is_not_null() & pl.col(column).is_duplicated()).sort("sample_id")
        for sample, dataset, digest, labels in doubled.select("sample_id", "dataset", column, "labels").iter_rows():
            found[digest].append(_Copy(sample, dataset, dict(labels or {})))
        groups |= {tuple(copy.sample for copy in group): group for group in found.values()}
    return list(groups.values())

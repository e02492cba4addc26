"""Compare two cohorts: how far apart their pictures lie, which samples of the second are unlike the first, and who and what is in each."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import BadInput
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate import metrics
from isocenter.curate.features import Features, features_of
from isocenter.curate.metrics_distance import cmmd, frd, frechet, kid, out_of_distribution
from isocenter.curate.metrics_equity import equity_scaled, parity_difference, size_correlation
from isocenter.embeddings.kernels.principal import joint_principal
from isocenter.harmonize.cohort import Cohort

RADIOMIC = "radiomic"
DIRECTIONS = 64
MOST_FOR_KERNELS = 4_000        # rows of a side that kernel distances are computed on, the first ones of a seeded order
TABLES = ("dataset", "modality", "sex", "site", "manufacturer", "license")


@dataclass(frozen=True, slots=True)
class Comparison:
    """distances: name -> value. outliers: (sample, score) of the second cohort beyond the threshold, farthest first. tables: rows of
    column, value, samples in each, shares in each. equity: figures of supplied predictions, by grouping column."""

    distances: dict[str, float]
    outliers: tuple[tuple[str, float], ...]
    tables: pl.DataFrame
    equity: dict[str, dict[str, float]]

    def to_json(self) -> dict[str, Any]:
        plain = {name: value if math.isfinite(value) else str(value) for name, value in self.distances.items()}
        return {**asdict(self), "distances": plain, "tables": self.tables.to_dicts()}


def compare(workspace: Workspace, first: Cohort, second: Cohort, *, encoder: str = "thumbnail", radiomic: bool = True, predictions: Path | None = None,
            groups: tuple[str, ...] = ("sex",), seed: int = 0) -> Comparison:
    """The first cohort is the reference. encoder: of the embedding distances; radiomic: also the radiomic Fréchet distance, v0 and v1.

    predictions: a table with `sample_id`, `truth` and `prediction` (a probability) for samples of the second cohort; equity is told by `groups`.
    Raises BadInput when a side has fewer than two samples that can be encoded.
    """
    with ledger(workspace, "compare", first=first.name, second=second.name, encoder=encoder, radiomic=radiomic) as run:
        run.inputs |= {one.name: one.fingerprint or "" for one in (first, second)}
        sides = [features_of(workspace, one, encoder) for one in (first, second)]
        distances = embedding_distances(sides[0].rows, sides[1].rows, seed=seed)
        outliers: tuple[tuple[str, float], ...] = ()
        if radiomic:
            measured = [features_of(workspace, one, RADIOMIC) for one in (first, second)]
            found, outliers = _radiomic(measured[0], measured[1], second)
            distances |= found
        equity = equity_of(second.samples(workspace, list(groups)), predictions, groups) if predictions else {}
        run.counts |= {first.name: len(first), second.name: len(second), "outliers": len(outliers)}
    return Comparison(distances, outliers, tables_of(workspace, first, second), equity)


def embedding_distances(first: np.ndarray, second: np.ndarray, *, seed: int = 0) -> dict[str, float]:
    """Fréchet distance on the 64 principal directions of both sets together, KID and CMMD on at most 4,000 rows a side."""
    if min(len(first), len(second)) < 2:
        raise BadInput(f"{len(first)} and {len(second)} samples cannot be compared", hint="two samples or more that can be encoded on each side")
    reduced = joint_principal(first, second, DIRECTIONS)
    rng = np.random.default_rng(seed)
    a, b = (rows[np.sort(rng.permutation(len(rows))[:MOST_FOR_KERNELS])] for rows in (first, second))
    return {"embedding Fréchet": frechet(*reduced), "KID": kid(a, b), "CMMD": cmmd(a, b)}


def tables_of(workspace: Workspace, first: Cohort, second: Cohort) -> pl.DataFrame:
    """Counts and shares of labels, demographics, scanners and licences in both cohorts, and of ages by decade."""
    sides = [one.samples(workspace, [*TABLES, "age"]) for one in (first, second)]
    rows = []
    for column in (*TABLES, "age", "label"):
        counts = [Counter(value for row in side.iter_rows(named=True) for value in _values(row, column)) for side in sides]
        for value in sorted(counts[0].keys() | counts[1].keys()):
            rows.append({"column": column, "value": value, "first": counts[0][value], "second": counts[1][value],
                         "first share": counts[0][value] / max(1, sides[0].height), "second share": counts[1][value] / max(1, sides[1].height)})
    return pl.DataFrame(rows, schema={"column": pl.String, "value": pl.String, "first": pl.Int64, "second": pl.Int64, "first share": pl.Float64, "second share": pl.Float64})


def equity_of(samples: pl.DataFrame, predictions: Path, groups: tuple[str, ...], *, threshold: float = 0.5) -> dict[str, dict[str, float]]:
    """Per grouping column: AUROC over all and per group, its equity-scaled value, the largest parity difference, and Pearson's r with group size."""
    table = pl.read_csv(predictions) if predictions.suffix.lower() == ".csv" else pl.read_parquet(predictions)
    missing = {"sample_id", "truth", "prediction"} - set(table.columns)
    if missing:
        raise BadInput(f"the predictions lack {', '.join(sorted(missing))}", where=str(predictions), hint="columns sample_id, truth (0 or 1), prediction (0 … 1)")
    rows = samples.join(table.select("sample_id", "truth", "prediction"), on="sample_id", how="inner")
    truth, score = rows["truth"].to_numpy().astype(int), rows["prediction"].to_numpy().astype(float)
    result = {}
    for column in groups:
        group = rows[column].fill_null("not said").cast(pl.String).to_numpy().astype(object)
        by = {name: value for name in sorted(set(group)) if math.isfinite(value := metrics.auroc(truth[group == name], score[group == name]))}
        overall = metrics.auroc(truth, score)
        gaps = [parity_difference(score >= threshold, group, one, other) for one in by for other in by if one < other]
        result[column] = {"AUROC": overall, **{f"AUROC {name}": value for name, value in by.items()}, "equity-scaled AUROC": equity_scaled(overall, by),
                          "parity difference": max(gaps, key=abs, default=0.0), "r(size, AUROC)": size_correlation(Counter(group.tolist()), by)}
    return result


def _radiomic(first: Features, second: Features, cohort: Cohort) -> tuple[dict[str, float], tuple[tuple[str, float], ...]]:
    new, old = frd(first.rows, second.rows), frd(first.rows, second.rows, version="v0")
    far = out_of_distribution(first.rows, second.rows)
    ids = cohort.table["sample_id"].to_list()
    worst = [at for at in np.argsort(-far.scores, kind="stable") if far.out[at]]
    distances = {"FRD v1 (log d²)": new.log_squared, "FRD v1 (log d)": new.log_distance, "FRD v0 (d²)": old.squared, "FRD v0 (d)": math.sqrt(old.squared),
                 "nFRD": far.nfrd, "share out of distribution": float(far.out.mean())}
    return distances, tuple((ids[second.positions[at]], float(far.scores[at])) for at in worst)


def _values(row: dict[str, Any], column: str) -> list[str]:
    if column == "label":
        return [term for term, state in (row["labels"] or {}).items() if state == "present"]
    if column == "age":
        return [f"{int(row['age'] // 10) * 10:02d}-{int(row['age'] // 10) * 10 + 9:02d}" if row["age"] is not None else "not said"]
    return [str(row[column]) if row[column] is not None else "not said"]

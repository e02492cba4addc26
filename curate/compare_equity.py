"""Equity of supplied predictions on a cohort: predictions and grouping columns go in, figures by group and their gaps come out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.curate import metrics
from isocenter.curate.columns import column_values, supplied_column
from isocenter.curate.metrics_equity import equity_scaled, parity_difference, size_correlation
from isocenter.curate.traits import trait
from isocenter.harmonize.cohort import Cohort

THRESHOLD = 0.5         # a prediction from here on says yes
NOT_STATED = trait("", None)[0]


def equity_of(workspace: Workspace, cohort: Cohort, predictions: Path, groups: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """By grouping column: AUROC over all; samples, AUROC and share of positive predictions of every group; the equity-scaled AUROC; the largest
    difference in positive predictions (SPD); Pearson's r of a group's size and its AUROC.

    predictions: a table with `sample_id`, `truth` (0 or 1) and `prediction` (0 … 1); samples without a row are left out. Samples that state no
    group count in the AUROC over all only; ages count in groups. Raises BadInput for a table that holds none of the cohort's samples, or other values.
    """
    truth, score = (_numbers(cohort, column, predictions) for column in ("truth", "prediction"))
    known = np.isfinite(truth) & np.isfinite(score)
    if not known.any():
        raise BadInput(f"no sample of {cohort.name} has a prediction", where=str(predictions), hint="sample_id as in the cohort: isocenter sql \"select sample_id from samples\"")
    if not np.isin(truth[known], (0, 1)).all():
        raise BadInput("truth holds something else than 0 and 1", where=str(predictions))
    result = {}
    for column in groups:
        group = np.array([trait(column, value)[0] if trait(column, value) else NOT_STATED for value in column_values(workspace, cohort, column, {})], object)
        result[column] = _figures(truth[known].astype(int), score[known], group[known])
    return result


def _figures(truth: NDArray[np.int64], score: NDArray[np.float64], group: NDArray[np.object_]) -> dict[str, float]:
    names = sorted(set(group.tolist()) - {NOT_STATED})
    yes, overall = score >= THRESHOLD, metrics.auroc(truth, score)
    areas = {name: metrics.auroc(truth[group == name], score[group == name]) for name in names}
    by = {name: value for name, value in areas.items() if math.isfinite(value)}
    gaps = [parity_difference(yes, group, one, other) for one in names for other in names if one < other]
    sizes = {name: int((group == name).sum()) for name in names}
    return {"AUROC": overall, **{f"samples {name}": float(size) for name, size in sizes.items()}, **{f"AUROC {name}": value for name, value in areas.items()},
            **{f"positive {name}": float(yes[group == name].mean()) for name in names}, f"samples {NOT_STATED}": float((group == NOT_STATED).sum()),
            "equity-scaled AUROC": equity_scaled(overall, by), "parity difference": max(gaps, key=abs, default=0.0), "r(size, AUROC)": size_correlation(sizes, by)}


def _numbers(cohort: Cohort, column: str, path: Path) -> NDArray[np.float64]:
    """The column as numbers, not a number where the table has none. Raises BadInput for texts."""
    try:
        return np.array([np.nan if value is None else float(value) for value in supplied_column(cohort, column, path)], np.float64)
    except ValueError as error:
        raise BadInput(f"{column} is no number: {error}", where=str(path), hint="columns sample_id, truth (0 or 1), prediction (0 … 1)") from error

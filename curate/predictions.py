"""Predictions supplied as a column of the pool, as an array of class probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate.api import Pool


def class_probabilities(pool: Pool, column: str = "predictions") -> NDArray[np.float64]:
    """(n, classes): the column's own, or the mean over members where it holds an ensemble (n, members, classes)."""
    values = _stacked(pool, column)
    return values.mean(1) if values.ndim == 3 else values


def member_probabilities(pool: Pool, column: str = "predictions") -> NDArray[np.float64]:
    """(n, members, classes). Raises BadInput when there is one member only: they cannot disagree."""
    values = _stacked(pool, column)
    if values.ndim != 3 or values.shape[1] < 2:
        raise BadInput(f"column {column!r} holds one prediction a sample", hint="an array (members, classes) a sample, from an ensemble or from dropout")
    return values


def entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shannon entropy of the last axis, in nats; 0·log 0 = 0."""
    result: NDArray[np.float64] = -(probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(-1)
    return result


def _stacked(pool: Pool, column: str) -> NDArray[np.float64]:
    if column not in pool.columns:
        raise BadInput(f"the pool has no column {column!r}", hint="supply class probabilities, one array a sample")
    values = pool.columns[column]
    try:
        stacked = np.stack([np.asarray(value, np.float64) for value in values])
    except ValueError as error:
        raise BadInput(f"column {column!r} does not hold one array of class probabilities a sample: {error}") from error
    if stacked.ndim not in (2, 3) or (stacked < 0).any() or not np.allclose(stacked.sum(-1), 1, atol=1e-3):
        raise BadInput(f"column {column!r} does not hold probabilities", hint="non-negative numbers that sum to 1 over the classes")
    return stacked

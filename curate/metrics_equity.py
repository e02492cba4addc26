"""Equity of supplied predictions over groups: scaled metrics, the gap in positive predictions, and whether small groups fare worse."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def equity_scaled(overall: float, by_group: Mapping[str, float], *, alpha: float = 1.0, by: str = "sum") -> float:
    """M / (1 + α·Σ|M_g - M|), or with the groups' standard deviation in place of the sum (`by="deviation"`). Source: FairSeg."""
    gaps = np.array([value - overall for value in by_group.values()])
    spread = float(np.abs(gaps).sum()) if by == "sum" else float(np.std(list(by_group.values())))
    return overall / (1 + alpha * spread)


def parity_difference(predicted: NDArray[np.bool_], group: NDArray[np.object_], first: str, second: str) -> float:
    """SPD = P(ŷ = 1 | first) - P(ŷ = 1 | second), between -1 and 1; 0 is parity."""
    return float(np.mean(predicted[group == first]) - np.mean(predicted[group == second]))


def size_correlation(sizes: Mapping[str, int], by_group: Mapping[str, float]) -> float:
    """Pearson's r between a group's size and its metric; not a number for fewer than three groups or constant values."""
    names = sorted(by_group)
    x, y = np.array([sizes[name] for name in names], float), np.array([by_group[name] for name in names], float)
    return float(np.corrcoef(x, y)[0, 1]) if len(names) > 2 and x.std() and y.std() else float("nan")

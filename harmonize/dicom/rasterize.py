"""Closed contours in, a filled plane out: even-odd by pixel centres, so holes, islands and keyholes need no special case."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def fill(contours: Iterable[NDArray[np.float64]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (x, y) whose centre lies inside an odd number of the contours, each (n, 2) in index coordinates, closed by itself.

    Method: scanline crossing parity; an edge belongs to the row interval [low, high), a crossing to the first centre at its right.
    """
    toggles = np.zeros((shape[0] + 1, shape[1]), np.int32)
    for points in contours:
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0)):
            if y0 != y1:
                _toggle(toggles, shape, *((x0, y0, x1, y1) if y0 < y1 else (x1, y1, x0, y0)))
    return (np.cumsum(toggles, axis=0)[: shape[0]] & 1).astype(bool)


def _toggle(toggles: NDArray[np.int32], shape: tuple[int, int], x0: float, y0: float, x1: float, y1: float) -> None:
    rows = np.arange(max(0, int(np.ceil(y0))), min(shape[1], int(np.ceil(y1))))
    if len(rows):
        crossings = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
        np.add.at(toggles, (np.clip(np.ceil(crossings), 0, shape[0]).astype(int), rows), 1)

"""A thumbnail beside its edge directions: what lies where, and how its outlines run, at equal weight. No weights, no download.

Source of the second half: Dalal & Triggs 2005, histograms of oriented gradients (8 unsigned directions in 4×4 cells of a 32×32 view,
each cell clipped and scaled to unit length). The default of `select`, by the evidence in docs/decisions/400-default-selection.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.api import Card, Vectors, unit
from isocenter.embeddings.prepare import Views, view_options

SIDE, CELL, DIRECTIONS, CLIP = 32, 8, 8, 0.2


class Sketch:
    """Card, transform and encoding."""

    def __init__(self, **options: Any) -> None:
        self.transform = Views((SIDE, SIDE), resample="bilinear", **options)
        self.card = Card("sketch", "1", SIDE * SIDE + (SIDE // CELL) ** 2 * DIRECTIONS, f"{SIDE}×{SIDE} grey", "Apache-2.0")

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 1152) float32: 1024 grey values and 128 directions, each half without its mean and of unit length."""
        views = np.stack(batch).astype(np.float32)
        return np.hstack([_centred(half.reshape(len(views), -1)) for half in (views, edge_directions(views))])


def edge_directions(views: NDArray[np.float32]) -> Vectors:
    """(n, cells, cells, directions) histograms of gradient direction, weighted by gradient length; views: (n, 32, 32)."""
    down, across = np.zeros_like(views), np.zeros_like(views)
    down[:, 1:-1], across[:, :, 1:-1] = views[:, 2:] - views[:, :-2], views[:, :, 2:] - views[:, :, :-2]
    direction = np.minimum((np.arctan2(down, across) % np.pi / np.pi * DIRECTIONS).astype(np.int64), DIRECTIONS - 1)
    length = np.hypot(down, across)
    cells = SIDE // CELL
    shape = (len(views), cells, CELL, cells, CELL)
    histogram = np.stack([np.where(direction == one, length, 0).reshape(shape).sum((2, 4)) for one in range(DIRECTIONS)], axis=-1)
    clipped = np.minimum(unit(histogram.reshape(-1, DIRECTIONS)), CLIP)
    return unit(clipped).reshape(len(views), cells, cells, DIRECTIONS)


def _centred(rows: NDArray[np.float32]) -> Vectors:
    return unit(rows - rows.mean(axis=1, keepdims=True))


def load(target: str | None, device: str, **options: str) -> Sketch:
    """Options: slices, window, percentiles. Runs on the CPU whatever the device."""
    return Sketch(**view_options(**options))

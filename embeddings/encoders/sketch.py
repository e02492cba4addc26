"""A thumbnail in its own contrast, its edge directions and its colours: what lies where, how strongly, how outlines run, of what hue. No download.

Source of the second part: Dalal & Triggs 2005, histograms of oriented gradients (8 unsigned directions in 4×4 cells of a 32×32 view,
each cell clipped and scaled to unit length). The default of `select`, by the evidence in docs/decisions/400-default-selection.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.api import Card, Vectors, unit
from isocenter.embeddings.prepare import Views, view_options

SIDE, CELL, DIRECTIONS, CLIP = 32, 8, 8, 0.2
PATCH = 4               # pixels of the view under one colour
MIDDLE = 127.5
CONTRAST = 32.0         # standard deviation of grey values at which the thumbnail is as long as the constant beside it
WEIGHTS = (1.5, 0.5, 1.0)       # lengths of the three parts before the row is brought to unit length
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Sketch:
    """Card, transform and encoding."""

    def __init__(self, **options: Any) -> None:
        self.transform = Views((SIDE, SIDE), channels="rgb", resample="bilinear", **options)
        self.card = Card("sketch", "3", SIDE * SIDE + 1 + (SIDE // CELL) ** 2 * DIRECTIONS + (SIDE // PATCH) ** 2 * 3, f"{SIDE}×{SIDE} colour", "Apache-2.0")

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 1345) float32: 1025 numbers of `contrasted` and 128 directions, both without their mean, and 8×8 colours relative to mid grey, weighed."""
        colours = np.stack(batch).astype(np.float32)
        grey = colours @ LUMA
        parts = contrasted(grey.reshape(len(grey), -1)), _centred(edge_directions(grey).reshape(len(grey), -1)), patch_colours(colours)
        return np.hstack([np.float32(weight) * part for weight, part in zip(WEIGHTS, parts)])


def contrasted(grey: NDArray[np.float32]) -> Vectors:
    """(n, d + 1): grey values without their mean, and a constant; a picture of standard deviation `CONTRAST` gives a row of unit length.

    Without the constant, unit rows would stretch the noise of a flat picture to the length of a rich one's outlines.
    """
    values = (grey - grey.mean(axis=1, keepdims=True)) / np.float32(CONTRAST * grey.shape[1] ** 0.5)
    return np.hstack([values, np.ones((len(grey), 1), np.float32)]) * np.float32(0.5**0.5)


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


def patch_colours(views: NDArray[np.float32]) -> Vectors:
    """(n, 8·8·3) mean colours of 4×4 patches, as differences from mid grey, unit rows; views: (n, 32, 32, 3)."""
    patches = views.reshape(len(views), SIDE // PATCH, PATCH, SIDE // PATCH, PATCH, 3).mean((2, 4))
    return unit((patches - MIDDLE).reshape(len(views), -1))


def _centred(rows: NDArray[np.float32]) -> Vectors:
    return unit(rows - rows.mean(axis=1, keepdims=True))


def load(target: str | None, device: str, **options: str) -> Sketch:
    """Options: slices, window, percentiles. Runs on the CPU whatever the device."""
    return Sketch(**view_options(**options))

"""Two looks at a picture side by side: its plain pixels, and a drawing of it in its own contrast, with outlines and hues. No download.

The plain side tells pictures apart as a ruler does: its angles follow the Euclidean distance of small colour thumbnails. The drawn side
asks what lies where, how outlines run, and of what hue, whatever the light.
Source of the edges: Dalal & Triggs 2005, histograms of oriented gradients (8 unsigned directions in 4×4 cells of a 32×32 view,
each cell clipped and scaled to unit length). The default of `select`, by the evidence in docs/decisions/400-default-selection.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.api import Card, Vectors, unit
from isocenter.embeddings.prepare import Views, view_options

SIDE, CELL, DIRECTIONS, CLIP = 32, 8, 8, 0.2
SMALL = 16              # side of the thumbnails of both looks
PATCH = 4               # pixels of the view under one colour
MIDDLE = 127.5
RULER = 128.0           # root mean square distance from mid grey at which a plain thumbnail is as long as the constant beside it
CONTRAST = 32.0         # standard deviation of grey values at which the drawn thumbnail is as long as the constant beside it
WEIGHTS = (1.5, 0.5, 1.0)       # lengths of the drawing's three parts before it is brought to unit length
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
PLAIN = SMALL * SMALL * 3 + 1
DRAWN = SMALL * SMALL + 1 + (SIDE // CELL) ** 2 * DIRECTIONS + (SIDE // PATCH) ** 2 * 3


class Sketch:
    """Card, transform and encoding."""

    def __init__(self, **options: Any) -> None:
        self.transform = Views((SIDE, SIDE), channels="rgb", resample="bilinear", **options)
        self.card = Card("sketch", "4", PLAIN + DRAWN, f"{SIDE}×{SIDE} colour", "Apache-2.0", sides=(PLAIN, DRAWN))

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 1346) float32: 769 numbers of the plain side and 577 of the drawn one, each side of unit length."""
        colours = np.stack(batch).astype(np.float32)
        return np.hstack([plain(colours), drawn(colours)])


def plain(views: NDArray[np.float32]) -> Vectors:
    """(n, 769) unit rows: 16×16 colours relative to mid grey, and a constant that keeps angles near Euclidean distances; views: (n, 32, 32, 3)."""
    return unit(_beside_constant((_shrunk(views, SMALL) - MIDDLE).reshape(len(views), -1), RULER))


def drawn(views: NDArray[np.float32]) -> Vectors:
    """(n, 577) unit rows: 257 grey values without their mean, 128 edge directions, and 8×8 colours of unit length, weighed; views: (n, 32, 32, 3)."""
    grey = views @ LUMA
    small = _shrunk(grey[..., None], SMALL).reshape(len(views), -1)
    parts = (contrasted(small), _centred(edge_directions(grey).reshape(len(views), -1)),
             unit((_shrunk(views, SIDE // PATCH) - MIDDLE).reshape(len(views), -1)))
    return unit(np.hstack([np.float32(weight) * part for weight, part in zip(WEIGHTS, parts)]))


def contrasted(grey: NDArray[np.float32]) -> Vectors:
    """(n, d + 1): grey values without their mean, and a constant; a picture of standard deviation `CONTRAST` gives a row of unit length.

    Without the constant, unit rows would stretch the noise of a flat picture to the length of a rich one's outlines.
    """
    return _beside_constant(grey - grey.mean(axis=1, keepdims=True), CONTRAST) * np.float32(0.5**0.5)


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


def _shrunk(views: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(n, side, side, c): means of equal patches; views: (n, 32, 32, c)."""
    patch = SIDE // side
    return views.reshape(len(views), side, patch, side, patch, views.shape[-1]).mean((2, 4))


def _beside_constant(values: NDArray[np.float32], scale: float) -> Vectors:
    """(n, d + 1): the values, so that a root mean square of `scale` has length 1, and a 1."""
    return np.hstack([values / np.float32(scale * values.shape[1] ** 0.5), np.ones((len(values), 1), np.float32)])


def _centred(rows: NDArray[np.float32]) -> Vectors:
    return unit(rows - rows.mean(axis=1, keepdims=True))


def load(target: str | None, device: str, **options: str) -> Sketch:
    """Options: slices, window, percentiles. Runs on the CPU whatever the device."""
    return Sketch(**view_options(**options))

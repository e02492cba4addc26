"""32×32 grey thumbnails, mean removed and scaled to unit length: cosine is the correlation of two small pictures. No weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.api import Card, Vectors, unit
from isocenter.embeddings.prepare import Views, view_options

SIDE = 32


class Thumbnail:
    """Card, transform and encoding of thumbnails."""

    def __init__(self, **options: Any) -> None:
        self.transform = Views((SIDE, SIDE), resample="box", **options)
        self.card = Card("thumbnail", "1", SIDE * SIDE, f"{SIDE}×{SIDE} grey", "Apache-2.0")

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 1024) float32: each view minus its mean, unit length; a flat picture gives zeros."""
        rows = np.stack(batch).reshape(len(batch), -1).astype(np.float32)
        return unit(rows - rows.mean(axis=1, keepdims=True))


def load(target: str | None, device: str, **options: str) -> Thumbnail:
    """Options: slices, window, percentiles. Runs on the CPU whatever the device."""
    return Thumbnail(**view_options(**options))

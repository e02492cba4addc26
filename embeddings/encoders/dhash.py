"""64-bit gradient hash (dHash) as a vector of ±1/8: cosine is 1 − 2·distance/64, and the signs are the bits of `imagehash.dhash`. No weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.api import Card, Vectors
from isocenter.embeddings.hashes import BITS, dhash_bits
from isocenter.embeddings.prepare import Views, view_options


class DHash:
    """Card, transform and encoding of the gradient hash (dHash)."""

    def __init__(self, **options: Any) -> None:
        self.transform = Views((8, 9), resample="lanczos", pool="majority", **options)
        self.card = Card("dhash", "1", BITS, "8×9 grey", "Apache-2.0")

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, 64) float32: +1/8 where the bit is set, −1/8 where it is not."""
        return np.where(dhash_bits(np.stack(batch)), 0.125, -0.125).astype(np.float32)


def load(target: str | None, device: str, **options: str) -> DHash:
    """Options: slices, window, percentiles. Runs on the CPU whatever the device."""
    return DHash(**view_options(**options))

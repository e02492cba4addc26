"""Synthetic pictures to measure or to learn from without data: a count, a side and a seed go in, 8-bit pictures come out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pink_pictures(count: int, side: int, *, seed: int) -> list[NDArray[np.uint8]]:
    """(side, side) pictures whose amplitude falls as 1/f, as in natural and medical images; the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    fy, fx = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    fall = 1 / np.maximum(np.hypot(fy, fx), 1 / side)
    out = []
    for _ in range(count):
        field = np.fft.irfft2(fall * np.exp(2j * np.pi * rng.random(fall.shape)), s=(side, side))
        out.append(np.clip(128 + 48 * field / field.std(), 0, 255).astype(np.uint8))
    return out

"""Perceptual hashes of 8-bit pictures as bits: the same bits as the `imagehash` package gives for the same picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 64


def phash_bits(small: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n, 64) bool from (n, 32, 32) grey: the 8×8 lowest DCT coefficients above their median.

    Source: Zauner 2010, Implementation and benchmarking of perceptual image hash functions; Krawetz 2011, with the constant
    coefficient kept, as imagehash does. Thumbnails must come from a Lanczos resize.
    """
    from scipy.fftpack import dct

    low = dct(dct(small.astype(np.float64), axis=1), axis=2)[:, :8, :8].reshape(len(small), BITS)
    bits: NDArray[np.bool_] = low > np.median(low, axis=1, keepdims=True)
    return bits


def dhash_bits(small: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(n, 64) bool from (n, 8, 9) grey: is a pixel brighter than its left neighbour? Source: Krawetz 2013."""
    bits: NDArray[np.bool_] = (small[:, :, 1:] > small[:, :, :-1]).reshape(len(small), BITS)
    return bits


def pack(bits: NDArray[Any]) -> NDArray[np.uint64]:
    """(n, 64) bool to (n,) uint64, first bit highest, so that `f"{word:016x}"` is what `str(imagehash)` prints."""
    return np.packbits(np.asarray(bits, bool), axis=1).view(">u8")[:, 0].astype(np.uint64)


def unpack(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(n,) uint64 to (n, 64) bool."""
    return np.unpackbits(np.asarray(words).astype(">u8").view(np.uint8).reshape(-1, 8), axis=1).astype(bool)


def bits_of(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """(n, 64) bool from the vectors that the hash encoders store (+ for one, − for zero)."""
    return np.asarray(rows) > 0


def cosine_of(distance: int) -> float:
    """The cosine between hash vectors that differ in `distance` of 64 bits."""
    return 1.0 - 2.0 * distance / BITS

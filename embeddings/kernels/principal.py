"""Principal directions of rows: the same rows in fewer numbers, of unit length again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLOCK = 65_536


def principal(features: NDArray[np.floating], dimension: int) -> NDArray[np.float32]:
    """(n, min(dimension, d)) float32 unit rows: the pool's mean removed, projected on its directions of largest variance.

    A row that is the mean gives zeros. O(n·d²) time, O(n·dimension + d²) memory beside the features, which are read in blocks.
    """
    count, width = features.shape
    mean = np.mean(features, axis=0, dtype=np.float64)
    spread = np.zeros((width, width))
    for start in range(0, count, BLOCK):
        block = np.asarray(features[start:start + BLOCK], np.float32) - mean.astype(np.float32)
        spread += block.T @ block
    directions = np.linalg.eigh(spread)[1][:, ::-1][:, :dimension].astype(np.float32)
    result = np.empty((count, directions.shape[1]), np.float32)
    for start in range(0, count, BLOCK):
        block = (np.asarray(features[start:start + BLOCK], np.float32) - mean.astype(np.float32)) @ directions
        result[start:start + BLOCK] = block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12)
    return result


def joint_principal(first: NDArray[np.floating], second: NDArray[np.floating], dimension: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets on the directions of largest variance of the two together, lengths and distances kept as far as those directions hold them."""
    both = np.vstack([first, second]).astype(np.float64)
    both -= both.mean(0)
    directions = np.linalg.eigh(both.T @ both)[1][:, ::-1][:, :dimension]
    reduced = both @ directions
    return reduced[:len(first)], reduced[len(first):]

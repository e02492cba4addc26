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

"""Large tables block by block: rows in single or half precision go in, cosines and distances come out, with one block in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BLOCK = 1 << 25         # numbers of one block (128 MiB in single precision)


def cosine_blocks(rows: NDArray[np.floating], features: NDArray[np.floating]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(first row, cosines of some rows to all features) until all rows are through. Both: unit rows, (m, d) and (n, d)."""
    columns = np.asarray(features, np.float32)
    step = max(1, BLOCK // max(1, *features.shape))
    for start in range(0, len(rows), step):
        yield start, np.asarray(rows[start:start + step], np.float32) @ columns.T


def distances_to(features: NDArray[np.floating], centres: NDArray[np.float32], assigned: NDArray[np.integer]) -> NDArray[np.float64]:
    """(n,) Euclidean distance of every row to the centre that it is assigned to."""
    found = np.empty(len(features))
    step = max(1, BLOCK // max(1, features.shape[1]))
    for start in range(0, len(features), step):
        away = np.asarray(features[start:start + step], np.float32) - centres[assigned[start:start + step]]
        found[start:start + step] = np.sqrt(np.einsum("ij,ij->i", away, away))
    return found


def squared_lengths(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n,) squared length of every row."""
    found = np.empty(len(features))
    step = max(1, BLOCK // max(1, features.shape[1]))
    for start in range(0, len(features), step):
        block = np.asarray(features[start:start + step], np.float32)
        found[start:start + step] = np.einsum("ij,ij->i", block, block)
    return found


def times_row(features: NDArray[np.floating], row: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n,) products of every row with one."""
    one, step = np.asarray(row, np.float32), max(1, BLOCK // max(1, features.shape[1]))
    if features.dtype == np.float32:
        return np.asarray(features @ one, np.float32)
    return np.concatenate([np.asarray(features[start:start + step], np.float32) @ one for start in range(0, len(features), step)])

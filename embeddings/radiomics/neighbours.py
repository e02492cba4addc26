"""Where the neighbours of a voxel lie, and the lines that run through an image in each direction; found once per shape."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, int, int]


def directions(shape: Shape) -> list[tuple[int, int, int]]:
    """One of each pair of opposite (z, y, x) steps to a neighbour: 13 in a volume, 4 in a picture (z = 1)."""
    moves = (-1, 0, 1)
    steps = [(z, y, x) for z, y, x in product(moves, moves, moves) if (z, y, x) > (0, 0, 0)]
    return [step for step in steps if all(size > 1 or move == 0 for size, move in zip(shape, step))]


@lru_cache(maxsize=64)
def neighbour_pairs(shape: Shape, step: tuple[int, int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Flat positions (from, to) of all voxels that have a neighbour one step away."""
    here = np.indices(shape).reshape(3, -1)
    there = here + np.array(step)[:, None]
    valid = np.all((there >= 0) & (there < np.array(shape)[:, None]), axis=0)
    return np.flatnonzero(valid), np.ravel_multi_index(tuple(there[:, valid]), shape).astype(np.int64)


@lru_cache(maxsize=64)
def lines(shape: Shape, step: tuple[int, int, int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """All voxels ordered line by line along the step, and where a new line starts."""
    z, y, x = (axis.reshape(-1) for axis in np.indices(shape))
    axis = next(i for i, move in enumerate(step) if move)
    along = (z, y, x)[axis] * step[axis]
    offsets = [coordinate - along * move for coordinate, move in zip((z, y, x), step)]
    order = np.lexsort((along, *offsets))
    line = np.stack(offsets)[:, order]
    starts = np.concatenate([[True], np.any(line[:, 1:] != line[:, :-1], axis=0)])
    return order.astype(np.int64), starts

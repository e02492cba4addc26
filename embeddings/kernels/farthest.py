"""Farthest-first traversal: unit rows in, the greedy k-center order and each pick's squared distance out, exact and lazy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.kernels.threads import one_thread

ROWS = 65_536           # rows of one block when the whole pool is read
BLOCK = 1 << 24         # numbers in one block of similarities (64 MiB)
LEAST_ACTIVE = 2_048    # candidates kept fresh at a time
GROUPS, ROWS_PER_GROUP = 8, 64
TIE = 1e-6              # squared distances closer than this are one number to float32
FARTHEST = 4.0          # squared distance of opposite unit vectors


def farthest_first(features: NDArray[np.floating], budget: int, *, first: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The order in which the textbook loop visits the rows: each next row is the one farthest from all rows before it.

    features: (n, d) unit rows, float32 or float16 (an array or a memory map). first: where the traversal starts.
    Returns (budget,) positions and (budget,) squared Euclidean distances 2 - 2·cos to the earlier picks (the first: 4, the most there can be).
    Near ties are settled in float64, equal distances by the lower position; a picked row is never picked again.

    Source: Gonzalez 1985; Sener & Savarese 2018. The textbook reads all n rows for every pick. Here a row's distance is an upper
    bound from the last time it was looked at, since distances only fall: rows whose bound lies below the current radius are left
    alone, and are caught up by one matrix product when the radius has come down to them. Same picks, O(n) memory beside the
    features, O(n·d·budget) time at worst and a small part of it on data that has clusters.
    """
    with one_thread():
        return _traverse(features, min(budget, len(features)), first)


def _traverse(features: NDArray[np.floating], budget: int, first: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    count = len(features)
    picks = np.empty(budget, np.int64)
    gains = np.empty(budget, np.float32)
    if budget == 0:
        return picks, gains
    centres = np.empty((budget, features.shape[1]), np.float32)
    picks[0], gains[0], centres[0] = first, FARTHEST, features[first]
    bound = _distances(features, centres[:1])
    bound[first] = -np.inf
    seen = np.ones(count, np.int32)
    done = 1
    active = least = max(LEAST_ACTIVE, count // 64)
    while done < budget:
        before, level = done, _level(bound, active)
        rows = np.flatnonzero(bound >= level)
        _catch_up(features, rows, centres, done, bound, seen)
        done = _greedy(features, rows[bound[rows] >= level], level, bound, seen, picks, gains, centres, done)
        active = least if done > before else 2 * active
    return picks, gains


def _level(bound: NDArray[np.float32], active: int) -> np.float32:
    """The distance that `active` rows reach, as far as is known."""
    if active >= len(bound):
        return np.float32(-FARTHEST)
    level: np.float32 = np.partition(bound, len(bound) - active)[len(bound) - active]
    return max(level, np.float32(-FARTHEST))


def _catch_up(features: NDArray[np.floating], rows: NDArray[np.int64], centres: NDArray[np.float32], done: int,
              bound: NDArray[np.float32], seen: NDArray[np.int32]) -> None:
    """Bring the bounds of these rows up to date with all picks; rows that missed about the same picks share a matrix product."""
    behind = rows[seen[rows] < done]
    behind = behind[np.argsort(seen[behind], kind="stable")]
    for group in np.array_split(behind, min(GROUPS, len(behind) // ROWS_PER_GROUP + 1)):
        since = int(seen[group].min(initial=done))
        step = max(1, BLOCK // max(done - since, features.shape[1]))
        for start in range(0, len(group), step):
            part = np.sort(group[start:start + step])
            bound[part] = np.minimum(bound[part], _distances(features[part], centres[since:done]))
    seen[behind] = done


def _greedy(features: NDArray[np.floating], rows: NDArray[np.int64], level: np.float32, bound: NDArray[np.float32], seen: NDArray[np.int32],
            picks: NDArray[np.int64], gains: NDArray[np.float32], centres: NDArray[np.float32], done: int) -> int:
    """The textbook loop over the active rows, for as long as the farthest of them is at least `level` away."""
    near = np.asarray(features[rows], np.float32)
    distance = bound[rows]
    while done < len(picks) and len(rows):
        best = int(distance.argmax())
        if distance[best] < level + TIE and level > -FARTHEST:
            break
        best = _settle(near, distance, best, centres[:done])
        picks[done], gains[done], centres[done] = rows[best], max(distance[best], 0.0), near[best]
        distance = np.minimum(distance, 2 - 2 * (near @ near[best]))
        distance[best] = -np.inf
        done += 1
        alive = distance >= level
        if np.count_nonzero(alive) < len(rows) // 2:
            bound[rows], seen[rows] = distance, done
            rows, near, distance = rows[alive], near[alive], distance[alive]
    bound[rows], seen[rows] = distance, done
    return done


def _settle(near: NDArray[np.float32], distance: NDArray[np.float32], best: int, centres: NDArray[np.float32]) -> int:
    """Of the rows that float32 cannot tell from the farthest, the one that is farthest in float64."""
    rivals = np.flatnonzero(distance >= distance[best] - TIE)
    if len(rivals) == 1 or distance[best] < TIE:
        return best
    cosines = near[rivals] @ centres.T
    rows, columns = np.nonzero(cosines >= cosines.max(1, keepdims=True) - TIE)
    exact = np.full(len(rivals), -np.inf)
    np.maximum.at(exact, rows, np.einsum("ij,ij->i", near[rivals[rows]].astype(np.float64), centres[columns].astype(np.float64)))
    return int(rivals[exact.argmin()])


def _distances(features: NDArray[np.floating], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distance of every row to the nearest centre, block by block."""
    step = max(1, min(ROWS, BLOCK // len(centres)))
    result = np.empty(len(features), np.float32)
    for start in range(0, len(features), step):
        block = np.asarray(features[start:start + step], np.float32)
        result[start:start + step] = 2 - 2 * (block @ centres.T).max(1)
    return result

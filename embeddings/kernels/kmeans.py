"""k-means on rows: centres and assignments out; seeded, single precision, and divided first when there are many centres."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from isocenter.embeddings.kernels.threads import one_thread

BLOCK = 1 << 23         # numbers in one block of similarities (32 MiB)
SEEDING_ROUNDS = 12     # batches in which the first centres are drawn
TRIALS, TRIED_UP_TO = 5, 64     # a few centres are worth several draws, of which the best stays
DIVIDE_ABOVE = 500      # centres; more are found inside the cells of a coarse clustering
SMALL = 4e9             # products of a round below which threads wait for each other longer than they work
SETTLED = 1e-3          # stop when a smaller share of rows changes its centre


def kmeans(features: NDArray[np.floating], k: int, *, seed: int, rounds: int = 10) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """(k, d) centres and (n,) assignments of Lloyd's algorithm on Euclidean distance.

    features: (n, d), float32 or float16, also a memory map. An empty cluster moves to the row that is worst served.
    First centres are drawn with probability growing with the squared distance to those before (Arthur & Vassilvitskii 2007), in batches
    (Bahmani et al. 2012). O(n·k·d·rounds) time, O(n + k·d) memory beside the features.
    """
    k = min(k, len(features))
    with one_thread() if len(features) * k * features.shape[1] < SMALL else nullcontext():
        return _lloyd(features, k, np.random.default_rng(seed), rounds)


def divided_kmeans(features: NDArray[np.floating], k: int, *, seed: int, rounds: int = 10) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """As `kmeans`, but √k coarse cells first and then their share of the centres inside each: O(n·√k·d·rounds).

    A cell's share goes with the root of its rows times its spread: crowded regions get more centres, but not in proportion.
    """
    if k <= DIVIDE_ABOVE or k >= len(features) // 2:
        return kmeans(features, k, seed=seed, rounds=rounds)
    _, cell = kmeans(features, max(2, round(np.sqrt(k) / 2)), seed=seed, rounds=rounds)
    sizes = np.bincount(cell)
    shares = water_fill(sizes, k, weights=sizes)
    centres, assigned, base = [], np.empty(len(features), np.int32), 0
    for at, share in enumerate(shares):
        rows = np.flatnonzero(cell == at)
        inner, where = kmeans(np.asarray(features[rows], np.float32), int(share), seed=seed + at + 1, rounds=rounds)
        centres.append(inner)
        assigned[rows] = where + base
        base += len(inner)
    return np.concatenate(centres), assigned


def nearest_centre(features: NDArray[np.floating], centres: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(n,) position of the nearest centre and (n,) squared distance to it, read in blocks."""
    assigned, distance = np.empty(len(features), np.int32), np.empty(len(features), np.float32)
    half = 0.5 * np.einsum("ij,ij->i", centres, centres)
    step = max(64, BLOCK // max(centres.shape))
    for start in range(0, len(features), step):
        block = np.asarray(features[start:start + step], np.float32)
        score = block @ centres.T
        score -= half
        best = score.argmax(1)
        assigned[start:start + step] = best
        distance[start:start + step] = np.einsum("ij,ij->i", block, block) - 2 * score[np.arange(len(best)), best]
    return assigned, np.maximum(distance, 0, out=distance)


def water_fill(sizes: NDArray[np.integer], target: int, *, weights: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
    """How many to take of each so that they sum to the target: equally (or by weight), none more than it has, at least one where it lasts."""
    sizes = np.asarray(sizes, np.int64)
    target = min(int(target), int(sizes.sum()))
    weight = np.ones(len(sizes)) if weights is None else np.maximum(np.asarray(weights, float), 1e-12)
    order = np.argsort(sizes / weight, kind="stable")
    taken, left, rest = np.zeros(len(sizes), np.int64), target, float(weight.sum())
    for at in order:
        share = left * weight[at] / rest
        taken[at] = min(sizes[at], int(np.floor(share + 0.5)), left)
        left -= taken[at]
        rest = max(rest - weight[at], 1e-12)
    for at in order[::-1]:
        extra = min(left, sizes[at] - taken[at])
        taken[at] += extra
        left -= extra
    return taken


def settled(rows: NDArray[np.float32], first: NDArray[np.int64], rounds: int) -> NDArray[np.int32]:
    """(n,) cells 0 … k - 1 after so many rounds of spherical k-means (centres of unit length) begun at these k different rows.

    rows: (n, d) unit rows. A cell that is left by all its members keeps its first row, so none is empty. O(n·k·d·rounds).
    """
    centres = rows[first]
    cell, distance = nearest_centre(rows, centres)
    for _ in range(rounds):
        centres = _means(rows, cell, distance, centres)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
        cell, distance = nearest_centre(rows, centres)
    while len(lost := np.flatnonzero(np.bincount(cell, minlength=len(first)) == 0)):
        cell[first[lost]] = lost
    return cell


def medoids(features: NDArray[np.float32], cluster: NDArray[np.integer]) -> NDArray[np.int64]:
    """For every cluster 0 … k - 1, none of them empty, the unit row with the largest mean cosine to its cluster. O(n·d)."""
    k = int(cluster.max()) + 1
    sums = csr_matrix((np.ones(len(cluster), np.float32), cluster, np.arange(len(cluster) + 1)), shape=(len(cluster), k)).T @ features
    typical = np.empty(len(cluster), np.float32)
    for start in range(0, len(cluster), BLOCK // features.shape[1]):
        part = slice(start, start + BLOCK // features.shape[1])
        typical[part] = np.einsum("ij,ij->i", features[part], sums[cluster[part]])
    order = np.lexsort((-typical, cluster))
    first: NDArray[np.int64] = order[np.unique(cluster[order], return_index=True)[1]]
    return first


def _lloyd(features: NDArray[np.floating], k: int, rng: np.random.Generator, rounds: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    centres = _first_centres(features, k, rng)
    assigned, distance = nearest_centre(features, centres)
    for _ in range(rounds):
        centres = _means(features, assigned, distance, centres)
        before = assigned
        assigned, distance = nearest_centre(features, centres)
        if np.count_nonzero(before != assigned) <= SETTLED * len(assigned):
            break
    return centres, assigned


def _first_centres(features: NDArray[np.floating], k: int, rng: np.random.Generator) -> NDArray[np.float32]:
    count = len(features)
    chosen = np.array([rng.integers(count)])
    distance = nearest_centre(features, np.asarray(features[chosen], np.float32))[1].astype(np.float64)
    while len(chosen) < k:
        want = min(k - len(chosen), max(1, k // SEEDING_ROUNDS))
        distance[chosen] = 0
        possible = int(np.count_nonzero(distance))
        if possible == 0:
            free = np.setdiff1d(np.arange(count), chosen)
            return np.asarray(features[np.concatenate([chosen, rng.choice(free, k - len(chosen), replace=False)])], np.float32)
        trials = [rng.choice(count, min(want, possible), replace=False, p=distance / distance.sum()) for _ in range(TRIALS if k <= TRIED_UP_TO else 1)]
        served = [np.minimum(distance, nearest_centre(features, np.asarray(features[np.sort(trial)], np.float32))[1]) for trial in trials]
        best = int(np.argmin([left.sum() for left in served]))
        more, distance = trials[best], served[best]
        chosen = np.concatenate([chosen, more])
    return np.asarray(features[chosen], np.float32)


def _means(features: NDArray[np.floating], assigned: NDArray[np.int32], distance: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    k, count = len(centres), len(features)
    sums = np.zeros_like(centres)
    step = max(1, BLOCK // centres.shape[1])
    for start in range(0, count, step):
        block = np.asarray(features[start:start + step], np.float32)
        own = assigned[start:start + step]
        sums += np.asarray(csr_matrix((np.ones(len(own), np.float32), own, np.arange(len(own) + 1)), shape=(len(own), k)).T @ block, np.float32)
    sizes = np.bincount(assigned, minlength=k)
    empty = np.flatnonzero(sizes == 0)
    means = np.asarray(sums / np.maximum(sizes, 1)[:, None], np.float32)
    if len(empty):
        means[empty] = np.asarray(features[np.sort(np.argpartition(distance, -len(empty))[-len(empty):])], np.float32)
    return means

"""A tree of clusters over rows: levels of k-means in, every row's cluster at every level and a balanced order out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.kernels.kmeans import divided_kmeans, kmeans

ROWS_PER_LEAF, BRANCHES, FEWEST = 20, 10, 5


def default_levels(count: int) -> list[int]:
    """Numbers of clusters from the leaves up: about 20 rows a leaf, 10 children a node; 20,000 rows give [1000, 100, 10]."""
    levels = [max(1, count // ROWS_PER_LEAF)]
    while levels[-1] // BRANCHES >= FEWEST:
        levels.append(levels[-1] // BRANCHES)
    return levels


def cluster_tree(features: NDArray[np.floating], levels: Sequence[int], *, seed: int, rounds: int = 10) -> list[NDArray[np.int32]]:
    """For every level from the leaves up, the (n,) cluster of every row; a cluster's rows share one parent.

    The leaves cluster the rows; every level above clusters the centres below it, so that it follows the extent of the data and not
    its density. Source: Vo et al. 2024, "Automatic data curation for self-supervised learning", without its resampling, which made
    the order less balanced on long-tailed pools. O(n·√k·d·rounds) time for k leaves, O(n + k·d) memory beside the features.
    """
    centres, assigned = divided_kmeans(features, levels[0], seed=seed, rounds=rounds)
    tree = [assigned]
    for depth, k in enumerate(levels[1:], start=1):
        centres, parent = kmeans(_unit(centres), k, seed=seed + depth, rounds=rounds)
        tree.append(parent[tree[-1]])
    return tree


def balanced_order(tree: Sequence[NDArray[np.int32]], *, seed: int) -> NDArray[np.int64]:
    """All rows in the order in which they are dealt: top clusters in turn, inside each its children in turn, inside a leaf at random.

    Any head of the order shares its budget equally over the top clusters while they last, and so on downwards.
    """
    rng = np.random.default_rng(seed)
    turn: NDArray[np.int64] = rng.permutation(len(tree[0]))
    for level in tree:
        turn = _turn_inside(level, turn, rng)
    return np.argsort(turn * (int(tree[-1].max()) + 1) + rng.permutation(int(tree[-1].max()) + 1)[tree[-1]], kind="stable")


def _turn_inside(cluster: NDArray[np.int32], turn: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Every row's place inside its cluster, by its turn in the child; equal turns in a random order."""
    order = np.lexsort((rng.random(len(turn)), turn, cluster))
    sizes = np.bincount(cluster)
    starts = np.cumsum(sizes) - sizes
    place = np.empty(len(turn), np.int64)
    place[order] = np.arange(len(turn)) - np.repeat(starts, sizes)
    return place


def _unit(centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of unit rows back on the sphere: else loose clusters all lie near the origin and fall into one."""
    length = np.linalg.norm(centres, axis=1, keepdims=True)
    unit: NDArray[np.float32] = centres / np.maximum(length, 1e-12)
    return unit

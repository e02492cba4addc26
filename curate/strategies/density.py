"""Density-based pruning: complex regions of the pool get a larger share, and inside a region the untypical samples come first.

Source: Abbas et al. 2024, "Effective pruning of web-scale datasets based on complexity of concept clusters" (DBP): a cluster's complexity is
its mean distance to the 20 nearest other centres times the mean distance of its members to their own; shares are the softmax of the
complexities, made feasible by a quadratic programme. Run it on a pool without near-copies. Time: O(n·√k·d + k²·d). Memory: O(n + k²).
No prefix property: shares are rounded for each budget.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.blocks import distances_to
from isocenter.embeddings.kernels.kmeans import divided_kmeans

needs: tuple[str, ...] = ()
uses_features = True
TEMPERATURE, NEAREST, FLOOR = 0.5, 20, 0.5     # FLOOR: the least that a cluster gets, as a share of an equal split


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Farthest from its centre first inside a cluster, clusters in proportion to their quota; a gain is that distance."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    budget = min(budget, len(pool))
    clusters = max(2, min(500, len(pool) // 50))
    centres, assigned = divided_kmeans(pool.features, clusters, seed=seed)
    distance = distances_to(pool.features, centres, assigned)
    sizes = np.bincount(assigned, minlength=len(centres))
    wanted = shares(centres, np.bincount(assigned, distance, len(centres)) / np.maximum(sizes, 1)) * budget
    quota = _whole(feasible(wanted, np.minimum(FLOOR * budget / len(centres), sizes), sizes, budget), sizes, budget)
    order = np.lexsort((-distance, assigned))
    place = np.arange(len(pool)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = place < quota[assigned[order]]
    turn = np.argsort((place[chosen] + 0.5) / quota[assigned[order[chosen]]], kind="stable")
    picks = order[chosen][turn].astype(np.int64)
    return Picks(picks, distance[picks])


def shares(centres: NDArray[np.float32], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Softmax of inter-cluster distance × intra-cluster distance, each cluster's share of the budget."""
    unit = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    apart = np.sort(1.0 - (unit @ unit.T).astype(np.float64), axis=1)[:, 1:1 + NEAREST]
    scaled = apart.mean(1) * inner / TEMPERATURE
    weight = np.exp(scaled - scaled.max())
    share: NDArray[np.float64] = weight / weight.sum()
    return share


def feasible(wanted: NDArray[np.float64], least: NDArray[np.float64], most: NDArray[np.integer], total: float) -> NDArray[np.float64]:
    """The x nearest to `wanted` with Σ x = total and least ≤ x ≤ most: clip(wanted + λ, least, most) for the one λ that sums right."""
    low, high = -float(np.max(wanted)) - total, float(np.max(most)) + total
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(wanted + middle, least, most).sum() < total else (low, middle)
    return np.clip(wanted + high, least, most)


def _whole(quota: NDArray[np.float64], sizes: NDArray[np.integer], budget: int) -> NDArray[np.int64]:
    """Whole numbers with the same sum: the largest remainders are rounded up."""
    whole = np.minimum(np.floor(quota + 1e-9).astype(np.int64), sizes)
    for at in np.argsort(-(quota - whole), kind="stable"):
        if whole.sum() >= budget:
            break
        whole[at] += whole[at] < sizes[at]
    while whole.sum() < budget:
        whole[int((sizes - whole).argmax())] += 1
    return whole

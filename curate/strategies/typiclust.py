"""TypiClust: one typical sample from each of as many clusters as the budget, largest clusters first; for very small budgets.

Source: Hacohen, Dekel, Weinshall 2022, "Active learning on a budget: opposite strategies suit high and low budgets". Typicality is 1 over the
mean squared distance to the nearest 20 rows of the cluster; clusters of five or fewer rows are left out while others last; at most 500 clusters,
which are dealt in rounds. Time: O(n·k·d + Σ m²·d) for clusters of m rows. Memory: O(n + m²). No prefix property: clusters follow the budget.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.kmeans import kmeans

needs: tuple[str, ...] = ()
uses_features = True
MOST_CLUSTERS, SMALL, NEAREST = 500, 5, 20


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """The most typical sample of each cluster in turn; a gain is its typicality."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    _, assigned = kmeans(pool.features, min(budget, MOST_CLUSTERS), seed=seed, rounds=20)
    value = np.zeros(len(pool))
    for members in np.split(np.argsort(assigned, kind="stable"), np.cumsum(np.bincount(assigned))[:-1]):
        value[members] = typicality(np.asarray(pool.features[members], np.float32))
    sizes = np.bincount(assigned)
    by_cluster = np.lexsort((-value, assigned))
    round_ = np.empty(len(pool), np.int64)
    round_[by_cluster] = np.arange(len(pool)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = np.lexsort((-sizes[assigned], round_, sizes[assigned] <= SMALL))[:budget]
    return Picks(order.astype(np.int64), value[order])


def typicality(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 / (mean squared distance to the min(20, n/2) nearest other rows + 1e-5); a lone row has none."""
    k = min(NEAREST, max(1, len(rows) // 2))
    if len(rows) < 2:
        return np.zeros(len(rows))
    result = np.empty(len(rows))
    for start in range(0, len(rows), 1024):
        squared = 2 - 2 * (rows[start:start + 1024] @ rows.T).astype(np.float64)
        squared[np.arange(len(squared)), np.arange(start, start + len(squared))] = np.inf
        nearest = np.partition(squared, k - 1, axis=1)[:, :k]
        result[start:start + 1024] = 1.0 / (np.maximum(nearest, 0).mean(1) + 1e-5)
    return result

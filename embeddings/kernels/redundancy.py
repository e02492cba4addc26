"""How much every row repeats an earlier row of its cluster: unit rows in, a largest cosine each out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.embeddings.kernels.kmeans import divided_kmeans

ROWS_PER_CLUSTER, MOST_CLUSTERS = 100, 50_000


def clusters_for(count: int) -> int:
    """About 100 rows a cluster, at most the 50,000 clusters of the source."""
    return max(1, min(MOST_CLUSTERS, count // ROWS_PER_CLUSTER))


def redundancy(features: NDArray[np.float32], *, seed: int) -> NDArray[np.float32]:
    """(n,) largest cosine to a row of the same k-means cluster that lies farther from the cluster's centre; -1 for the farthest.

    Source: Abbas et al. 2023, "SemDeDup" (keeping the hard ones).
    """
    centres, assigned = divided_kmeans(features, clusters_for(len(features)), seed=seed)
    result = np.full(len(features), -1.0, np.float32)
    order = np.argsort(assigned, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(assigned))[:-1]):
        rows = np.asarray(features[members], np.float32)
        if len(rows) < 2:
            continue
        outward = np.argsort(((rows - centres[assigned[members[0]]]) ** 2).sum(1), kind="stable")[::-1]
        result[members[outward]] = _largest_before(rows[outward])
    return result


def _largest_before(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    result = np.full(len(rows), -1.0, np.float32)
    for start in range(0, len(rows), 1024):
        stop = min(start + 1024, len(rows))
        block = rows[start:stop] @ rows[:stop].T
        block[np.arange(stop)[None, :] >= np.arange(start, stop)[:, None]] = -1.0
        result[start:stop] = block.max(1)
    return result

"""ProbCover: picks whose balls of radius δ cover as many samples of the pool as possible; for small budgets.

Source: Yehuda et al. 2022, "Active learning through a covering lens": a directed graph joins every sample to those within δ; the sample
with most uncovered neighbours is picked and what it covers leaves the graph. δ is the largest radius at which 95 % of the samples have
only neighbours of their own k-means cluster (k = the budget, at most 100), read on at most 2,000 samples. All rows enter the graph.
Time: O(n²·d) for the graph. Memory: O(edges), at most a few hundred a sample on clustered pools. Prefix property: no, δ follows the budget.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.blocks import cosine_blocks
from isocenter.embeddings.kernels.cover import ball_cover
from isocenter.embeddings.kernels.kmeans import kmeans

needs: tuple[str, ...] = ()
uses_features = True
PURE, PROBED = 0.95, 2_000


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Most newly covered samples first; a gain is their number. When all is covered, the rest follows at random with gain 0."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    _, assigned = kmeans(pool.features, min(100, budget), seed=seed)
    cosine = 1 - radius(pool.features, assigned, seed) ** 2 / 2
    indices, gains = ball_cover(pool.features, min(budget, len(pool)), cosine=cosine, seed=seed)
    return Picks(indices, gains)


def radius(rows: NDArray[np.float32], assigned: NDArray[np.integer], seed: int) -> float:
    """The largest δ at which a share of 0.95 of the balls hold one cluster only: that quantile of the distances to another cluster."""
    probed = np.sort(np.random.default_rng(seed).permutation(len(rows))[:PROBED])
    other = np.empty(len(probed))
    for start, cosines in cosine_blocks(rows[probed], rows):
        cosines[assigned[probed[start:start + len(cosines)]][:, None] == assigned[None, :]] = -1.0
        other[start:start + len(cosines)] = cosines.max(1)
    return float(np.sqrt(np.quantile(np.maximum(0.0, 2 - 2 * other), 1 - PURE)))

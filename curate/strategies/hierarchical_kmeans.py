"""Balanced sampling from a tree of clusters: every branch of the pool gets the same number of picks while it lasts.

Source: Vo et al. 2024, "Automatic data curation for self-supervised learning: a clustering-based approach" (hierarchical k-means,
top-down balanced sampling), written from the description. Time: O(n·√k·d·rounds) for k = n/20 leaves, since large levels are divided
first. Memory: O(n + k·d) beside the features; a million rows of 512 numbers fit in 8 GB. Prefix property holds: the tree is dealt in turns.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.kmeans_tree import balanced_order, cluster_tree, default_levels

needs: tuple[str, ...] = ()
uses_features = True


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Rows in the order in which the tree deals them; a gain is 1 over the size of the sample's leaf, so rare things weigh more."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    tree = cluster_tree(pool.features, default_levels(len(pool)), seed=seed)
    order = balanced_order(tree, seed=seed)[:budget]
    return Picks(order, 1.0 / np.bincount(tree[0])[tree[0][order]])

"""MaxHerding: picks that maximise how well the pool is covered under a Gaussian kernel, greedily; soft balls instead of hard ones.

Source: Bae, Noh, Sutherland 2024, "Generalized coverage for more robust low-budget active learning" (arXiv 2407.12212): the pick with the largest
gain in mean_i max_{j in picks} exp(-‖i - j‖² / 2σ²). σ² is the median squared distance to the 10th neighbour, read on at most 2,000
samples. Time: O(n²·d) once, then O(n·d) for each gain looked at again. Memory: O(n) beside the features and one block. Prefix property holds.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.embeddings.kernels.blocks import cosine_blocks
from isocenter.embeddings.kernels.cover import kernel_cover

needs: tuple[str, ...] = ()
uses_features = True
NEIGHBOUR, PROBED = 10, 2_000


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Largest gain first; a gain is the coverage that the pick adds, averaged over the pool."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    probed = np.sort(np.random.default_rng(seed).permutation(len(pool))[:PROBED])
    k = min(NEIGHBOUR, len(pool) - 1)
    nearest = np.concatenate([np.partition(2 - 2 * block, k, axis=1)[:, k] for _, block in cosine_blocks(pool.features[probed], pool.features)])
    indices, gains = kernel_cover(pool.features, min(budget, len(pool)), variance=max(float(np.median(nearest)), 1e-6))
    return Picks(indices, gains)

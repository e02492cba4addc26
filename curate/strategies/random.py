"""Uniform random choice: the baseline that every other strategy is printed beside. O(n) time and memory; prefix property holds."""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool

needs: tuple[str, ...] = ()
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """A random order of the pool, cut at the budget; gains are all 1/n, the chance of each sample."""
    order = np.random.default_rng(seed).permutation(len(pool))[:budget].astype(np.int64)
    return Picks(order, np.full(len(order), 1.0 / max(len(pool), 1)))

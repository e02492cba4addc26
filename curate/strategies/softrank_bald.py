"""Softrank BALD: of the patches with most mutual information twice as many as the budget, and of these a draw in which only the rank counts.

Source: Kirsch et al. 2021, "Stochastic batch acquisition", as nnActive uses it on patches: -log(rank) + Gumbel(0, 1), so that rank r is drawn
first with a chance that goes with 1/r, however far the scores lie apart. Reads the columns `bald`, `image` and `box` of `isocenter patches`.
O(n log n + n·patches an image) time, O(n) memory. Patches that overlap a better one come last. Prefix property: no, candidates follow the budget.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import apart, falling, numbers

needs: tuple[str, ...] = ("bald", "image", "box")
uses_features = False
CANDIDATES = 2      # times the budget


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Noisy ranks in falling order; a gain is the patch's mutual information in nats."""
    score = numbers(pool, "bald")
    clear, later = apart(falling(score), pool)
    first, rest = clear[:CANDIDATES * budget], clear[CANDIDATES * budget:]
    soft = np.random.default_rng(seed).gumbel(size=len(first)) - np.log(1 + np.arange(len(first)))
    picks = np.array([*(first[at] for at in falling(soft)), *rest, *later][:budget], np.int64)
    return Picks(picks, score[picks])

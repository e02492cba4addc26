"""Power BALD: patches drawn in proportion to the mutual information of an ensemble in them, none overlapping another of the same image.

Source: Kirsch et al. 2021, "Stochastic batch acquisition", on nnActive's patches. Reads the columns `bald`, `image` and `box` of `isocenter patches`.
O(n log n + n·patches an image) time, O(n) memory. Patches that overlap an earlier pick come last. Prefix property holds.
"""

from __future__ import annotations

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import drawn

needs: tuple[str, ...] = ("bald", "image", "box")
uses_features = False
BETA = 1.0


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Noisy scores in falling order; a gain is the patch's mutual information in nats."""
    return drawn(pool, "bald", budget, beta=BETA, seed=seed)

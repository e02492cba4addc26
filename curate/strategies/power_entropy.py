"""Power entropy: patches drawn in proportion to their mean predictive entropy, none overlapping another of the same image.

Source: nnActive's power PE (Kirsch et al. 2021 for the power). Reads the columns `entropy`, `image` and `box` of `isocenter patches`.
O(n log n + n·patches an image) time, O(n) memory. Patches that overlap an earlier pick come last. Prefix property holds.
"""

from __future__ import annotations

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import drawn

needs: tuple[str, ...] = ("entropy", "image", "box")
uses_features = False
BETA = 1.0


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Noisy scores in falling order; a gain is the patch's entropy in nats."""
    return drawn(pool, "entropy", budget, beta=BETA, seed=seed)

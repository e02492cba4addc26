"""Power entropy: patches drawn in proportion to their mean predictive entropy, none overlapping another of the same image.

Source: nnActive's power PE (Kirsch et al. 2021 for the power). Reads the columns `entropy` (mean over the patch), `image`, and `box` (six numbers,
start and stop voxels). O(n log n + n·patches an image) time, O(n) memory. Patches that overlap an earlier pick come last. Prefix property holds.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import apart, power_noise

needs: tuple[str, ...] = ("entropy", "image", "box")
uses_features = False
BETA = 1.0


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Noisy scores in falling order; a gain is the patch's entropy in nats."""
    score = np.array(pool.columns["entropy"].tolist(), np.float64)
    noisy = power_noise(score, BETA, np.random.default_rng(seed))
    kept, later = apart(np.argsort(-noisy, kind="stable").tolist(), pool.columns["image"].tolist(), np.array(pool.columns["box"].tolist(), np.int64))
    picks = np.array((kept + later)[:budget], np.int64)
    return Picks(picks, score[picks])

"""ClaSP PE: two thirds of the patches are shared among the foreground classes, each by its own part of the entropy, the rest goes by all of it.

Source: class-stratified scheduled power predictive entropy (arXiv 2601.13677): power noise with β growing from 1 to 100 over the rounds of
annotation. Reads the columns `entropy`, `class_entropy` (one number a class, background first), `beta`, `image` and `box` of `isocenter patches`.
O(n·classes·log n + n·patches an image) time, O(n·classes) memory. Patches that overlap an earlier pick come last.
Prefix property: no, the shares of the classes follow the budget.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import apart, falling, numbers, power_noise

needs: tuple[str, ...] = ("entropy", "class_entropy", "beta", "image", "box")
uses_features = False
BY_CLASS = 0.66


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """Class by class, then by all of the entropy; a gain is the patch's entropy in nats."""
    if not len(pool) or budget <= 0:
        return Picks(np.empty(0, np.int64), np.empty(0))
    rng = np.random.default_rng(seed)
    beta, entropy = float(numbers(pool, "beta")[0]), numbers(pool, "entropy")
    by_class = numbers(pool, "class_entropy")[:, 1:]
    classes = by_class.shape[1]
    each, odd = divmod(int(BY_CLASS * budget), classes) if classes else (0, 0)
    extra = rng.permutation(classes) < odd
    order: list[int] = []
    for one in rng.permutation(classes):
        ranked = falling(power_noise(by_class[:, one], beta, rng))
        order = _extended(order, ranked, each + int(extra[one]), pool)
    ranked = falling(power_noise(entropy, beta, rng))
    order = _extended(order, ranked, budget - len(order), pool)
    taken = set(order)
    picks = np.array([*order, *(at for at in ranked if at not in taken)][:budget], np.int64)
    return Picks(picks, entropy[picks])


def _extended(order: list[int], ranked: list[int], number: int, pool: Pool) -> list[int]:
    """The order and the first `number` of the ranking that overlap nothing in it."""
    taken = set(order)
    kept, _ = apart([*order, *(at for at in ranked if at not in taken)], pool)
    return kept[:len(order) + max(0, number)]

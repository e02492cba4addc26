"""ClaSP PE: two thirds of the patches are shared among the foreground classes, each by its own part of the entropy, the rest goes by all of it.

Source: class-stratified scheduled power predictive entropy (arXiv 2601.13677): power noise with β growing from 1 to 100 over the rounds of
annotation. Reads the columns `entropy`, `class_entropy` (one number a class, background first), `image` and `box` (start and stop voxels).
O(n·classes·log n + n·patches an image) time, O(n·classes) memory. Patches that overlap an earlier pick come last.
Prefix property: no, the shares of the classes follow the budget.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool
from isocenter.curate.patches import apart, power_noise

needs: tuple[str, ...] = ("entropy", "class_entropy", "image", "box")
uses_features = False
BY_CLASS, LAST_BETA = 0.66, 100.0


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """The choice of the first round (β = 1); a gain is the patch's entropy in nats."""
    return pick_in_round(pool, budget, seed=seed, round_=0, rounds=1)


def pick_in_round(pool: Pool, budget: int, *, seed: int, round_: int, rounds: int) -> Picks:
    """The choice of one round of annotation, counted from 0."""
    rng = np.random.default_rng(seed)
    beta = LAST_BETA ** (round_ / (rounds - 1)) if rounds > 1 else 1.0
    entropy = np.array(pool.columns["entropy"].tolist(), np.float64)
    by_class = np.array(pool.columns["class_entropy"].tolist(), np.float64).reshape(len(pool), -1)[:, 1:]
    classes = by_class.shape[1]
    each, odd = divmod(int(BY_CLASS * budget), classes) if classes else (0, 0)
    extra = rng.permutation(classes) < odd
    images, boxes = pool.columns["image"].tolist(), np.array(pool.columns["box"].tolist(), np.int64)
    order: list[int] = []
    for one in rng.permutation(classes):
        ranked = np.argsort(-power_noise(by_class[:, one], beta, rng), kind="stable").tolist()
        order = _extended(order, ranked, each + int(extra[one]), images, boxes)
    ranked = np.argsort(-power_noise(entropy, beta, rng), kind="stable").tolist()
    order = _extended(order, ranked, budget - len(order), images, boxes)
    rest = [at for at in ranked if at not in set(order)]
    picks = np.array((order + rest)[:budget], np.int64)
    return Picks(picks, entropy[picks])


def _extended(order: list[int], ranked: list[int], number: int, images: list[object], boxes: np.ndarray) -> list[int]:
    """The order and the first `number` of the ranking that overlap nothing in it."""
    taken = set(order)
    kept, _ = apart([*order, *(at for at in ranked if at not in taken)], images, boxes)
    return kept[:len(order) + max(0, number)]

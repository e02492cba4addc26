"""Weigh how alone a pair stands: log-odds of all proved pairs go in, log-odds that also count the distance to rivals come out.

A copy resembles its original far more than anything else resembles either; a neighbouring slice has a next neighbour that is nearly
as close. So a pair gains by the distance to its best rival and loses where there is none. This is the ratio test that Lowe 2004
uses for points, asked of pictures. Where many pairs near the line have close rivals, standing alone proves little: it helps a little, and only what is likely without it; there a third
picture that agrees half-heartedly with both is no further copy but the next neighbour.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from isocenter.curate.duplicates.contradictions import Key, key
from isocenter.curate.groups import components

SURE = 6.0                         # log-odds from which a pair needs no such help, and its two count as one picture here
NEAR, FAR = 2.5, 8.5               # distance to the best rival: below NEAR a pair loses, above it it gains up to FAR
PER_STEP = 0.9                     # log-odds lost or gained per step of that distance
NOWHERE = -12.0                    # log-odds at and below which a rival is none
TRIANGLE = 2.0                     # a third picture is one more copy, not a rival, if all three sides agree up to this
LIKELY = 0.0                       # and, among dense neighbours, if it is likely to be one picture with both
LOWEST = -4.0                      # log-odds below which no distance makes one picture of two
MANY = 100                         # pictures from which standing alone counts in full
CROWD, FEW = 0.1, 3                # pairs with close rivals, per pair without and in number, beyond which neighbours count as dense
DENSE = 0.2                        # how much standing alone counts there, and from LIKELY on only


@dataclass(frozen=True, slots=True)
class Weighed:
    """odds: of every pair, rivals counted. crowded, lone: pairs near the line with and without a close rival. gains: 0 … 1, how much standing alone counts."""

    odds: dict[Key, float]
    crowded: int
    lone: int
    gains: float


def weigh(odds: Mapping[Key, float], doubtful: Collection[Key], pictures: int) -> Weighed:
    """odds: of every proved pair (a < b), by detail and points. doubtful: pairs that rest on too little to be counted. pictures: in the corpus."""
    distance = _distances(odds)
    near = [pair for pair, value in odds.items() if LOWEST < value < SURE and pair not in doubtful]
    crowded = sum(distance[pair] < NEAR - 1 for pair in near)
    lone = sum(distance[pair] >= NEAR for pair in near)
    dense = crowded > CROWD * lone + FEW
    gains = min(1.0, pictures / MANY) * (DENSE if dense else 1.0)
    lowest = LIKELY if dense else LOWEST
    if dense:
        distance = _distances(odds, LIKELY)
    weighed = dict(odds)
    for pair, value in odds.items():
        if value < SURE:
            step = PER_STEP * (min(distance[pair], FAR) - NEAR)
            weighed[pair] = value + (step if step < 0 else step * gains if value > lowest else 0.0)
    return Weighed(weighed, crowded, lone, gains)


def _distances(odds: Mapping[Key, float], least: float = NOWHERE) -> dict[Key, float]:
    """How far every pair lies above its best rival: the best other picture of either end that is not one more copy of both."""
    one_picture = _one_picture(odds)
    best: dict[int, dict[int, float]] = defaultdict(dict)
    for (a, b), value in odds.items():
        first, second = one_picture.get(a, -a - 1), one_picture.get(b, -b - 1)
        if first != second:
            best[first][second] = best[second][first] = max(value, best[first].get(second, NOWHERE))
    found = {}
    for a, b in odds:
        first, second = one_picture.get(a, -a - 1), one_picture.get(b, -b - 1)
        found[a, b] = float("inf") if first == second else odds[a, b] - max(_rival(*ends, odds[a, b], best, least) for ends in ((first, second), (second, first)))
    return found


def _rival(here: int, there: int, value: float, best: Mapping[int, Mapping[int, float]], least: float) -> float:
    """The log-odds of the best other picture of `here` that `there` does not know as well (and at `least` so well)."""
    found = NOWHERE
    for other, side in best[here].items():
        if other != there and side > found and best[there].get(other, NOWHERE) < max(min(value, side) - TRIANGLE, least):
            found = side
    return found


def _one_picture(odds: Mapping[Key, float]) -> dict[int, int]:
    """Pictures that sure pairs make one → its number."""
    sure = sorted(key(a, b) for (a, b), value in odds.items() if value >= SURE)
    members = sorted({one for pair in sure for one in pair})
    place = {one: at for at, one in enumerate(members)}
    labels = components(len(members), [(place[a], place[b]) for a, b in sure])
    return dict(zip(members, (int(label) for label in np.asarray(labels))))

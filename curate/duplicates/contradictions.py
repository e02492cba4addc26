"""Find links that cannot all hold: log-odds of pairs go in, the weaker link of every contradiction comes out.

A picture cannot be the same as two different pictures. Where a~b and b~c are likely, a and c align well and yet clearly
differ, the weaker of the two links joins neighbours, not copies; chains of slices give themselves away by this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations

from isocenter.curate.duplicates.picture import Evidence

CLEARLY_TWO = -5.0                 # log-odds below which an aligned pair contradicts
LIKELY_TWO = 0.0                   # the same where both pictures are at least as sharp as the one between them
NOT_ONE = 1.5                      # the same where, besides, one link is clearly stronger
STRONGER = 1.5
AS_SHARP, AS_DETAILED = 0.95, -0.3  # pixels of one per pixel of the other; log2 of fine energy of one over the other's
CROWD = 12                         # likely partners of one picture up to which all of them are compared with each other
ALIGNED = 12                       # matched points from which a and c count as aligned
OVERLAP = 0.5

Key = tuple[int, int]


def nearest_sides(likely: Mapping[Key, float]) -> set[Key]:
    """Pairs whose proof may contradict likely links: the third side of every triangle, and best partner against best partner."""
    partners = _partners(likely)
    third = {key(a, c) for others in partners.values() if len(others) <= CROWD for a, c in combinations(sorted(others), 2)}
    best = {one: max(others, key=lambda other: likely[key(one, other)]) for one, others in partners.items()}
    fourth = {key(best[a], best[b]) for a, b in likely if best[a] not in (b, best[b])}
    return third | fourth


def weaker_links(odds: Mapping[Key, float], evidence: Mapping[Key, Evidence | None]) -> set[Key]:
    """Pairs (a < b) with positive log-odds that a stronger link and a clear difference speak against."""
    weak: set[Key] = set()
    for middle, others in _partners({pair: value for pair, value in odds.items() if value > 0}).items():
        weak |= _around(middle, others, odds, evidence)
    return weak


def _partners(likely: Mapping[Key, float]) -> dict[int, list[int]]:
    partners: dict[int, list[int]] = defaultdict(list)
    for a, b in likely:
        partners[a].append(b)
        partners[b].append(a)
    return partners


def _around(middle: int, others: Sequence[int], odds: Mapping[Key, float], evidence: Mapping[Key, Evidence | None]) -> set[Key]:
    weak = set()
    sharp = {other for other in others if _as_sharp(other, middle, evidence)}
    for i, a in enumerate(others):
        for c in others[i + 1:]:
            found = evidence.get(key(a, c))
            weaker, stronger = sorted((key(middle, a), key(middle, c)), key=lambda pair: odds[pair])
            least = CLEARLY_TWO
            if a in sharp and c in sharp:
                least = NOT_ONE if odds[stronger] - odds[weaker] >= STRONGER else LIKELY_TWO
            if found and odds[key(a, c)] < least and found.inliers >= ALIGNED and found.overlap >= OVERLAP:
                weak.add(weaker)
    return weak


def _as_sharp(other: int, middle: int, evidence: Mapping[Key, Evidence | None]) -> bool:
    """`other` shows what both show with no fewer pixels and no less detail than `middle`."""
    found = evidence.get(key(middle, other))
    if found is None:
        return True
    pixels, detail = (found.scale, -found.sharper) if middle < other else (1.0 / found.scale, found.sharper)
    return pixels >= AS_SHARP and detail >= AS_DETAILED


def key(a: int, b: int) -> Key:
    return (a, b) if a < b else (b, a)

"""Find links that cannot all hold: log-odds of pairs go in, the weaker link of every contradiction comes out.

A picture cannot be the same as two different pictures. Where a~b and b~c are likely, a and c align well and yet clearly
differ, the weaker of the two links joins neighbours, not copies; chains of slices give themselves away by this.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from isocenter.curate.duplicates.picture import Evidence

CLEARLY_TWO = -2.0                 # log-odds below which an aligned pair contradicts
ALIGNED = 12                       # matched points from which a and c count as aligned
OVERLAP = 0.5

Key = tuple[int, int]


def weaker_links(odds: Mapping[Key, float], evidence: Mapping[Key, Evidence | None]) -> set[Key]:
    """Pairs (a < b) with positive log-odds that a stronger link and a clear difference speak against."""
    partners: dict[int, list[int]] = defaultdict(list)
    for (a, b), value in odds.items():
        if value > 0:
            partners[a].append(b)
            partners[b].append(a)
    weak: set[Key] = set()
    for middle, others in partners.items():
        weak |= _around(middle, others, odds, evidence)
    return weak


def _around(middle: int, others: Sequence[int], odds: Mapping[Key, float], evidence: Mapping[Key, Evidence | None]) -> set[Key]:
    weak = set()
    for i, a in enumerate(others):
        for c in others[i + 1:]:
            across = key(a, c)
            found = evidence.get(across)
            if found and odds[across] < CLEARLY_TWO and found.inliers >= ALIGNED and found.overlap >= OVERLAP:
                weak.add(min(key(middle, a), key(middle, c), key=lambda pair: odds[pair]))
    return weak


def key(a: int, b: int) -> Key:
    return (a, b) if a < b else (b, a)

"""Carry what is known of a copy to the keeper: labels or boxes and the proven transform go in, what may travel comes out.

A finding that is absent in a crop may be present in the whole; one that is present in the whole may lie outside the crop.
A mirror image swaps left and right: terms that name a side are swapped where both sides have a term, and withheld otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.transform import Transform
from isocenter.registry.labelmap import State, States

WHOLE = 0.97                       # share of a frame from which nothing counts as cut off
SIDED = re.compile(r"(?<![A-Za-z])(left|right)(?![A-Za-z])", re.IGNORECASE)
SAME_BOX = 0.4                     # intersection over union from which two boxes of one term show one thing (docs/decisions/325-same-box.md)
INSIDE = 0.5                       # share of a box that must lie in the keeper's frame

Box = tuple[float, float, float, float]


def labels(states: Mapping[str, State], transform: Transform | None, known: Collection[str] = ()) -> States:
    """The labels of a copy as far as they hold for the picture that `transform` leads to.

    None: the way is unknown, nothing travels. known: terms that exist, so that a swapped side can be named.
    """
    if transform is None:
        return {}
    copy_shown, keeper_shown = transform.shown
    kept: States = {}
    for term, state in states.items():
        name = _sided(term, known or states) if transform.mirrored else term
        travels = {"present": copy_shown >= WHOLE, "absent": keeper_shown >= WHOLE, "uncertain": min(copy_shown, keeper_shown) >= WHOLE}
        if name and travels[state]:
            kept[name] = state
    return kept


def box(corners: Box, transform: Transform) -> Box | None:
    """A box [x0, y0, x1, y1) of the copy in the keeper's pixels, clipped to its frame; None when most of it lies outside."""
    x0, y0, x1, y1 = corners
    points = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]], np.float64) - 0.5
    moved = points @ transform.matrix[:, :2].T + transform.matrix[:, 2] + 0.5
    low, high = moved.min(0), moved.max(0)
    if transform.size_b is None:
        return _plain(np.r_[low, high])
    frame = np.array([transform.size_b[1], transform.size_b[0]], np.float64)
    inner = np.r_[low.clip(0, frame), high.clip(0, frame)]
    return _plain(inner) if area(inner) >= INSIDE * max(area(np.r_[low, high]), 1e-9) else None


def without_doubles(own: Iterable[tuple[str, Box]], carried: Iterable[tuple[str, Box]]) -> list[tuple[str, Box]]:
    """The carried boxes that say something new: no box of the same term overlaps them by `SAME_BOX` or more."""
    said = list(own)
    fresh = []
    for term, corners in carried:
        if all(term != other or overlap(corners, there) < SAME_BOX for other, there in said):
            said.append((term, corners))
            fresh.append((term, corners))
    return fresh


def overlap(one: Box, two: Box) -> float:
    """Intersection over union."""
    shared = area(np.array([max(one[0], two[0]), max(one[1], two[1]), min(one[2], two[2]), min(one[3], two[3])]))
    return shared / max(area(np.array(one)) + area(np.array(two)) - shared, 1e-9)


def area(corners: NDArray[np.float64]) -> float:
    return float(max(corners[2] - corners[0], 0) * max(corners[3] - corners[1], 0))


def _sided(term: str, known: Collection[str]) -> str | None:
    """The term for the other side, the term itself when it names none, None when the other side has no term."""
    if not SIDED.search(term):
        return term
    other = SIDED.sub(lambda found: "right" if found.group().lower() == "left" else "left", term)
    return other if other in known else None


def _plain(values: NDArray[np.float64]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in values)
    return x0, y0, x1, y1

"""Where a term lies in the field of view, in words: thirds along each direction of the patient, or of the picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from isocenter.harmonize.derive._view import Derived, MaskView, Region, rounded

version = "1"
ENDS = {"R": ("left", "right"), "A": ("posterior", "anterior"), "S": ("inferior", "superior"),
        "L": ("right", "left"), "P": ("anterior", "posterior"), "I": ("superior", "inferior")}
SPOKEN = ("superior", "inferior", "anterior", "posterior", "left", "right")


def derive(view: MaskView) -> Iterator[Derived]:
    for region in view.regions:
        yield Derived("text", {"text": position_of(view, region), "at": [rounded(v) for v in _relative(view, region)]}, region)


def position_of(view: MaskView, region: Region) -> str:
    """`superior posterior left`, `central`, or for a picture without directions `upper left`.

    Directions are the patient's. A direction is named where the centroid lies in the outer third of the field of view.
    """
    at = _relative(view, region)
    if view.grid is None or not view.oriented:
        across = "left" if at[0] < 1 / 3 else "right" if at[0] > 2 / 3 else ""
        down = "upper" if at[1] < 1 / 3 else "lower" if at[1] > 2 / 3 else ""
        return f"{down} {across}".strip() or "central"
    words = [ENDS[code][int(value > 0.5)] for code, value in zip(view.grid.axcodes, at) if abs(value - 0.5) > 1 / 6]
    return " ".join(sorted(words, key=SPOKEN.index)) or "central"


def _relative(view: MaskView, region: Region) -> NDArray[np.float64]:
    at: NDArray[np.float64] = (region.centroid + 0.5) / np.array(view.mask.shape)
    return at

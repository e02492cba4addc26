"""The centre of mass of every term: index coordinates of the array, and RAS millimetres where the affine is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isocenter.harmonize.derive._view import Derived, MaskView, rounded

version = "1"


def derive(view: MaskView) -> Iterator[Derived]:
    for region in view.regions:
        found = {"point": [rounded(value) for value in region.centroid]}
        if view.grid is not None:
            at = np.append(np.append(region.centroid, [0.0] * (3 - view.mask.ndim)), 1.0)
            found["ras_mm"] = [rounded(value) for value in (view.grid.affine @ at)[:3]]
        yield Derived("point", found, region)

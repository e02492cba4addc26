"""Largest area of every term in one slice across the body's long axis (3-D), or its area (2-D), in square mm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from isocenter.harmonize.derive._planes import axial_axis, plane_mm2
from isocenter.harmonize.derive._view import Derived, MaskView, rounded

version = "1"


def derive(view: MaskView) -> Iterator[Derived]:
    if view.grid is None:
        return
    for region in view.regions:
        if view.flat:
            yield Derived("text", {"measure": "area", "area_mm2": rounded(region.voxels * plane_mm2(view.grid, 2))}, region)
            continue
        axis = axial_axis(view)
        counts = np.count_nonzero(region.mask, axis=tuple(k for k in range(3) if k != axis))
        best = int(np.argmax(counts))
        area = rounded(int(counts[best]) * plane_mm2(view.grid, axis))
        yield Derived("text", {"measure": "largest slice area", "area_mm2": area, "axis": axis, "slice": best + region.corner[axis]}, region)

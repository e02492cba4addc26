"""Slices across the body: which array axis runs from feet to head, and how large one pixel of a slice is."""

from __future__ import annotations

import numpy as np

from isocenter.harmonize.derive._view import MaskView
from isocenter.harmonize.geometry import Grid


def axial_axis(view: MaskView) -> int:
    """The array axis nearest to feet-head; the last one where directions are unknown."""
    if view.grid is None or not view.oriented:
        return 2
    return next(axis for axis, code in enumerate(view.grid.axcodes) if code in "SI")


def plane_mm2(grid: Grid, axis: int) -> float:
    """Area of one voxel's face across `axis`."""
    first, second = (grid.affine[:3, k] for k in range(3) if k != axis)
    return float(np.linalg.norm(np.cross(first, second)))

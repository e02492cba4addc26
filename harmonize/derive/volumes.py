"""Volume of every term in ml (3-D) or area in square mm (2-D), from voxel counts and the affine; shear counts too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from isocenter.harmonize.derive._view import Derived, MaskView, Region, rounded

version = "1"


def derive(view: MaskView) -> Iterator[Derived]:
    for region in view.regions:
        yield Derived("text", {"measure": "area" if view.flat else "volume", **extent_of(view, region)}, region)


def extent_of(view: MaskView, region: Region) -> dict[str, Any]:
    """{voxels, volume_ml} or {voxels, area_mm2}; without spacing only {voxels}."""
    if view.grid is None:
        return {"voxels": region.voxels}
    if view.flat:
        pixel_mm2 = float(np.linalg.norm(np.cross(view.grid.affine[:3, 0], view.grid.affine[:3, 1])))
        return {"voxels": region.voxels, "area_mm2": rounded(region.voxels * pixel_mm2)}
    return {"voxels": region.voxels, "volume_ml": rounded(region.voxels * view.grid.voxel_ml, 4)}

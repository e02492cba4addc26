"""Longest diameter of every component in space, and in the slice where it is longest with the widest line across it, in mm.

The outline runs half way between a voxel inside and its neighbour outside, as a surface mesh does, so that diameters do not
depend on how many voxels a lesion has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

from isocenter.harmonize.derive._planes import axial_axis
from isocenter.harmonize.derive._view import Derived, MaskView, Region, parts, rounded
from isocenter.harmonize.geometry import Grid

version = "1"
Points = NDArray[np.float64]


def derive(view: MaskView) -> Iterator[Derived]:
    """Per component: {longest_mm, ends} and, in 3-D, {in_plane_mm, across_mm, slice, axis}.

    The in-plane pair follows RECIST 1.1 and WHO: longest diameter in any slice, and the longest perpendicular to it, here
    measured on the convex hull of the outline.
    """
    if view.grid is None:
        return
    for region in view.regions:
        for rank, part in enumerate(parts(region), start=1):
            yield Derived("text", {"measure": "diameter", "component": rank, **diameters(part, view.grid, axial_axis(view))}, part)


def diameters(part: Region, grid: Grid, axis: int) -> dict[str, Any]:
    """Diameters of one component; `axis` is the array axis that slices are cut across."""
    if part.mask.ndim == 2:
        long_mm, across_mm, ends = in_plane(_to_mm(outline(part.mask), part.corner, grid))
        return {"longest_mm": rounded(long_mm), "across_mm": rounded(across_mm), "ends_mm": ends}
    longest, ends = _farthest(_to_mm(outline(part.mask), part.corner, grid))
    found: dict[str, Any] = {"longest_mm": rounded(longest), "ends_mm": ends, "axis": axis, "in_plane_mm": 0.0, "across_mm": 0.0, "slice": part.corner[axis]}
    slices = np.moveaxis(part.mask, axis, 0)
    steps = np.delete(np.array(grid.spacing_mm), axis)
    for k in range(len(slices)):
        flat = slices[k]
        if not flat.any() or _diagonal(flat, steps) <= found["in_plane_mm"]:
            continue
        points = np.insert(outline(flat), axis, float(k), axis=1)
        long_mm, across_mm, _ = in_plane(_to_mm(points, part.corner, grid))
        if long_mm > found["in_plane_mm"]:
            found.update(in_plane_mm=rounded(long_mm), across_mm=rounded(across_mm), slice=k + part.corner[axis])
    return found


def outline(mask: NDArray[np.bool_]) -> Points:
    """Index points half way between the outermost voxels of every line and what lies beyond; (n, ndim)."""
    found = []
    for axis in range(mask.ndim):
        turned = np.moveaxis(mask, axis, 0)
        lines = np.nonzero(turned.any(axis=0))
        first = turned.argmax(axis=0)[lines] - 0.5
        last = mask.shape[axis] - turned[::-1].argmax(axis=0)[lines] - 0.5
        for ends in (first, last):
            found.append(np.insert(np.stack(lines, axis=1).astype(np.float64), axis, ends, axis=1))
    return np.concatenate(found)


def in_plane(points: Points) -> tuple[float, float, list[list[float]]]:
    """(longest, widest across it, the two ends of the longest) of coplanar points in mm."""
    longest, ends = _farthest(points)
    along = (np.array(ends[1]) - np.array(ends[0])) / max(longest, 1e-9)
    rest = points - points.mean(axis=0)
    t = rest @ along
    side = rest - t[:, None] * along
    across = side[np.argmax(np.linalg.norm(side, axis=1))]
    across = across / max(float(np.linalg.norm(across)), 1e-9)
    return longest, _widest(t, side @ across), ends


def _widest(t: Points, u: Points) -> float:
    """Largest extent in u at one t of the convex hull of (t, u); it lies at a corner of the hull."""
    corners = np.stack([t, u], axis=1)
    try:
        corners = corners[ConvexHull(corners).vertices]
    except (QhullError, ValueError):
        return float(np.ptp(u))
    following = np.roll(corners, -1, axis=0)
    low, high = np.minimum(corners[:, 0], following[:, 0]), np.maximum(corners[:, 0], following[:, 0])
    widths = []
    for at in corners[:, 0]:
        edge = (low <= at + 1e-9) & (at - 1e-9 <= high)
        run = following[edge, 0] - corners[edge, 0]
        share = np.where(np.abs(run) > 1e-9, (at - corners[edge, 0]) / np.where(np.abs(run) > 1e-9, run, 1), 0)
        values = np.concatenate([corners[edge, 1] + share * (following[edge, 1] - corners[edge, 1]), following[edge & (np.abs(following[:, 0] - at) < 1e-9), 1]])
        widths.append(np.ptp(values))
    return float(max(widths))


def _farthest(points: Points) -> tuple[float, list[list[float]]]:
    candidates = points
    spread = points - points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(spread, full_matrices=False)
    rank = int((sizes > 1e-6 * max(sizes[0], 1e-9)).sum())
    if rank >= 2:
        try:
            candidates = points[ConvexHull(spread @ axes[:rank].T).vertices]
        except (QhullError, ValueError):
            candidates = points
    best, pair = 0.0, (0, 0)
    for first in range(0, len(candidates), 512):
        distances = cdist(candidates[first : first + 512], candidates)
        at = np.unravel_index(int(np.argmax(distances)), distances.shape)
        if distances[at] > best:
            best, pair = float(distances[at]), (first + int(at[0]), int(at[1]))
    return best, [[rounded(value) for value in candidates[k]] for k in pair]


def _to_mm(points: Points, corner: tuple[int, ...], grid: Grid) -> Points:
    at = np.zeros((len(points), 3))
    at[:, : points.shape[1]] = points + np.array(corner)
    return at @ grid.affine[:3, :3].T + grid.affine[:3, 3]


def _diagonal(flat: NDArray[np.bool_], steps: Points) -> float:
    extent = [np.ptp(np.flatnonzero(flat.any(axis=1 - k))) + 1 for k in range(2)]
    return float(np.hypot(*(n * step for n, step in zip(extent, steps))))

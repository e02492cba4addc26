"""Positions and orientations in, the grid they lie on out: order along the normal, one affine, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from isocenter.harmonize.dicom.frames import Frame

SAME_PLACE_MM = 0.02
OFF_GRID_MM = 0.06
OFF_GRID_SHARE = 0.015
TILT_DEGREES = 0.1
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class Grid:
    """Where frames lie. slices: per slice the indices of the frames at that place, slices in order of the normal.

    affine: (4, 4) float64, voxel (column, row, slice) → RAS mm. issues: remarks that do not forbid a volume.
    """

    slices: list[list[int]]
    affine: NDArray[np.float64]
    issues: tuple[str, ...] = ()


def grid_of(frames: list[Frame]) -> Grid | str:
    """The grid on which parallel frames lie, or a sentence saying why they lie on none (uneven, missing, tilted)."""
    first = frames[0]
    if first.position is None or first.orientation is None:
        return "no image position or orientation: a projection or a picture"
    if first.spacing_mm is None or min(first.spacing_mm) <= 0:
        return "no pixel spacing"
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    if not (abs(np.linalg.norm(row) - 1) <= 0.01 and abs(np.linalg.norm(column) - 1) <= 0.01 and abs(row @ column) <= 0.01):
        return "the image orientation is no pair of perpendicular unit vectors"
    normal = np.cross(row, column)
    positions = np.array([frame.position for frame in frames], dtype=np.float64)
    if not (np.isfinite(positions).all() and np.isfinite(first.spacing_mm).all()):
        return "positions or spacing are not finite"
    depths = positions @ normal
    slices = _places(depths)
    corners = np.array([positions[members].mean(axis=0) for members in slices])
    if trouble := _same_corner(positions, slices):
        return trouble
    if len(slices) == 1:
        step = normal * (first.gap_mm if first.gap_mm and first.gap_mm > 0 else first.thickness_mm or 1.0)
        return Grid(slices, _affine(first, row, column, step, corners[0]))
    step = (corners[-1] - corners[0]) / (len(slices) - 1)
    if trouble := _uneven(corners, step, normal) or _tilt(step, normal):
        return trouble
    return Grid(slices, _affine(first, row, column, step, corners[0]))


def _places(depths: NDArray[np.float64]) -> list[list[int]]:
    order = np.argsort(depths, kind="stable")
    places: list[list[int]] = [[int(order[0])]]
    for before, index in pairwise(order):
        if depths[index] - depths[before] < SAME_PLACE_MM:
            places[-1].append(int(index))
        else:
            places.append([int(index)])
    return [sorted(members) for members in places]


def _same_corner(positions: NDArray[np.float64], slices: list[list[int]]) -> str | None:
    for number, members in enumerate(slices):
        spread = float(np.ptp(positions[members], axis=0).max())
        if spread > OFF_GRID_MM:
            return f"frames of slice {number + 1} are shifted in plane by {spread:.2f} mm"
    return None


def _uneven(corners: NDArray[np.float64], step: NDArray[np.float64], normal: NDArray[np.float64]) -> str | None:
    """Missing and unevenly spaced slices: a place that is not where equal steps put it."""
    expected = corners[0] + np.arange(len(corners))[:, None] * step
    off = np.abs((corners - expected) @ normal)
    length = float(abs(step @ normal))
    if off.max() <= max(OFF_GRID_MM, OFF_GRID_SHARE * length):
        sideways = float(np.linalg.norm((corners - expected) - ((corners - expected) @ normal)[:, None] * normal, axis=1).max())
        return None if sideways <= max(OFF_GRID_MM, OFF_GRID_SHARE * length) else f"slices are shifted sideways by up to {sideways:.2f} mm"
    gaps = np.diff(corners @ normal)
    usual = float(np.median(gaps))
    wholes = np.round(gaps / usual)
    if np.abs(gaps - wholes * usual).max() <= max(OFF_GRID_MM, OFF_GRID_SHARE * usual):
        missing = int(wholes.sum() - len(gaps))
        return f"{missing} {'slice is' if missing == 1 else 'slices are'} missing (usual spacing {usual:.3f} mm, largest gap {gaps.max():.3f} mm)"
    return f"slices are unevenly spaced: {gaps.min():.3f} to {gaps.max():.3f} mm"


def _tilt(step: NDArray[np.float64], normal: NDArray[np.float64]) -> str | None:
    cosine = abs(float(step @ normal)) / float(np.linalg.norm(step))
    degrees = float(np.degrees(np.arccos(min(1.0, cosine))))
    return f"gantry tilt: the slices are sheared by {degrees:.1f} degrees, which no voxel grid with right angles can say" if degrees > TILT_DEGREES else None


def _affine(frame: Frame, row: NDArray[np.float64], column: NDArray[np.float64], step: NDArray[np.float64], corner: NDArray[np.float64]) -> NDArray[np.float64]:
    assert frame.spacing_mm is not None
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * frame.spacing_mm[1], column * frame.spacing_mm[0]
    affine[:3, 2], affine[:3, 3] = step, corner
    return LPS_TO_RAS @ affine

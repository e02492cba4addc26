"""Two conversions of one series are compared volume by volume: place, order and every sample; only what agrees is believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.files import blake2b

CORNER_MM = 0.05
SCALE_SHARE = 1e-4
FLOAT_SHARE = 1e-5


@dataclass(frozen=True, slots=True)
class Canonical:
    """A volume in its closest canonical (RAS) orientation: (x, y, z, t) stored values and affine, slope and intercept."""

    array: NDArray[Any]
    affine: NDArray[np.float64]
    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class Print:
    """What a volume is compared by: grid, scale, stored range, a digest per time point; physical values when they are no integers."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    scales: tuple[tuple[float, float], ...]
    stored_range: tuple[float, float]
    digests: tuple[str, ...]
    physical: tuple[NDArray[np.float32], ...] = ()


def canonical(array: NDArray[Any], affine: NDArray[np.float64], slope: float, intercept: float) -> Canonical:
    """Axes permuted and flipped, never resampled."""
    turn = nib.io_orientation(affine)
    turned = nib.apply_orientation(array if array.ndim == 4 else array[..., None], turn)
    return Canonical(turned, affine @ nib.orientations.inv_ornt_aff(turn, array.shape[:3]), slope, intercept)


def load_canonical(path: Path) -> Canonical | None:
    """A NIfTI file in canonical orientation; None for colour and other forms that cannot be compared."""
    image = nib.load(path)
    array = np.asarray(image.dataobj.get_unscaled())
    if array.dtype.kind not in "iuf" or array.ndim not in (3, 4):
        return None
    return canonical(array, image.affine, float(image.dataobj.slope), float(image.dataobj.inter))


def print_of(volume: Canonical, *others: Canonical) -> Print:
    """The print of a volume. `others`: the same volume with other physical values that count as equally right."""
    array, shape = volume.array, volume.array.shape
    floats = array.dtype.kind == "f"
    physical = tuple((one.array * np.float32(one.slope) + np.float32(one.intercept)).astype(np.float32) for one in (volume, *others)) if floats else ()
    return Print((shape[0], shape[1], shape[2]), volume.affine, tuple((one.slope, one.intercept) for one in (volume, *others)),
                 (float(array.min()), float(array.max())), ("",) * shape[3] if floats else tuple(_digest(array[..., t]) for t in range(shape[3])), physical)


def same_place(ours: Print, theirs: Print) -> bool:
    """Same size, and all eight corners within 0.05 mm; of a single slice only the direction of its thickness counts."""
    if ours.shape != theirs.shape:
        return False
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in ours.shape], indexing="ij")).reshape(3, -1).T
    off = np.abs(nib.affines.apply_affine(ours.affine, corners) - nib.affines.apply_affine(theirs.affine, corners))
    return bool(off.max() <= CORNER_MM) and all(_parallel(ours.affine[:3, axis], theirs.affine[:3, axis]) for axis in range(3))


def same_values(ours: Print, theirs: Print) -> bool:
    """The same physical values, given the same stored ones: slopes and intercepts agree; floating-point volumes sample by sample."""
    if theirs.physical:
        return any(mine.shape == theirs.physical[0].shape and _close(mine, theirs.physical[0]) for mine in ours.physical)
    return any(all(_near(value * mine[0] + mine[1], value * theirs.scales[0][0] + theirs.scales[0][1], mine[0]) for value in theirs.stored_range)
               for mine in ours.scales)


def _close(mine: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.abs(mine - other).max() <= FLOAT_SHARE * max(1e-30, float(np.abs(mine).max())))


def _near(mine: float, other: float, slope: float) -> bool:
    return abs(mine - other) <= SCALE_SHARE * max(1e-30, abs(mine), abs(slope))


def _digest(volume: NDArray[Any]) -> str:
    return blake2b(np.ascontiguousarray(volume, dtype=np.int32 if volume.dtype.itemsize < 4 else np.int64).tobytes())


def _parallel(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return float(one @ other) > 0.9999 * float(np.linalg.norm(one) * np.linalg.norm(other))

"""Two conversions of one series are compared volume by volume: place, order and every sample; only what agrees is believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from isocenter.core.files import blake2b

CORNER_MM = 0.05
CORNER_VOXELS = 0.1
ROUNDED_MM = 0.011
SCALE_SHARE = 1e-4
FLOAT_SHARE = 1e-5


Scale = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Canonical:
    """A volume in its closest canonical (RAS) orientation: (x, y, z, t) stored values, affine, (slope, intercept) per time point."""

    array: NDArray[Any]
    affine: NDArray[np.float64]
    scales: tuple[Scale, ...]

    def physical(self) -> NDArray[np.float32]:
        """Physical values, (x, y, z, t)."""
        slopes, intercepts = np.array(self.scales, np.float64).T
        return (self.array * slopes + intercepts).astype(np.float32)

    @property
    def one_scale(self) -> bool:
        return len(set(self.scales)) == 1


@dataclass(frozen=True, slots=True)
class Print:
    """What a volume is compared by: its grid, and per time point a digest, the stored range and the scales that count as right.

    physical: one array per right way of scaling, where stored values alone do not tell (floating point, or several scales).
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    digests: tuple[str, ...]
    ranges: tuple[tuple[float, float], ...]
    scales: tuple[tuple[Scale, ...], ...]
    physical: tuple[NDArray[np.float32], ...] = ()


def canonical(array: NDArray[Any], affine: NDArray[np.float64], scales: tuple[Scale, ...]) -> Canonical:
    """Axes permuted and flipped, never resampled."""
    turn = nib.io_orientation(affine)
    turned = nib.apply_orientation(array if array.ndim == 4 else array[..., None], turn)
    return Canonical(turned, affine @ nib.orientations.inv_ornt_aff(turn, array.shape[:3]), scales)


def load_canonical(path: Path) -> Canonical | None:
    """A NIfTI file in canonical orientation; None for an affine without extent and other forms that cannot be compared."""
    image = nib.load(path)
    array = np.asarray(image.dataobj.get_unscaled())
    if not (array.dtype.kind in "iuf" or array.dtype.names == ("R", "G", "B")) or array.ndim not in (3, 4) or not _has_extent(image.affine):
        return None
    times = array.shape[3] if array.ndim == 4 else 1
    return canonical(array, image.affine, ((float(image.dataobj.slope), float(image.dataobj.inter)),) * times)


def _has_extent(affine: NDArray[np.float64]) -> bool:
    """Whether the three axes are finite and span space."""
    return bool(np.isfinite(affine).all()) and not np.isnan(nib.io_orientation(affine)).any() and abs(np.linalg.det(affine[:3, :3])) > 0


def print_of(volume: Canonical, *others: Canonical) -> Print:
    """The print of a volume. `others`: the same volume scaled in other ways that count as equally right."""
    array = volume.array
    times = range(array.shape[3])
    floats = array.dtype.kind == "f"
    ways = (volume, *others)
    return Print((array.shape[0], array.shape[1], array.shape[2]), volume.affine, ("",) * len(times) if floats else tuple(digest(array[..., t]) for t in times),
                 tuple(_range(array[..., t]) for t in times), tuple(tuple(way.scales[t] for way in ways) for t in times),
                 tuple(way.physical() for way in ways) if floats or not volume.one_scale else ())


def same_place(ours: Print, theirs: Print) -> bool:
    """Same size, and all eight corners within 0.05 mm or a tenth of a voxel; of a single slice only the direction of its thickness counts.

    The tenth: positions are written with few decimals, and one converter takes the step from two slices, the other from all.
    """
    return ours.shape == theirs.shape and bool(_apart(ours, theirs).max() <= _allowed(ours)) and _aligned(ours, theirs)


def same_place_but_rounded(ours: Print, theirs: Print) -> bool:
    """Same size and directions, one end in the same place and a step that differs by no more than positions in hundredths of a millimetre explain."""
    if ours.shape != theirs.shape or not _aligned(ours, theirs):
        return False
    steps = np.linalg.norm(ours.affine[:3, :3] - theirs.affine[:3, :3], axis=0)
    axis = int(steps.argmax())
    ends = np.moveaxis(_apart(ours, theirs), axis, 0)
    return bool(steps.max() <= ROUNDED_MM and ends.max(axis=(1, 2)).min() <= _allowed(ours))


def drift_steps(ours: Print, theirs: Print) -> float:
    """How far the farthest corners lie apart, in steps between slices (the axis whose steps differ most)."""
    steps = np.linalg.norm(ours.affine[:3, :3] - theirs.affine[:3, :3], axis=0)
    return float(_apart(ours, theirs).max() / np.linalg.norm(ours.affine[:3, int(steps.argmax())]))


def same_physical(ours: Print, theirs: Print) -> bool:
    """Floating-point volumes agree sample by sample, in one of the right ways of scaling."""
    return any(mine.shape == theirs.physical[0].shape and _close(mine, theirs.physical[0]) for mine in ours.physical)


def same_scale(ours: Print, t: int, theirs: Print, other_t: int) -> bool:
    """The same stored values mean the same physical ones at both ends of their range."""
    slope, intercept = theirs.scales[other_t][0]
    return any(all(_near(value * mine[0] + mine[1], value * slope + intercept, mine[0]) for value in theirs.ranges[other_t]) for mine in ours.scales[t])


def _apart(ours: Print, theirs: Print) -> NDArray[np.float64]:
    """(2, 2, 2) distance in mm between the corner voxels of two volumes of one size, the largest of its three components."""
    corners = np.stack(np.meshgrid(*[[0, n - 1] for n in ours.shape], indexing="ij"), axis=-1)
    return np.asarray(np.abs(apply_affine(ours.affine, corners) - apply_affine(theirs.affine, corners)).max(axis=-1))


def _allowed(ours: Print) -> float:
    return max(CORNER_MM, CORNER_VOXELS * float(np.linalg.norm(ours.affine[:3, :3], axis=0).min()))


def _aligned(ours: Print, theirs: Print) -> bool:
    return all(_parallel(ours.affine[:3, axis], theirs.affine[:3, axis]) for axis in range(3))


def _close(mine: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.abs(mine - other).max() <= FLOAT_SHARE * max(1e-30, float(np.abs(mine).max())))


def _near(mine: float, other: float, slope: float) -> bool:
    return abs(mine - other) <= SCALE_SHARE * max(1e-30, abs(mine), abs(slope))


def _range(volume: NDArray[Any]) -> tuple[float, float]:
    """Least and greatest stored value; colour is not scaled and has none."""
    return (0.0, 0.0) if volume.dtype.names else (float(volume.min()), float(volume.max()))


def digest(volume: NDArray[Any]) -> str:
    """Of integer or colour samples, the same whatever their type."""
    if volume.dtype.names:
        return blake2b(np.ascontiguousarray(volume).tobytes())
    return blake2b(np.ascontiguousarray(volume, dtype=np.int32 if volume.dtype.itemsize < 4 else np.int64).tobytes())


def _parallel(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return float(one @ other) > 0.9999 * float(np.linalg.norm(one) * np.linalg.norm(other))

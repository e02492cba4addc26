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

    @property
    def volumes(self) -> int:
        return int(self.array.shape[3])


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
    slope, intercept = float(image.dataobj.slope), float(image.dataobj.inter)
    return canonical(array, image.affine, slope, intercept)


def same_place(ours: Canonical, theirs: Canonical) -> bool:
    """Same size, and all eight corners within 0.05 mm; of a single slice only the direction of its thickness counts."""
    if ours.array.shape[:3] != theirs.array.shape[:3]:
        return False
    shape = np.array(ours.array.shape[:3])
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in shape], indexing="ij")).reshape(3, -1)
    off = np.abs(nib.affines.apply_affine(ours.affine, corners.T) - nib.affines.apply_affine(theirs.affine, corners.T))
    if off.max() > CORNER_MM:
        return False
    return all(_parallel(ours.affine[:3, axis], theirs.affine[:3, axis]) for axis in range(3) if shape[axis] == 1)


def same_scale(ours: Canonical, theirs: Canonical) -> bool:
    """Slope and intercept give the same physical value at both ends of the stored range."""
    for value in (float(theirs.array.min()), float(theirs.array.max())):
        mine, other = value * ours.slope + ours.intercept, value * theirs.slope + theirs.intercept
        if abs(mine - other) > SCALE_SHARE * max(1e-30, abs(mine), abs(ours.slope)):
            return False
    return True


def volume_order(ours: Canonical, theirs: Canonical) -> list[int] | None:
    """For each of their volumes the index of ours that holds exactly the same samples; None when one of theirs is nowhere in ours."""
    if ours.array.dtype.kind == "f" or theirs.array.dtype.kind == "f":
        return _order_of_floats(ours, theirs)
    digests: dict[str, list[int]] = {}
    for t in range(ours.volumes):
        digests.setdefault(_digest(ours.array[..., t]), []).append(t)
    order = []
    for t in range(theirs.volumes):
        found = digests.get(_digest(theirs.array[..., t]))
        if not found:
            return None
        order.append(found.pop(0) if len(found) > 1 else found[0])
    return order


def _order_of_floats(ours: Canonical, theirs: Canonical) -> list[int] | None:
    if ours.volumes != theirs.volumes:
        return None
    mine = ours.array.astype(np.float64) * ours.slope + ours.intercept
    other = theirs.array.astype(np.float64) * theirs.slope + theirs.intercept
    return list(range(ours.volumes)) if np.abs(mine - other).max() <= FLOAT_SHARE * max(1e-30, float(np.abs(mine).max())) else None


def _digest(volume: NDArray[Any]) -> str:
    return blake2b(np.ascontiguousarray(volume, dtype=np.int64).tobytes())


def _parallel(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return float(one @ other) > 0.9999 * float(np.linalg.norm(one) * np.linalg.norm(other))

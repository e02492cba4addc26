"""A grid says where the voxels of an array lie: shape and affine in, spacing, axis codes and the step between two grids out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput

Affine = NDArray[np.float64]
OFF_AXIS_VOXELS = 0.01
"""Two grids count as parallel when walking along one leaves the other's axis by less than this many voxels."""


@dataclass(frozen=True)
class Grid:
    """Shape (x, y, z) and the 4 x 4 affine from index to RAS millimetres, as nibabel has them.

    It is also the inverse of every step of this package: `resample_onto(result, affine, grid)` walks back to it.
    """

    shape: tuple[int, int, int]
    affine: Affine

    def __post_init__(self) -> None:
        affine = np.asarray(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise BadInput("the affine cannot be inverted", where=str(affine.tolist()), hint="set a spacing and an orientation for this image first")
        object.__setattr__(self, "affine", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Length of one step along each array axis."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def axcodes(self) -> str:
        """Where each array axis points, e.g. `RAS`."""
        return "".join(nib.aff2axcodes(self.affine))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres, shear included."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def to_json(self) -> dict[str, Any]:
        """What to store beside a converted image so that the way back is known."""
        return {"shape": list(self.shape), "affine": self.affine.tolist()}

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Grid:
        x, y, z = body["shape"]
        return cls((int(x), int(y), int(z)), np.array(body["affine"], dtype=np.float64))

    def with_spacing(self, spacing_mm: Sequence[float | None], *, align: str = "first-voxel") -> Grid:
        """The grid over the same field of view with another spacing; None keeps an axis.

        Shape is round(n * old / new), at least 1. `first-voxel` keeps the centre of the first voxel (SimpleITK, MONAI);
        `extent` centres the new grid in the old field of view (nnU-Net, skimage).
        """
        old = np.array(self.spacing_mm)
        new = np.array([mine if asked is None else asked for mine, asked in zip(self.spacing_mm, spacing_mm)], dtype=np.float64)
        if len(spacing_mm) != 3 or not np.isfinite(new).all() or (new <= 0).any():
            raise BadInput(f"spacing must be three positive numbers of millimetres, not {tuple(spacing_mm)}")
        shape = tuple(max(1, round(n * a / b)) for n, a, b in zip(self.shape, old, new))
        affine = self.affine.copy()
        affine[:3, :3] *= new / old
        if align == "extent":
            shift = ((np.array(self.shape) - 1) - (np.array(shape) - 1) * new / old) / 2
            affine[:3, 3] = self.affine[:3, 3] + self.affine[:3, :3] @ shift
        elif align != "first-voxel":
            raise BadInput(f"no alignment named {align!r}", hint="one of: first-voxel, extent")
        return Grid((shape[0], shape[1], shape[2]), affine)

    def reoriented(self, axcodes: str) -> Grid:
        """The same voxels with axes permuted and flipped to point as `axcodes` says."""
        wanted = _axcodes(axcodes)
        step = nib.orientations.ornt_transform(nib.io_orientation(self.affine), nib.orientations.axcodes2ornt(wanted))
        affine = self.affine @ nib.orientations.inv_ornt_aff(step, self.shape)
        shape = tuple(self.shape[int(axis)] for axis in np.argsort(step[:, 0]))
        return Grid((shape[0], shape[1], shape[2]), affine)


@dataclass(frozen=True, slots=True)
class AxisStep:
    """Index k along a target axis lies at `start + step * k` along `source_axis`."""

    source_axis: int
    start: float
    step: float


def axis_steps(source: Grid, target: Grid) -> tuple[AxisStep, AxisStep, AxisStep] | None:
    """How each target axis walks through the source array, or None when the grids are oblique to each other."""
    step = np.linalg.inv(source.affine) @ target.affine
    linear = step[:3, :3]
    axes = [int(np.argmax(np.abs(linear[:, k]))) for k in range(3)]
    if len(set(axes)) != 3:
        return None
    along = np.zeros((3, 3))
    along[axes, range(3)] = linear[axes, range(3)]
    drift = np.abs(linear - along) * (np.array(target.shape) - 1)
    if drift.max() > OFF_AXIS_VOXELS:
        return None
    first, second, third = (AxisStep(axis, _tidy(step[axis, 3]), _tidy(linear[axis, k])) for k, axis in enumerate(axes))
    return first, second, third


def _tidy(value: float) -> float:
    nearest = round(value)
    return float(nearest) if abs(value - nearest) < 1e-6 else float(value)


def _axcodes(text: str) -> tuple[str, str, str]:
    axes = ["RL", "AP", "SI"]
    if len(text) != 3 or any(sum(letter in axis for letter in text) != 1 for axis in axes):
        raise BadInput(f"{text!r} is not an orientation", hint="three letters, one of R/L, one of A/P, one of S/I, e.g. RAS")
    return text[0], text[1], text[2]

"""A volume plan becomes a volume: samples in nibabel's order, affine in RAS mm, physical values by slope and intercept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.frames import Frame
from isocenter.harmonize.dicom.pixels import Samples, stored_samples
from isocenter.harmonize.dicom.series import VolumePlan

RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
COLOURS = ("RGB", "YBR")
NO_VOLUME = {"sm": "a whole-slide image is read by tiles, not stored as a volume", "sr": "a report holds no image"}


@dataclass(frozen=True, slots=True)
class Volume:
    """array: (x, y, z[, t]) stored values, or physical ones as float32 where slices of one volume are scaled differently.

    Colour volumes (maps of directions) have the structured samples of NIfTI's RGB24.
    affine: (4, 4) float64 → RAS mm; None for a picture without place. scales: (slope, intercept) of each time point, from the
    array's values to physical ones; one for all frames of a picture. A picture is (x, y, 1[, frames[, 3]]).
    """

    array: Samples
    affine: NDArray[np.float64] | None
    scales: tuple[tuple[float, float], ...]
    issues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Declined:
    """Why no volume was made."""

    reason: str


def build_volume(plan: VolumePlan, *, way: int = 0) -> Volume | Declined:
    """The volume of a plan, every frame decoded; Declined when the plan is, when pixels do not decode or sizes contradict.

    way: which of several scales that the file tells, by its place in `Frame.scales`; the last where there are fewer.
    """
    if plan.declined is not None:
        return Declined(plan.declined)
    if not plan.frames:
        return Declined(NO_VOLUME.get(plan.kind, f"a DICOM object of kind {plan.kind} holds no image"))
    try:
        return _picture(plan) if plan.grid is None else _stack(plan, way)
    except Unreadable as error:
        return Declined(f"{Path(error.where or '').name}: {error.what}" if error.where else error.what)


def _picture(plan: VolumePlan) -> Volume:
    samples = stored_samples(plan.frames[0].path, as_picture=True)
    array = np.moveaxis(samples, 0, 2).swapaxes(0, 1)[:, :, None]
    frame = plan.frames[0]
    return Volume(array[:, :, :, 0] if array.ndim == 4 and array.shape[3] == 1 else array, None, ((frame.slope, frame.intercept),), plan.issues)


def _stack(plan: VolumePlan, way: int) -> Volume:
    assert plan.grid is not None
    frames, grid = plan.frames, plan.grid
    if not str(frames[0].pixel_form[1]).startswith(("MONOCHROME", *COLOURS)):
        raise Unreadable(f"a volume of {frames[0].pixel_form[1]} pixels")
    scale = [frame.scales()[min(way, len(frame.scales()) - 1)] for frame in frames]
    scales = [{scale[members[t]] for members in grid.slices} for t in range(plan.times)]
    varied = any(len(found) > 1 for found in scales)
    array: Samples | None = None
    place = {index: (z, t) for z, members in enumerate(grid.slices) for t, index in enumerate(members)}
    by_file: dict[Path, list[int]] = {}
    for index, frame in enumerate(frames):
        by_file.setdefault(frame.path, []).append(index)
    for path, indices in by_file.items():
        samples = stored_samples(path, as_picture=False)
        for index in indices:
            plane = _plane(samples, frames[index])
            if array is None:
                shape = (frames[index].columns, frames[index].rows, len(grid.slices), plan.times)
                array = np.zeros(shape, np.float32 if varied else plane.dtype)
            z, t = place[index]
            array[:, :, z, t] = (_physical(plane, scale[index]) if varied else plane).T
    assert array is not None
    known = ((1.0, 0.0),) * plan.times if varied else tuple(next(iter(found)) for found in scales)
    return Volume(array[..., 0] if plan.times == 1 else array, grid.affine, known, plan.issues)


def _physical(plane: Samples, scale: tuple[float, float]) -> Samples:
    return plane * np.float64(scale[0]) + scale[1]


def _plane(samples: Samples, frame: Frame) -> Samples:
    """(rows, columns) of one frame; raises Unreadable when the pixels are not of the announced size."""
    if frame.index >= len(samples):
        raise Unreadable("pixel data hold fewer frames than announced", where=str(frame.path))
    plane = samples[frame.index]
    if plane.ndim == 3:
        plane = _coloured(plane, frame)
    if frame.tile is not None:
        top, left = frame.tile
        plane = plane[top : top + frame.rows, left : left + frame.columns]
    if plane.shape != (frame.rows, frame.columns):
        raise Unreadable(f"pixels are {plane.shape[0]}×{plane.shape[1]}, announced {frame.rows}×{frame.columns}", where=str(frame.path))
    return plane


def _coloured(plane: Samples, frame: Frame) -> Samples:
    """(rows, columns) of RGB triples from (rows, columns, 3) bytes."""
    if plane.shape[2] != len(RGB.names or ()) or plane.dtype != np.uint8:
        raise Unreadable(f"colour of {plane.shape[2]} channels of {plane.dtype}", where=str(frame.path))
    return np.ascontiguousarray(plane).view(RGB)[..., 0]

"""A plan and dcm2niix's files in, what refutes them out: places of frames that a conversion cannot have put where it has put them.

A conversion that disagrees may be right. It is refuted only by what no reading of the positions allows: time points of one slice
that state different places, more slices than there are places, or an affine without extent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import nibabel as nib
import numpy as np

from isocenter.harmonize.dicom.order import is_proven
from isocenter.harmonize.dicom.series import SAME_DIRECTION, VolumePlan
from isocenter.harmonize.dicom.verify import Canonical, digest, load_canonical

SAME_DEPTH_MM = 0.05


def is_certain(plan: VolumePlan) -> bool:
    """Whether the headers alone tell this volume: every frame states its own place, there are several, and their order in time is proven."""
    if plan.grid is None or len(plan.grid.slices) < 2 or any(frame.tile is not None for frame in plan.frames):
        return False
    return is_proven(plan.frames, plan.grid)


def refutation(plan: VolumePlan, own: Canonical, opinions: Iterable[Path], among: Sequence[VolumePlan]) -> str | None:
    """What is impossible in every file that holds samples of this plan, as a clause; None when one may be right.

    own: the plan's volume. among: the plans whose files the conversion saw; their frames count as places too.
    """
    assert plan.grid is not None
    if own.array.dtype.kind == "f":
        return None
    axis = int(nib.io_orientation(plan.grid.affine)[2, 0])
    places, found = _places(plan, among), None
    where: dict[str, set[int]] = defaultdict(set)
    for place, planes in enumerate(_planes(own, axis)):
        for plane in planes:
            where[plane].add(place)
    for path in opinions:
        other = load_canonical(path)
        if other is None:
            found = "a volume without extent"
            continue
        held = [stated for planes in _planes(other, axis) if (stated := [where[plane] for plane in planes if plane in where])]
        if not held:
            continue
        if other.array.shape[axis] > places:
            found = f"{other.array.shape[axis]} slices, where the series has {places} places"
        elif any(not set.intersection(*stated) for stated in held):
            found = "frames of several places in one slice"
        else:
            return None
    return found


def _planes(volume: Canonical, axis: int) -> list[list[str]]:
    """For every place along the axis the digests of its planes, one per time point."""
    return [[digest(planes[..., t]) for t in range(planes.shape[-1])] for planes in np.moveaxis(volume.array, axis, 0)]


def _places(plan: VolumePlan, among: Sequence[VolumePlan]) -> int:
    """How many places along the plan's normal the frames of all plans in its direction have."""
    first = np.array(plan.frames[0].orientation)
    normal = np.cross(first[:3], first[3:])
    depths = sorted(float(np.array(frame.position) @ normal) for other in among for frame in other.frames
                    if frame.position is not None and frame.orientation is not None and np.abs(np.array(frame.orientation) - first).max() < SAME_DIRECTION)
    return 1 + sum(after - before > SAME_DEPTH_MM for before, after in pairwise(depths))

"""RTSTRUCT: regions drawn as contours become masks on the grid of the image that they were drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.fallback import read_dataset, translated
from isocenter.harmonize.dicom.rasterize import fill

BETWEEN_SLICES = 0.5
OFF_PLANE = 0.1
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")


@dataclass(frozen=True, slots=True)
class Structure:
    """One region of interest. contours: closed ones, each (n, 3) float64 in LPS mm as published. open: how many were not closed."""

    number: int
    name: str
    contours: tuple[NDArray[np.float64], ...]
    open: int = 0


@dataclass(frozen=True, slots=True)
class Structures:
    """A structure set and the series that it says it was drawn on (None: it does not say)."""

    referenced_series: str | None
    structures: tuple[Structure, ...]


def read_structures(path: Path, *, headless: bool = False) -> Structures:
    """The regions of an RTSTRUCT file. `headless`: a missing DICOM file header is allowed. Raises Unreadable with the cause."""
    with translated(path):
        return _read(read_dataset(path, headless=headless), path)


def _read(dataset: Any, path: Path) -> Structures:
    names = {int(item.ROINumber): str(item.get("ROIName") or item.ROINumber) for item in dataset.get("StructureSetROISequence") or []}
    if not names:
        raise Unreadable("a structure set without regions", where=str(path))
    drawn = {int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or []}
    return Structures(_series(dataset), tuple(_structure(number, name, drawn.get(number), path) for number, name in names.items()))


def structure_mask(structure: Structure, affine: NDArray[np.float64], shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """(x, y, z) uint8 mask on a grid whose affine maps indices to RAS mm, and remarks on contours that it could not take.

    Several contours of one plane are combined by exclusive or (a hole is a contour inside another); a keyhole is one contour.
    """
    mask = np.zeros(shape, np.uint8)
    inverse = np.linalg.inv(affine)
    planes: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    lost = tilted = 0
    for contour in structure.contours:
        indices = (contour * [-1.0, -1.0, 1.0]) @ inverse[:3, :3].T + inverse[:3, 3]
        axis = int(np.argmin(np.ptp(indices, axis=0)))
        place = float(indices[:, axis].mean())
        if np.ptp(indices[:, axis]) > OFF_PLANE * 2:
            tilted += 1
        elif not -BETWEEN_SLICES <= place <= shape[axis] - 1 + BETWEEN_SLICES:
            lost += 1
        else:
            planes.setdefault((axis, round(min(max(place, 0), shape[axis] - 1))), []).append(np.delete(indices, axis, axis=1))
    for (axis, place), contours in planes.items():
        sides = tuple(size for number, size in enumerate(shape) if number != axis)
        view = np.moveaxis(mask, axis, 0)[place]
        view |= fill(contours, (sides[0], sides[1])).astype(np.uint8)
    remarks = [f"{count} contours {what}" for count, what in ((lost, "lie outside the image"), (tilted, "are not parallel to a plane of the image"), (structure.open, "are not closed")) if count]
    return mask, tuple(remarks)


def _series(dataset: Any) -> str | None:
    for frame in dataset.get("ReferencedFrameOfReferenceSequence") or []:
        for study in frame.get("RTReferencedStudySequence") or []:
            for series in study.get("RTReferencedSeriesSequence") or []:
                return str(series.get("SeriesInstanceUID") or "") or None
    return None


def _structure(number: int, name: str, item: Any, path: Path) -> Structure:
    contours, not_closed = [], 0
    for contour in (item.get("ContourSequence") or []) if item is not None else []:
        points = np.array([float(value) for value in contour.get("ContourData") or []])
        if len(points) % 3:
            raise Unreadable(f"a contour of {name!r} has {len(points)} coordinates", where=str(path))
        if contour.get("ContourGeometricType") in CLOSED and len(points) >= 9:
            contours.append(points.reshape(-1, 3))
        else:
            not_closed += 1
    return Structure(number, name, tuple(contours), not_closed)

"""DICOM SEG: binary, fractional and label-map segmentations become one mask per segment, on their own grid or on that of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.fallback import read_dataset, translated
from isocenter.harmonize.dicom.frames import Frame
from isocenter.harmonize.dicom.geometry import LPS_TO_RAS, Grid, grid_of
from isocenter.harmonize.dicom.pixels import stored_samples

Mask = NDArray[Any]
OFF_GRID_VOXELS = 0.05


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its published label, what it is (code, scheme, meaning), and the numbers of its frames."""

    number: int
    label: str
    code: tuple[str, str, str] | None
    machine_made: bool
    frames: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """A SEG file. frames: where each frame lies. values: (frames, rows, columns) as stored. scale: of fractional values, else None.

    referenced_series: the series it was drawn on; None when it does not say. tiled: (columns, rows) of a slide's whole matrix.
    """

    path: Path
    form: str
    segments: tuple[Segment, ...]
    frames: tuple[Frame, ...]
    values: NDArray[Any]
    scale: float | None
    referenced_series: str | None
    corners: tuple[tuple[int, int], ...] = ()
    tiled: tuple[int, int] | None = None


def read_segmentation(path: Path) -> Segmentation:
    """A segmentation with its frames decoded. Raises Unreadable with the cause."""
    with translated(path):
        return _read(path)


def _read(path: Path) -> Segmentation:
    dataset = read_dataset(path)
    values = stored_samples(path, as_picture=False)
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    groups = list(dataset.get("PerFrameFunctionalGroupsSequence") or [None] * len(values))
    if len(groups) != len(values):
        raise Unreadable(f"{len(values)} frames but {len(groups)} per-frame descriptions", where=str(path))
    form = str(dataset.get("SegmentationType") or "")
    if form not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise Unreadable(f"segmentation type {form or 'not told'}", where=str(path))
    owner = [_segment_number(group, shared) for group in groups]
    frames = tuple(_frame(index, group, shared, dataset, path) for index, group in enumerate(groups))
    segments = tuple(_segment(item, form, owner) for item in dataset.get("SegmentSequence") or [])
    found = Segmentation(path, form, segments, frames, values, float(dataset.get("MaximumFractionalValue") or 255) if form == "FRACTIONAL" else None, _series(dataset))
    if "TotalPixelMatrixColumns" in dataset:
        return _tiled(found, dataset, groups)
    return found


def segment_mask(segmentation: Segmentation, segment: Segment, affine: NDArray[np.float64] | None = None,
                 shape: tuple[int, int, int] | None = None) -> tuple[Mask, NDArray[np.float64] | None]:
    """(x, y, z) mask of one segment and its affine (RAS mm; None when the frames have no place in a patient).

    uint8 0/1, or float32 0…1 of a fractional one. With `affine` and `shape` of the referenced image the mask is put onto that
    grid, frame by frame; Unreadable when a frame does not coincide with its voxels (nothing is resampled).
    """
    with translated(segmentation.path):
        return _mask(segmentation, segment, affine, shape)


def _mask(segmentation: Segmentation, segment: Segment, affine: NDArray[np.float64] | None, shape: tuple[int, int, int] | None) -> tuple[Mask, NDArray[np.float64] | None]:
    planes = [_plane(segmentation, segment, index) for index in segment.frames]
    kind = np.float32 if segmentation.scale else np.uint8
    if segmentation.tiled is not None:
        return _slide(segmentation, segment, planes, kind), None
    placed = [segmentation.frames[index] for index in segment.frames]
    if affine is not None and shape is not None:
        mask = np.zeros(shape, kind)
        for frame, plane in zip(placed, planes):
            _put(mask, affine, frame, plane)
        return mask, affine
    return _own_grid(segmentation, placed, planes, kind)


def _own_grid(segmentation: Segmentation, placed: list[Frame], planes: list[Mask], kind: type) -> tuple[Mask, NDArray[np.float64] | None]:
    first = segmentation.frames[0]
    if first.position is None or first.orientation is None:
        return np.stack([plane.T for plane in planes], axis=2).astype(kind) if planes else np.zeros((first.columns, first.rows, 1), kind), None
    grid = grid_of(list(segmentation.frames))
    if not isinstance(grid, Grid):
        grid = _on_even_places(segmentation)
    mask: Mask = np.zeros((first.columns, first.rows, len(grid.slices)), kind)
    for frame, plane in zip(placed, planes):
        _put(mask, grid.affine, frame, plane)
    return mask, grid.affine


def _on_even_places(segmentation: Segmentation) -> Grid:
    """Empty slices are often not stored: the places lie on a lattice with gaps. Raises Unreadable when they do not."""
    first = segmentation.frames[0]
    assert first.position is not None
    assert first.orientation is not None
    normal = np.cross(first.orientation[:3], first.orientation[3:])
    step = first.gap_mm or first.thickness_mm
    depths = np.array([np.array(frame.position) @ normal for frame in segmentation.frames])
    if not step or np.abs((depths - depths.min()) / step - np.round((depths - depths.min()) / step)).max() > OFF_GRID_VOXELS:
        raise Unreadable("the frames lie on no even grid; give the referenced image", where=str(segmentation.path))
    count = round(float(np.ptp(depths)) / step) + 1
    lowest = np.array(segmentation.frames[int(np.argmin(depths))].position)
    places = [replace(first, position=tuple(float(part) for part in lowest + k * step * normal)) for k in range(count)]
    grid = grid_of(places)
    assert isinstance(grid, Grid)
    return grid


def _put(mask: Mask, affine: NDArray[np.float64], frame: Frame, plane: Mask) -> None:
    """Write a frame's samples where its pixels coincide with voxels of the grid."""
    if frame.position is None or frame.orientation is None or frame.spacing_mm is None:
        raise Unreadable("a segmentation frame without position", where=str(frame.path))
    own = np.eye(4)
    own[:3, 0], own[:3, 1] = np.array(frame.orientation[:3]) * frame.spacing_mm[1], np.array(frame.orientation[3:]) * frame.spacing_mm[0]
    own[:3, 3] = frame.position
    step = np.linalg.inv(affine) @ LPS_TO_RAS @ own
    corners = np.array([[0, 0, 0, 1], [frame.columns - 1, 0, 0, 1], [0, frame.rows - 1, 0, 1]]) @ step.T
    if np.abs(corners - np.round(corners)).max() > OFF_GRID_VOXELS or np.abs(step[:3, :2] - np.round(step[:3, :2])).max() > OFF_GRID_VOXELS:
        raise Unreadable("a segmentation frame does not coincide with the voxels of the image", where=str(frame.path))
    along_x, along_y, origin = (np.round(vector).astype(int) for vector in (step[:3, 0], step[:3, 1], step[:3, 3]))
    columns, rows = np.meshgrid(np.arange(frame.columns), np.arange(frame.rows))
    index = origin[:, None, None] + along_x[:, None, None] * columns + along_y[:, None, None] * rows
    inside = np.logical_and.reduce([(index[axis] >= 0) & (index[axis] < mask.shape[axis]) for axis in range(3)])
    if not inside[plane > 0].all():
        raise Unreadable("a segmentation frame reaches outside the image", where=str(frame.path))
    target = tuple(index[axis][inside] for axis in range(3))
    mask[target] = np.maximum(mask[target], plane[inside])


def _plane(segmentation: Segmentation, segment: Segment, index: int) -> Mask:
    stored = segmentation.values[index]
    if segmentation.form == "LABELMAP":
        return (stored == segment.number).astype(np.uint8)
    return (stored / segmentation.scale).astype(np.float32) if segmentation.scale else (stored > 0).astype(np.uint8)


def _slide(segmentation: Segmentation, segment: Segment, planes: list[Mask], kind: type) -> Mask:
    """(x, y, 1): the tiles of a slide at their places in its whole matrix."""
    assert segmentation.tiled is not None
    columns, rows = segmentation.tiled
    mask: Mask = np.zeros((columns, rows, 1), kind)
    for index, plane in zip(segment.frames, planes):
        left, top = segmentation.corners[index]
        part = mask[left : left + plane.shape[1], top : top + plane.shape[0], 0]
        np.maximum(part, plane.T[: part.shape[0], : part.shape[1]], out=part)
    return mask


def _tiled(found: Segmentation, dataset: Any, groups: list[Any]) -> Segmentation:
    """Tile corners from the frames' slide positions, or by row-major order where the object says that it is tiled fully."""
    columns, rows = int(dataset.TotalPixelMatrixColumns), int(dataset.TotalPixelMatrixRows)
    width, height = int(dataset.Columns), int(dataset.Rows)
    across = -(-columns // width)
    per_segment = across * -(-rows // height)
    corners, owners = [], []
    for index, group in enumerate(groups):
        slide = (group.get("PlanePositionSlideSequence") or [None])[0] if group is not None else None
        if slide is not None:
            corners.append((int(slide.ColumnPositionInTotalImagePixelMatrix) - 1, int(slide.RowPositionInTotalImagePixelMatrix) - 1))
        else:
            owner, place = divmod(index, per_segment)
            owners.append(owner)
            corners.append((place % across * width, place // across * height))
    segments = found.segments
    if owners and found.form != "LABELMAP":
        segments = tuple(replace(segment, frames=tuple(index for index, owner in enumerate(owners) if owner == number)) for number, segment in enumerate(segments))
    return replace(found, segments=segments, corners=tuple(corners), tiled=(columns, rows))


def _frame(index: int, group: Any, shared: Any, dataset: Any, path: Path) -> Frame:
    def find(sequence: str, keyword: str) -> Any:
        for source in (group, shared):
            item = (source.get(sequence) or [None])[0] if source is not None else None
            if item is not None and item.get(keyword) is not None:
                return item.get(keyword)
        return None

    def numbers(value: Any) -> tuple[float, ...] | None:
        return None if value is None else tuple(float(part) for part in value)

    return Frame(path, index, int(dataset.Rows), int(dataset.Columns), numbers(find("PlanePositionSequence", "ImagePositionPatient")),
                 numbers(find("PlaneOrientationSequence", "ImageOrientationPatient")), numbers(find("PixelMeasuresSequence", "PixelSpacing")),
                 _number(find("PixelMeasuresSequence", "SliceThickness")), 1.0, 0.0, None, None, "", True, 0, (float(index),), (),
                 gap_mm=_number(find("PixelMeasuresSequence", "SpacingBetweenSlices")))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _segment_number(group: Any, shared: Any) -> int | None:
    for source in (group, shared):
        item = (source.get("SegmentIdentificationSequence") or [None])[0] if source is not None else None
        if item is not None:
            return int(item.ReferencedSegmentNumber)
    return None


def _segment(item: Any, form: str, owner: list[int | None]) -> Segment:
    number = int(item.SegmentNumber)
    code = (item.get("SegmentedPropertyTypeCodeSequence") or [None])[0]
    frames = range(len(owner)) if form == "LABELMAP" else [index for index, one in enumerate(owner) if one == number]
    named = None if code is None else (str(code.get("CodeValue") or ""), str(code.get("CodingSchemeDesignator") or ""), str(code.get("CodeMeaning") or ""))
    return Segment(number, str(item.get("SegmentLabel") or number), named, item.get("SegmentAlgorithmType") in ("AUTOMATIC", "SEMIAUTOMATIC"), tuple(frames))


def _series(dataset: Any) -> str | None:
    for series in dataset.get("ReferencedSeriesSequence") or []:
        return str(series.get("SeriesInstanceUID") or "") or None
    return None

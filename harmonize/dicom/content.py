"""What a DICOM object that is no volume holds: a report's title and measurements, a slide level's size and tiles, annotation counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.fallback import read_dataset, translated
from isocenter.harmonize.dicom.pixels import Samples, stored_samples

TOLD = {"NUM": "measurements", "TEXT": "texts", "CODE": "codes", "IMAGE": "images", "SCOORD": "regions", "SCOORD3D": "regions"}
"""Value types of a structured report (PS3.3 C.17.3.2.1) that are worth a count."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One level of a whole slide. shape: (columns, rows) of the whole level; tile: of one frame; flavour: VOLUME, LABEL, THUMBNAIL, OVERVIEW."""

    shape: tuple[int, int]
    tile: tuple[int, int]
    frames: int
    spacing_mm: tuple[float, float] | None
    flavour: str

    def __str__(self) -> str:
        return f"{self.flavour.lower()} of {self.shape[0]} × {self.shape[1]} in {self.frames} tiles of {self.tile[0]} × {self.tile[1]}"


def told_by(path: Path, kind: str) -> str | None:
    """One line on a structured report (`sr`) or a file of slide annotations (`annotations`); None for other kinds. Raises Unreadable."""
    if kind not in ("sr", "annotations"):
        return None
    with translated(path):
        dataset = read_dataset(path)
        return _report(dataset) if kind == "sr" else _annotations(dataset)


def slide_of(path: Path) -> Slide:
    """Size, tiles and pixel spacing of a slide file, from its header. Raises Unreadable."""
    with translated(path):
        dataset = read_dataset(path)
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
        measures = (shared.get("PixelMeasuresSequence") or [None])[0] if shared is not None else None
        spacing = measures.get("PixelSpacing") if measures is not None else None
        tile = (int(dataset.Columns), int(dataset.Rows))
        kinds = [str(part) for part in dataset.get("ImageType") or []]
        return Slide((int(dataset.get("TotalPixelMatrixColumns") or tile[0]), int(dataset.get("TotalPixelMatrixRows") or tile[1])), tile,
                     int(dataset.get("NumberOfFrames") or 1), (float(spacing[1]), float(spacing[0])) if spacing else None, kinds[2] if len(kinds) > 2 else "slide")


def slide_picture(path: Path, longest: int = 1024) -> Samples:
    """The level as one picture (rows, columns[, 3]), every n-th pixel so that no side is longer than `longest`.

    Tiles lie where their positions say (TILED_SPARSE), else row by row (TILED_FULL, PS3.3 C.7.6.17.3). Raises Unreadable.
    """
    slide, tiles = slide_of(path), stored_samples(path, as_picture=True)
    step = max(1, -(-max(slide.shape) // longest))
    width, height = slide.shape
    picture = np.full((-(-height // step), -(-width // step), *tiles.shape[3:]), 255 if tiles.ndim == 4 else 0, tiles.dtype)
    for tile, (top, left) in zip(tiles, _corners(path, slide)):
        first_row, first_column = -top % step, -left % step
        piece = tile[first_row : height - top : step, first_column : width - left : step]
        row, column = (top + first_row) // step, (left + first_column) // step
        picture[row : row + piece.shape[0], column : column + piece.shape[1]] = piece
    return picture


def _corners(path: Path, slide: Slide) -> list[tuple[int, int]]:
    """(row, column) of the first pixel of every tile, counted from 0."""
    with translated(path):
        groups = read_dataset(path).get("PerFrameFunctionalGroupsSequence") or []
        places = [group.get("PlanePositionSlideSequence") for group in groups]
        if len(places) == slide.frames and all(places):
            return [(int(place[0].RowPositionInTotalImagePixelMatrix) - 1, int(place[0].ColumnPositionInTotalImagePixelMatrix) - 1) for place in places]
    across = -(-slide.shape[0] // slide.tile[0])
    if slide.frames > across * -(-slide.shape[1] // slide.tile[1]):
        raise Unreadable("a slide of several focal planes or optical paths without positions", where=str(path))
    return [(number // across * slide.tile[1], number % across * slide.tile[0]) for number in range(slide.frames)]


def _report(dataset: Any) -> str:
    title = str((dataset.get("ConceptNameCodeSequence") or [{}])[0].get("CodeMeaning") or "untitled report")
    counts = Counter(TOLD[kind] for kind in _kinds(dataset) if kind in TOLD)
    state = str(dataset.get("CompletionFlag") or "").lower()
    return f"{title}: " + (", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "no content") + (f" ({state})" if state else "")


def _kinds(item: Any) -> list[str]:
    """Value types of all content items below an item."""
    below = list(item.get("ContentSequence") or [])
    return [str(one.get("ValueType") or "") for one in below] + [kind for one in below for kind in _kinds(one)]


def _annotations(dataset: Any) -> str:
    groups = list(dataset.get("AnnotationGroupSequence") or [])
    total = sum(int(group.get("NumberOfAnnotations") or 0) for group in groups)
    names = ", ".join(dict.fromkeys(str(group.get("AnnotationGroupLabel") or "unnamed") for group in groups))
    return f"{total} annotations in {len(groups)} groups: {names}"

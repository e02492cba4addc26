"""Open a mask file: a path and how its values are written go in, an array of integers in the place of its image comes out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import Pixels, load_pixels, simplest
from isocenter.harmonize.layout_rules import MaskRule

MASK_KEYS = ("colours", "inverted", "mirrored")
RUNS = '"runs"'
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def how_written(rule: MaskRule) -> dict[str, Any]:
    """What of a rule must be known to open its masks; it travels in the `geometry` of the annotation."""
    return {key: value for key in MASK_KEYS if (value := getattr(rule, key))}


def open_mask(path: Path, format_: str, geometry: str | None = None) -> Pixels:
    """Values as integers, (rows, columns) for pictures and (x, y, z) for volumes; colours as 0xrrggbb, inverted masks as 0 and 1.

    geometry: JSON of the annotation, which may hold `colours`, `inverted` and `mirrored`. Raises Unreadable.
    """
    how: Mapping[str, Any] = json.loads(geometry) if geometry else {}
    array = simplest(load_pixels(path, format_))
    if how.get("colours"):
        array = _packed(array, path)
    if how.get("inverted"):
        array = (array == 0).astype(np.uint8)
    picture = array.ndim == 2
    for axis in how.get("mirrored", ""):
        array = np.flip(array, ("yx" if picture else "xyz").index(axis))
    return array


def in_runs(row: Mapping[str, Any]) -> bool:
    """Whether an annotation row holds its mask itself, as run lengths."""
    return row["uri"] is None and RUNS in (row["geometry"] or "")


def runs_of_row(row: Mapping[str, Any], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The mask (rows, columns) of such a row; shape: (columns, rows) of its picture."""
    runs = json.loads(row["geometry"])
    return runs_mask(runs["runs"], runs["form"], shape)


def drawn_voxels(geometry: str | None) -> int | None:
    """Voxels that were drawn of a DICOM mask, on the grid of its image as published; None where nobody counted."""
    how = json.loads(geometry) if geometry else {}
    written = how.get("written", geometry)                    # a mask in another geometry keeps what was known of the published one
    voxels = (json.loads(written) if written else {}).get("voxels")
    return None if voxels is None else int(voxels)


def runs_mask(text: str, form: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Run lengths as a mask (rows, columns) of 0 and 1; shape is (columns, rows), as in the sample table. Pixels go down the columns.

    Source of `columns`: the submission format of Kaggle's segmentation contests; of `gaps`: the SIIM-ACR contest (starts relative to the run before).
    Raises Unreadable when the runs do not fit the picture.
    """
    numbers = np.array(text.split(), dtype=np.int64)
    if len(numbers) % 2:
        raise Unreadable("run lengths come in pairs of start and length")
    starts, lengths = numbers[::2], numbers[1::2]
    if form == "gaps":
        ends = np.cumsum(starts + lengths)
        starts = ends - lengths
    else:
        starts = starts - 1
    flat = np.zeros(shape[0] * shape[1], np.uint8)
    if len(starts) and (starts.min() < 0 or (starts + lengths).max() > flat.size):
        raise Unreadable(f"run lengths reach beyond a picture of {shape[0]} x {shape[1]}")
    for start, length in zip(starts, lengths):
        flat[start:start + length] = 1
    return flat.reshape(shape).T


def runs_text(mask: NDArray[Any]) -> str:
    """Run lengths in the form `columns` of what is not 0 in a mask (rows, columns); empty where all is."""
    flat = np.concatenate([[False], mask.ravel(order="F") != 0, [False]])
    borders = np.flatnonzero(flat[1:] != flat[:-1])
    return " ".join(f"{start + 1} {end - start}" for start, end in zip(borders[::2].tolist(), borders[1::2].tolist()))


def value_of(raw: str) -> int | None:
    """The number that a raw value of a label map has in an opened mask; None for names."""
    if COLOUR.fullmatch(raw):
        return int(raw[1:], 16)
    return int(raw) if raw.lstrip("-").isdigit() else None


def raw_of(value: int, colours: bool) -> str:
    """The raw value of a label map for a number of an opened mask."""
    return f"#{value:06x}" if colours else str(value)


def _packed(array: Pixels, path: Path) -> Pixels:
    """Colours as one number; a picture whose channels agree is grey."""
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=-1)
    if array.ndim != 3 or array.shape[-1] < 3 or array.dtype.itemsize > 1:
        raise Unreadable("not a picture of colours with 8 bits", where=str(path))
    return array[..., 0].astype(np.int64) << 16 | array[..., 1].astype(np.int64) << 8 | array[..., 2]

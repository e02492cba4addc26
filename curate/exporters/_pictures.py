"""What several exporters need of a picture: whether it is one, its name, and its bytes and its label in a form that every loader reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._labels import Paint, painted
from isocenter.harmonize.image import Pixels, recognize

PLAIN = {"png": "png", "jpeg": "jpg"}
DEEPEST = 65535
X_FIRST = ("nifti", "nrrd", "metaimage", "matlab")


def picture_only(item: Item) -> str | None:
    """Why a sample is no single picture; None when it is one."""
    shape = item.row["shape"] or []
    if item.part is not None:
        return "is a part of a sample (try --to parquet)"
    flat = shape[:2] if item.row["format"] == "dicom" and list(shape[2:]) == [1] else shape
    if len(item.files) > 1 or len(flat) != 2 or (item.row["frames"] or 1) > 1:
        return f"is no single picture ({item.row['format']}, {'×'.join(map(str, shape)) or 'shape not known'})"
    return None


def picture_bytes(item: Item, out: Target) -> bytes:
    """PNG and JPEG as published; other pictures as PNG with their own bit depth, which is noted. Raises Unreadable."""
    path = item.files[0][0]
    if not item.member and recognize(path) in PLAIN:
        return path.read_bytes()
    data = png(rows_first(item), path)
    out.note(item, "changed", f"written as PNG ({item.row['format']} as published)", 1, "file")
    return data


def write_label(item: Item, paint: Paint, out: Target, name: str) -> str:
    """The painted label of a picture as PNG of its size."""
    def make(draft: Path) -> None:
        draft.write_bytes(png(painted(item, paint, size_of(item)[::-1], out, "pixel"), item.files[0][0]))

    return out.write(name, make)


def rows_first(item: Item) -> Pixels:
    """Pixels as (rows, columns[, colours]), also of formats that store x first. Raises Unreadable."""
    array = item.pixels()
    return array.swapaxes(0, 1) if item.row["format"] in X_FIRST else array


def suffix_of(item: Item) -> str:
    """png or jpg, as `picture_bytes` will write it. Raises Unreadable when the file is empty or gone."""
    try:
        return "png" if item.member else PLAIN.get(recognize(item.files[0][0]) or "", "png")
    except OSError as error:
        raise Unreadable("the file is not there any more", where=str(item.files[0][0])) from error


def png(array: Pixels, path: Path) -> bytes:
    """A PNG that decodes to the same values; signed grey values are shifted to start at 0. Raises Unreadable when 16 bits do not hold them."""
    plain = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    if plain.ndim not in (2, 3) or (plain.ndim == 3 and plain.shape[-1] not in (3, 4)):
        raise Unreadable(f"pixels of shape {array.shape} are no picture", where=str(path))
    stream = io.BytesIO()
    Image.fromarray(_depth(plain, path)).save(stream, "PNG")
    return stream.getvalue()


def key_of(item: Item) -> str:
    """A file name without dots, slashes or identity: dataset and number in the cohort's order."""
    return f"{item.row['dataset']}_{item.number:07d}".replace(".", "-")


def size_of(item: Item) -> tuple[int, int]:
    """(width, height) in pixels."""
    shape = item.row["shape"]
    return int(shape[0]), int(shape[1])


def _depth(array: Pixels, path: Path) -> Pixels:
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype == np.uint8 or (array.dtype == np.uint16 and array.ndim == 2):
        return array
    if array.dtype.kind == "f" and not bool((np.isfinite(array) & (array == np.round(array))).all()):
        raise Unreadable("fractional values do not fit a PNG; try --to files or parquet", where=str(path))
    low, high = int(array.min()), int(array.max())
    shift = min(low, 0)
    if high - shift > (DEEPEST if array.ndim == 2 else 255):
        raise Unreadable(f"values from {low} to {high} do not fit a PNG; try --to files or parquet", where=str(path))
    return (array.astype(np.int64) - shift).astype(np.uint16 if array.ndim == 2 and high - shift > 255 else np.uint8)

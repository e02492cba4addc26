"""What several exporters need of a picture: its bytes in a form that every loader reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from isocenter.core.errors import Refused
from isocenter.curate.export import Item
from isocenter.harmonize.image import load_pixels, recognize

PLAIN = ("png", "jpeg")


def picture_bytes(item: Item) -> tuple[bytes, str]:
    """Bytes and extension of a 2D sample: PNG and JPEG as published, other pictures as PNG with their own bit depth.

    Raises Refused for volumes and clips, naming the formats that take them.
    """
    shape = item.row["shape"] or []
    if len(item.files) > 1 or len(shape) != 2:
        raise Refused(f"{item.row['sample_id']} is no single picture ({item.row['format']}, {shape})", hint="--to files, monai or nnunet, or leave volumes out: merge --where")
    path = item.files[0][0]
    form = recognize(path) or ""
    if form in PLAIN:
        return path.read_bytes(), {"png": "png", "jpeg": "jpg"}[form]
    array = load_pixels(path, form)
    if array.dtype == np.int16:
        array = (array.astype(np.int32) - int(array.min())).astype(np.uint16)
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue(), "png"


def key_of(item: Item, number: int) -> str:
    """A file name without dots, slashes or identity: dataset and number in the cohort's order."""
    return f"{item.row['dataset']}_{number:07d}".replace(".", "-")


def size_of(item: Item) -> tuple[int, int]:
    """(width, height) in pixels."""
    shape = item.row["shape"]
    return int(shape[0]), int(shape[1])


def volume_path(item: Item) -> Path:
    """The NIfTI file of a volume: as published where it is one (its masks lie on that grid), else as harmonized.

    Raises Refused for what is neither NIfTI nor stored.
    """
    if item.row["format"] == "nifti":
        return item.files[0][0]
    if item.row.get("stored"):
        return Path(item.row["stored"])
    raise Refused(f"{item.row['sample_id']} is {item.row['format']} and not harmonized", hint=f"isocenter harmonize {item.row['dataset']}")

"""Plain numpy files (.npy): one array of numbers; objects are refused, since reading them would run code."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("npy",)


def sniff(head: bytes, path: Path) -> str | None:
    return "npy" if head.startswith(b"\x93NUMPY") else None


def header(path: Path) -> ImageHeader:
    """Shape in the array's own order and dtype; nothing is known of spacing. Raises Unreadable."""
    array = _mapped(path)
    return ImageHeader("npy", tuple(int(n) for n in array.shape), dtype=str(array.dtype), channels=1, frames=1,
                       issues=("spacing_missing: a numpy file holds no spacing",) if array.ndim > 2 else ())


def pixels(path: Path) -> Pixels:
    """The array as it is stored."""
    return np.asarray(_mapped(path))


def _mapped(path: Path) -> Pixels:
    try:
        array: Pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise Unreadable(f"not a readable numpy array: {error}", where=str(path)) from error
    if array.dtype.kind not in "biuf" or array.ndim < 2:
        raise Unreadable(f"a numpy array of {array.dtype}, shape {array.shape}, is no image", where=str(path))
    return array

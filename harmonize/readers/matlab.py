"""MATLAB files before version 7.3 that hold one array of numbers, such as a mask: rows first in the file, x first here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("matlab",)
NUMBERS = ("double", "single", "logical", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


def sniff(head: bytes, path: Path) -> str | None:
    return "matlab" if head.startswith(b"MATLAB 5.0 MAT-file") else None


def header(path: Path) -> ImageHeader:
    """Shape (x, y[, z]) of the one array; the file says nothing of spacing. Raises Unreadable when there is none or several."""
    _, shape, kind = _variable(path)
    return ImageHeader("matlab", (shape[1], shape[0], *shape[2:]), dtype=kind, channels=1, frames=1)


def pixels(path: Path) -> Pixels:
    """The array with x first (MATLAB stores rows first)."""
    from scipy.io import loadmat

    name, _, _ = _variable(path)
    array: Pixels = loadmat(path, variable_names=[name])[name]
    return np.ascontiguousarray(array.swapaxes(0, 1))


def _variable(path: Path) -> tuple[str, tuple[int, ...], str]:
    from scipy.io import whosmat
    from scipy.io.matlab import MatReadError

    try:
        arrays = [(name, tuple(int(n) for n in shape), kind) for name, shape, kind in whosmat(path) if kind in NUMBERS and min(shape) > 1]
    except (MatReadError, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise Unreadable(f"not a readable MATLAB file: {error}", where=str(path)) from error
    if len(arrays) != 1:
        raise Unreadable(f"a MATLAB file with {len(arrays)} arrays: which one is the picture is not stated", where=str(path))
    return arrays[0]

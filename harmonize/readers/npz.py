"""Archives of numpy arrays (.npz): `file.npz::name` is one array, `file.npz::name/5` an element of it, `::sparse/5` row 5 of a sparse matrix; objects are refused."""

from __future__ import annotations

import re
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("npz",)


def sniff(head: bytes, path: Path) -> str | None:
    return "npz" if head.startswith(b"PK\x03\x04") and b".npy" in head[:256] else None


def header(path: Path) -> ImageHeader:
    """The names, shapes and dtypes of its arrays as `facts["arrays"]`. Which of them is the picture, a layout says."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = {info.filename.removesuffix(".npy"): _form(archive, info) for info in archive.infolist() if info.filename.endswith(".npy")}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise Unreadable(f"not a readable npz archive: {error}", where=str(path)) from error
    return ImageHeader("npz", image=False, facts={"arrays": found})


def pixels(path: Path) -> Pixels:
    """One array, or the element of it, that the path names behind `::`."""
    file, _, selector = str(path).partition("::")
    name, _, index = selector.partition("/")
    if name == "sparse":
        return _sparse_row(file, int(index))
    array = _array(file, name, Path(file).stat().st_mtime_ns)
    return array[int(index)] if index else array


def _sparse_row(file: str, row: int) -> Pixels:
    """One row of a compressed sparse row matrix (SciPy's save_npz) as the picture whose (classes, rows, columns) the file's name states."""
    shape = re.search(r"\((\d+), ?(\d+), ?(\d+)(?:, ?1)?,?\)\.npz$", file)
    version = Path(file).stat().st_mtime_ns
    data, indices, ends, form = (_array(file, name, version) for name in ("data", "indices", "indptr", "format"))
    if shape is None or bytes(form.item()) != b"csr":
        raise Unreadable("not a sparse matrix of rows whose shape the file's name states", where=file)
    height, width = int(shape[2]), int(shape[3])
    picture = np.zeros(height * width, data.dtype)
    try:
        inside = slice(int(ends[row]), int(ends[row + 1]))
        picture[indices[inside]] = data[inside]
    except IndexError as error:
        raise Unreadable(f"row {row} does not fit a picture of {width} x {height}: {error}", where=file) from error
    return picture.reshape(height, width)


@lru_cache(maxsize=8)
def _array(file: str, name: str, version: int) -> Pixels:
    """Arrays are packed whole, so the last ones are kept; `version` is the file's time."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            return np.asarray(archive[name])
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(f"array {name!r} cannot be read: {error}", where=file) from error


def _form(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> list[object]:
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    return [list(shape), str(dtype)]

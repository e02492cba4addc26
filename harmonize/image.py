"""What a reader tells about one file: its header as plain facts, and its pixels as one array."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.core.files import blake2b
from isocenter.core.plugins import PluginTable

Pixels = NDArray[Any]
HEAD_BYTES = 1024
READERS = PluginTable("readers", "isocenter.harmonize.readers", ("formats", "sniff", "header", "pixels"))


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Facts of one image file, pixels not decoded. None: the file does not say.

    shape and spacing_mm in nibabel's order (x, y, z, t); orientation as nibabel axis codes.
    """

    format: str
    shape: tuple[int, ...] | None = None
    spacing_mm: tuple[float, ...] | None = None
    orientation: str | None = None
    dtype: str | None = None
    channels: int | None = None
    frames: int | None = None
    modality: str | None = None
    image: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
    issues: tuple[str, ...] = ()


class BrokenImage(Unreadable):
    """Its pixels cannot be had; `header` is what the file still says of itself."""

    def __init__(self, problem: Unreadable, header: ImageHeader) -> None:
        super().__init__(problem.what, where=problem.where, hint=problem.hint)
        self.header = header


def recognize(path: Path) -> str | None:
    """The format of a file by its content, never by its name; None when no reader knows it. `file::array` is its file. Raises Unreadable if empty."""
    file = Path(str(path).partition("::")[0]) if "::" in str(path) and not path.exists() else path
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    if not head:
        raise Unreadable("the file is empty (0 bytes)", where=str(path))
    for module in _readers():
        if found := module.sniff(head, path):
            return str(found)
    return None


def reader_for(format_: str) -> ModuleType:
    """The reader module of a format. Raises Unreadable when there is none."""
    for module in _readers():
        if format_ in module.formats:
            return module
    raise Unreadable(f"no reader for format {format_!r}")


@cache
def _readers() -> tuple[ModuleType, ...]:
    """All readers, looked up once: a scan asks for them twice per file."""
    return tuple(READERS.get(name) for name in READERS.names())


def load_pixels(path: Path, format_: str) -> Pixels:
    """Decode a file: (rows, columns[, 3]) for pictures, (frames, rows, columns) for clips, (x, y, z[, t]) for volumes.

    MONOCHROME1 is inverted, rescale is not applied. Raises Unreadable with the cause.
    """
    array: Pixels = reader_for(format_).pixels(path)
    return array


def simplest(array: Pixels) -> Pixels:
    """The same picture with fewest channels: an opaque alpha and repeated grey channels carry nothing."""
    if array.ndim == 3 and array.shape[-1] in (2, 4) and array.dtype.kind == "u" and bool((array[..., -1] == np.iinfo(array.dtype).max).all()):
        array = array[..., :-1]
    if array.ndim == 3 and array.shape[-1] in (1, 3) and bool((array == array[..., :1]).all()):
        array = array[..., 0]
    return array


def pixel_hash(array: Pixels) -> str:
    """BLAKE2b of shape, dtype and samples (C order, little endian) of the picture in its simplest channels."""
    array = simplest(array)
    ordered = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    prefix = f"{ordered.shape}{ordered.dtype.str.replace('|', '<')}".encode()
    return blake2b(prefix + ordered.tobytes())

"""Slides in pyramids of TIFF pages (Aperio .svs, pyramidal TIFF and OME-TIFF) through tifffile: their levels, an overview, and tiles.

The name sorts before `raster`, which reads every other TIFF.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("slide",)
TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
TILE = "tile/"
SUB_PAGES = 330                                              # tag of TIFF 6.0: finer pages have coarser ones below them
OVERVIEW = 1024
"""Longest side that the overview is nearest to."""
LARGEST = 1 << 26
MPP = re.compile(r"\bMPP\s*=\s*([0-9.]+)")
UNIT_MM = {2: 25.4, 3: 10.0}                                 # ResolutionUnit of TIFF 6.0: inch, centimetre


def sniff(head: bytes, path: Path) -> str | None:
    if not head.startswith(TIFF):
        return None
    try:
        with _opened(path) as tiff:
            page = tiff.pages[0]
            return "slide" if page.is_tiled and (SUB_PAGES in page.tags or len(tiff.series[0].levels) > 1) else None
    except Exception:                                        # what tifffile cannot open is no slide; the next reader says what is wrong
        return None


def header(path: Path) -> ImageHeader:
    """Columns and rows of the finest level, the size of its pixels where the file says it, and `levels` as [columns, rows]. Raises Unreadable."""
    try:
        with _opened(path) as tiff:
            levels = [[int(level.keyframe.imagewidth), int(level.keyframe.imagelength)] for level in tiff.series[0].levels]
            page: Any = tiff.pages[0]
            channels, dtype = int(page.samplesperpixel), str(page.dtype)
            size = _pixel_mm(page)
            end = max(offset + length for level in tiff.series[0].levels for offset, length in zip(level.keyframe.dataoffsets, level.keyframe.databytecounts))
    except (OSError, ValueError, IndexError, KeyError) as error:    # what tifffile raises of its own is a ValueError
        raise Unreadable(f"not a readable slide: {error}", where=str(path)) from error
    if end > path.stat().st_size:
        raise Unreadable("truncated slide: tiles lie beyond the end of the file", where=str(path))
    width, height = levels[0]
    return ImageHeader("slide", (width, height), size, dtype=dtype, channels=channels, frames=1, facts={"levels": levels})


def pixels(path: Path) -> Pixels:
    """(rows, columns[, 3]): the tile that the path names (`file::tile/level/x/y/width/height`, in pixels of that level), else the overview.

    The overview is the level whose longest side is nearest to 1024. Source: TIFF 6.0 (tiles); tifffile decodes them. Raises Unreadable.
    """
    file, _, selector = str(path).partition("::")
    try:
        with _opened(path) as tiff:
            levels = tiff.series[0].levels
            if selector.startswith(TILE):
                level, *box = (int(text) for text in selector.removeprefix(TILE).split("/"))
                return _region(tiff, levels[level].keyframe, *box)
            chosen = min(levels, key=lambda level: abs(np.log(max(level.keyframe.shape[:2]) / OVERVIEW)))
            if chosen.keyframe.imagewidth * chosen.keyframe.imagelength > LARGEST:
                raise Unreadable("the slide has no level small enough for an overview", where=file)
            return np.asarray(chosen.asarray())
    except Unreadable:
        raise
    except Exception as error:                               # codecs raise errors of their own
        raise Unreadable(f"cannot be decoded: {error}", where=file) from error


def _region(tiff: Any, page: Any, x: int, y: int, width: int, height: int) -> Pixels:
    """A window of a tiled page, from the tiles that it touches alone; what lies outside, and tiles that a scanner left out, is white."""
    across, offsets, lengths, decode, tables = -(-page.imagewidth // page.tilewidth), page.dataoffsets, page.databytecounts, page.decode, page.jpegtables   # read lazily: not after a seek
    shape = (height, width) if page.samplesperpixel == 1 else (height, width, page.samplesperpixel)
    found = np.full(shape, np.iinfo(page.dtype).max, page.dtype)
    for row in range(y // page.tilelength, min(-(-(y + height) // page.tilelength), -(-page.imagelength // page.tilelength))):
        for column in range(x // page.tilewidth, min(-(-(x + width) // page.tilewidth), across)):
            number = row * across + column
            if lengths[number] == 0:
                continue
            tiff.filehandle.seek(offsets[number])
            segment, _, size = decode(tiff.filehandle.read(lengths[number]), number, jpegtables=tables)
            tile = np.asarray(segment)[0, ..., 0] if page.samplesperpixel == 1 else np.asarray(segment)[0]
            top, left = row * page.tilelength, column * page.tilewidth
            inner = tile[max(0, y - top):min(size[1], y + height - top, page.imagelength - top), max(0, x - left):min(size[2], x + width - left, page.imagewidth - left)]
            at, beside = max(0, top - y), max(0, left - x)
            found[at:at + inner.shape[0], beside:beside + inner.shape[1]] = inner
    return found


def _pixel_mm(page: Any) -> tuple[float, float] | None:
    """Size of a pixel: microns of Aperio's description, else the resolution of the page where it is one of a microscope."""
    if found := MPP.search(page.description or ""):
        return (float(found[1]) / 1000, float(found[1]) / 1000)
    unit = UNIT_MM.get(int(getattr(page, "resolutionunit", 1) or 1))
    across, down = page.resolution if unit else (0, 0)
    size = (unit / across, unit / down) if unit and across and down else None
    return size if size is not None and max(size) < 0.05 else None


def _opened(path: Path) -> Any:
    """The file with tifffile, whose remarks on odd files come as exceptions or not at all."""
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    return tifffile.TiffFile(str(path).partition("::")[0])

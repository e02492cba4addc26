"""PNG, JPEG, BMP, GIF, WebP and TIFF pictures through Pillow; completeness is checked without decoding."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("png", "jpeg", "bmp", "gif", "webp", "tiff")
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"BM": "bmp", b"GIF8": "gif", b"II*\x00": "tiff", b"MM\x00*": "tiff"}
DTYPES = {"1": "bool", "I;16": "uint16", "I;16B": "uint16", "I": "int32", "F": "float32"}
TAIL_BYTES = 64 * 1024
Image.MAX_IMAGE_PIXELS = None  # slides and films are large; memory is bounded by decoding one at a time


def sniff(head: bytes, path: Path) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((name for signature, name in SIGNATURES.items() if head.startswith(signature)), None)


def header(path: Path) -> ImageHeader:
    """Size, channels and dtype; raises Unreadable when the header is broken or the data end early."""
    with _opened(path) as picture:
        width, height = picture.size
        if picture.getexif().get(0x0112, 1) in (5, 6, 7, 8):
            width, height = height, width
        form = (picture.format or "").lower().replace("mpo", "jpeg")
        mode, frames = picture.mode, getattr(picture, "n_frames", 1)
    if not _complete(path, form):
        raise Unreadable(f"truncated {form.upper()}: the end marker is missing", where=str(path))
    channels = 3 if mode == "P" else len(Image.new(mode, (1, 1)).getbands())
    return ImageHeader(form, (width, height), dtype=DTYPES.get(mode, "uint8"), channels=channels, frames=frames)


def pixels(path: Path) -> Pixels:
    """(rows, columns) or (rows, columns, channels), as shown (EXIF orientation applied); the first page of several."""
    with _opened(path) as picture:
        try:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in ("P", "CMYK", "YCbCr", "LAB", "HSV"):
                upright = upright.convert("RGBA" if "transparency" in upright.info else "RGB")
            return np.asarray(upright)
        except (OSError, SyntaxError, ValueError) as error:
            raise Unreadable(f"cannot be decoded: {error}", where=str(path)) from error


def _opened(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Image.open(path)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Unreadable(f"not a readable picture: {error}", where=str(path)) from error


def _complete(path: Path, form: str) -> bool:
    """Whether the format's end marker stands near the end of the file (formats without one count as complete)."""
    marker = {"png": b"IEND", "jpeg": b"\xff\xd9"}.get(form)
    if marker is None:
        return True
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return marker in stream.read()

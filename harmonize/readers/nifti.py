"""NIfTI-1/2, plain or gzipped, through nibabel; a file shorter than its header promises is refused without unpacking it."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("nifti",)
MAGIC1, MAGIC2 = (b"n+1\x00", b"ni1\x00"), (b"n+2\x00", b"ni2\x00")
UNIT_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001, "unknown": 1.0}


def sniff(head: bytes, path: Path) -> str | None:
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 600)
        except zlib.error:
            return None
    return "nifti" if head[344:348] in MAGIC1 or head[4:8] in MAGIC2 else None


def header(path: Path) -> ImageHeader:
    """Shape, spacing and axis codes from the header; raises Unreadable with the cause."""
    with _opened(path) as image:
        complete, head, affine = _complete(path, image), image.header, image.affine
    if not complete:
        raise Unreadable("truncated NIfTI: the data are shorter than the header says", where=str(path))
    scale = UNIT_MM.get(head.get_xyzt_units()[0], 1.0)
    zooms = [float(zoom) for zoom in head.get_zooms()]
    spacing = tuple(zoom * scale if axis < 3 else zoom for axis, zoom in enumerate(zooms))
    issues = _geometry_issues(head, spacing)
    shape = tuple(int(n) for n in image.shape)
    return ImageHeader("nifti", shape, spacing, "".join(axis or "?" for axis in nib.aff2axcodes(affine)), str(head.get_data_dtype()),
                       channels=1, frames=shape[3] if len(shape) > 3 else 1, issues=issues)


def pixels(path: Path) -> Pixels:
    """Stored samples (x, y, z[, t]), before slope and intercept."""
    with _opened(path) as image:
        try:
            return np.asarray(image.dataobj.get_unscaled())
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise Unreadable(f"cannot be decoded: {error}", where=str(path)) from error


@contextmanager
def _opened(path: Path) -> Iterator[nib.Nifti1Image]:
    """The image while its file is open. nibabel chooses its class by the file's name; content decides here. Of a pair the header file is read."""
    with ExitStack() as files:
        try:
            image = _load(path, files)
        except (OSError, EOFError, ValueError, struct.error, zlib.error, HeaderDataError, ImageFileError) as error:
            raise Unreadable(f"not a readable NIfTI: {error}", where=str(path)) from error
        yield image


def _load(path: Path, files: ExitStack) -> nib.Nifti1Image:
    """nibabel leaves a stream that it is given open: `files` closes it."""
    with path.open("rb") as raw:
        head = raw.read(540)
    if head[344:348] == MAGIC1[1] or head[4:8] == MAGIC2[1]:
        return nib.load(path)
    opener = gzip.open if head[:2] == b"\x1f\x8b" else open
    stream = files.enter_context(opener(path, "rb"))
    size = struct.unpack("<i", stream.read(4))[0]
    stream.seek(0)
    kind = nib.Nifti2Image if size in (540, 469893120) else nib.Nifti1Image
    return kind.from_stream(stream)


def _complete(path: Path, image: nib.Nifti1Image) -> bool:
    expected = int(image.dataobj.offset) + int(np.prod(image.shape)) * image.header.get_data_dtype().itemsize
    partner = getattr(image, "file_map", {}).get("image")
    if partner is not None and partner.filename and Path(partner.filename) != path:
        path = Path(partner.filename)
        if not path.exists():
            return False
    with path.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return path.stat().st_size >= expected
        stream.seek(-4, 2)
        if struct.unpack("<I", stream.read(4))[0] == expected % 2**32:
            return True
    return _unpacks_to(path, expected)


def _unpacks_to(path: Path, expected: int) -> bool:
    """Slow check for gzip files of several members, padding or extensions after the data."""
    total = 0
    try:
        with gzip.open(path) as stream:
            while block := stream.read(1 << 20):
                total += len(block)
    except (OSError, EOFError, zlib.error):
        return False
    return total >= expected


def _geometry_issues(head: nib.Nifti1Header, spacing: tuple[float, ...]) -> tuple[str, ...]:
    issues = []
    if int(head["sform_code"]) == 0 and int(head["qform_code"]) == 0:
        issues.append("wrong_orientation: neither sform nor qform is set")
    elif int(head["sform_code"]) and int(head["qform_code"]) and not np.allclose(head.get_sform(), head.get_qform(), atol=1e-2):
        issues.append("wrong_orientation: sform and qform disagree, sform is used")
    if any(not 0.001 < zoom < 1000 for zoom in spacing[:3]):
        issues.append("spacing_missing: spacing is zero or absurd")
    return tuple(issues)

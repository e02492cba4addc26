"""NRRD and MetaImage volumes and pictures through SimpleITK; the files that a header names must be there and long enough."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("nrrd", "metaimage")
IO = {"nrrd": "NrrdImageIO", "metaimage": "MetaImageIO"}
META = re.compile(rb"\s*(ObjectType\s*=\s*Image|NDims\s*=)")


def sniff(head: bytes, path: Path) -> str | None:
    if head.startswith(b"NRRD000"):
        return "nrrd"
    return "metaimage" if META.match(head) else None


def header(path: Path) -> ImageHeader:
    """Shape, spacing and axis codes (LPS of ITK as the codes of nibabel); raises Unreadable with the cause."""
    reader = _reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise Unreadable(f"not a readable image header: {_last(error)}", where=str(path)) from error
    shape, spacing = reader.GetSize(), reader.GetSpacing()
    dtype = _dtype(reader.GetPixelID())
    _complete(path, int(np.prod(shape)) * reader.GetNumberOfComponents() * np.dtype(dtype).itemsize)
    issues = () if all(0.001 < one < 1000 for one in spacing[:3]) else ("spacing_missing: spacing is zero or absurd",)
    return ImageHeader(sniff(_head(path), path) or "metaimage", tuple(int(n) for n in shape), tuple(float(one) for one in spacing), _codes(reader.GetDirection(), len(shape)), dtype,
                       channels=reader.GetNumberOfComponents(), frames=int(shape[3]) if len(shape) > 3 else 1, issues=issues)


def pixels(path: Path) -> Pixels:
    """Samples (x, y, z[, t]) of a volume, (rows, columns[, channels]) of a picture. Raises Unreadable."""
    import SimpleITK as sitk

    try:
        image = _reader(path).Execute()
    except RuntimeError as error:
        raise Unreadable(f"cannot be decoded: {_last(error)}", where=str(path)) from error
    array = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 2:
        return np.asarray(array)
    axes = tuple(range(image.GetDimension()))[::-1]
    return np.ascontiguousarray(array.transpose(*axes, *range(len(axes), array.ndim)))


def volume(path: Path) -> tuple[Pixels, NDArray[np.float64]]:
    """`pixels`, and the affine (4, 4) from index to RAS mm. Raises Unreadable for what has fewer than three dimensions."""
    reader = _reader(path)
    reader.ReadImageInformation()
    dimension = reader.GetDimension()
    if dimension < 3:
        raise Unreadable(f"an image of {dimension} dimensions has no orientation in space", where=str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(reader.GetDirection(), (dimension, dimension))[:3, :3] * np.array(reader.GetSpacing()[:3])
    affine[:3, 3] = reader.GetOrigin()[:3]
    return pixels(path), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _reader(path: Path) -> Any:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO(IO[sniff(_head(path), path) or "metaimage"])
    return reader


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(256)


def _last(error: RuntimeError) -> str:
    """The line of an ITK message that says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "ITK gives no reason"


def _dtype(pixel: int) -> str:
    import SimpleITK as sitk

    names = {sitk.sitkUInt8: "uint8", sitk.sitkInt8: "int8", sitk.sitkUInt16: "uint16", sitk.sitkInt16: "int16", sitk.sitkUInt32: "uint32", sitk.sitkInt32: "int32",
             sitk.sitkUInt64: "uint64", sitk.sitkInt64: "int64", sitk.sitkFloat32: "float32", sitk.sitkFloat64: "float64",
             sitk.sitkVectorUInt8: "uint8", sitk.sitkVectorInt16: "int16", sitk.sitkVectorUInt16: "uint16", sitk.sitkVectorFloat32: "float32", sitk.sitkVectorFloat64: "float64"}
    return names.get(pixel, "uint8")


def _codes(direction: tuple[float, ...], dimension: int) -> str | None:
    if dimension < 3:
        return None
    import nibabel as nib

    matrix = np.diag([-1.0, -1.0, 1.0]) @ np.asarray(direction).reshape(dimension, dimension)[:3, :3]
    return "".join(axis or "?" for axis in nib.orientations.ornt2axcodes(nib.orientations.io_orientation(np.block([[matrix, np.zeros((3, 1))], [np.zeros((1, 3)), np.ones((1, 1))]]))))


def _complete(path: Path, expected: int) -> None:
    """Data of a header: below it in the same file, or in the file that it names; compressed data are left to decoding."""
    with path.open("rb") as stream:
        text = stream.read(16384).split(b"\n\n")[0].decode("latin-1")
    named = re.search(r"(?im)^(?:ElementDataFile\s*=|data ?file:)\s*(\S.*?)\s*$", text)
    packed = re.search(r"(?im)^(CompressedData\s*=\s*True|encoding:\s*(gz|bz))", text)
    if named is None or named.group(1) in ("LOCAL", "LIST") or "%" in named.group(1):
        found = path.stat().st_size
    else:
        data = path.parent / named.group(1)
        if not data.is_file():
            raise Unreadable(f"the file of its data is not here: {named.group(1)}", where=str(path))
        found = data.stat().st_size
    if not packed and found < expected and not (named and named.group(1).startswith("LIST")):
        raise Unreadable("truncated: the data are shorter than the header says", where=str(path))

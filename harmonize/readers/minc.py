"""MINC volumes through nibabel: MINC1 (netCDF) and MINC2 (HDF5, needs h5py); values are real ones, as MINC scales every slice."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.image import ImageHeader, Pixels

formats = ("minc",)
NETCDF, HDF5 = (b"CDF\x01", b"CDF\x02"), b"\x89HDF\r\n\x1a\n"
MINC2_GROUP = "minc-2.0"


def sniff(head: bytes, path: Path) -> str | None:
    if head.startswith(NETCDF):
        return "minc" if b"MINC" in head or b"space" in head else None
    return "minc" if head.startswith(HDF5) and _is_minc2(path) else None


def header(path: Path) -> ImageHeader:
    """Shape (x, y, z[, t] in the file's own axes), spacing and axis codes; raises Unreadable with the cause."""
    import nibabel as nib

    image, time_first = _load(path)
    shape = _shape(image, time_first)
    spacing = tuple(float(length) for length in np.linalg.norm(image.affine[:3, :3], axis=0))
    codes = "".join(axis or "?" for axis in nib.aff2axcodes(image.affine))
    return ImageHeader("minc", shape, spacing, codes, "float32", channels=1, frames=shape[3] if len(shape) > 3 else 1)


def pixels(path: Path) -> Pixels:
    """Real values as float32, (x, y, z[, t]) in the file's own axes. Raises Unreadable."""
    return volume(path)[0]


def volume(path: Path) -> tuple[Pixels, NDArray[np.float64]]:
    """`pixels`, and the affine (4, 4) from index to RAS mm."""
    image, time_first = _load(path)
    try:
        array = np.asarray(image.dataobj, dtype=np.float32)
    except Exception as error:
        raise Unreadable(f"cannot be decoded: {' '.join(str(error).split())[:200]}", where=str(path)) from error
    return np.moveaxis(array, 0, -1) if time_first else array, np.asarray(image.affine, np.float64)


def _load(path: Path) -> tuple[Any, bool]:
    """The image, and whether its first axis is time. nibabel chooses by content here too."""
    from nibabel.minc1 import Minc1Image
    from nibabel.minc2 import Minc2Image

    with path.open("rb") as stream:
        kind = Minc2Image if stream.read(8) == HDF5 else Minc1Image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = kind.from_filename(path)
    except Exception as error:
        raise Unreadable(f"not a readable MINC file: {' '.join(str(error).split())[:200]}", where=str(path)) from error
    if len(image.shape) not in (3, 4):
        raise Unreadable(f"a MINC file of {len(image.shape)} dimensions", where=str(path))
    return image, len(image.shape) == 4


def _shape(image: Any, time_first: bool) -> tuple[int, ...]:
    shape = tuple(int(n) for n in image.shape)
    return (*shape[1:], shape[0]) if time_first else shape


def _is_minc2(path: Path) -> bool:
    try:
        import h5py

        with h5py.File(path, "r") as body:
            return MINC2_GROUP in body
    except (ImportError, OSError):
        return False

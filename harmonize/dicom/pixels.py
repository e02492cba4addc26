"""A DICOM file's stored samples: decoded by pydicom's plug-ins, unused bits masked, sign by the header, nothing rescaled."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.decode import decode_pixels
from isocenter.harmonize.dicom.fallback import read_dataset

Samples = NDArray[Any]
SUBSAMPLED = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")


def stored_samples(path: Path, *, as_picture: bool) -> Samples:
    """(frames, rows, columns[, 3]) stored values, integer or float; colour as RGB.

    as_picture: palettes are applied and MONOCHROME1 is turned so that more is brighter; else values keep their stored meaning.
    Raises Unreadable with the decoder's complaint.
    """
    dataset = read_dataset(path, pixels=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _samples(path, dataset, as_picture)
    except Exception as error:
        raise Unreadable(f"pixels cannot be decoded: {' '.join(str(error).split())[:200]}", where=str(path)) from error


def _samples(path: Path, dataset: Any, as_picture: bool) -> Samples:
    from pydicom.pixels import apply_color_lut

    photometric = str(dataset.get("PhotometricInterpretation", ""))
    array = decode_pixels(path, str(dataset.file_meta.TransferSyntaxUID), raw=photometric not in SUBSAMPLED, dataset=dataset)
    if int(dataset.get("SamplesPerPixel", 1)) == 1:
        array = array if array.ndim == 3 else array[None]
        array = array if array.dtype.kind == "f" else _meant_bits(array, dataset)
        if as_picture and photometric == "PALETTE COLOR":
            return np.asarray(apply_color_lut(array, dataset))
        return _mirrored(array, dataset) if as_picture and photometric == "MONOCHROME1" else array
    return array if array.ndim == 4 else array[None]


def _meant_bits(array: Samples, dataset: Any) -> Samples:
    """Only BitsStored bits below HighBit count (PS3.5 8.1.1); what stands above them is not part of the value."""
    allocated, stored = int(dataset.BitsAllocated), int(dataset.get("BitsStored") or dataset.BitsAllocated)
    high = int(dataset.get("HighBit") if dataset.get("HighBit") is not None else stored - 1)
    if allocated == stored or allocated < 8:
        return array
    lowest = high - stored + 1
    unsigned = (array.astype(f"u{array.dtype.itemsize}") >> lowest) & ((1 << stored) - 1)
    if not int(dataset.get("PixelRepresentation", 0)):
        return unsigned.astype(f"u{array.dtype.itemsize}")
    sign = 1 << (stored - 1)
    return ((unsigned.astype(np.int64) ^ sign) - sign).astype(f"i{array.dtype.itemsize}")


def _mirrored(array: Samples, dataset: Any) -> Samples:
    """MONOCHROME1 shows the least value white: the stored range is mirrored, so that more is brighter."""
    stored = int(dataset.get("BitsStored") or dataset.BitsAllocated)
    low, high = (-(1 << stored - 1), (1 << stored - 1) - 1) if int(dataset.get("PixelRepresentation", 0)) else (0, (1 << stored) - 1)
    return (low + high - array.astype(np.int64)).astype(array.dtype)

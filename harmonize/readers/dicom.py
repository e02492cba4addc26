"""Single DICOM files through pydicom: strict recognition, header facts, pixels after photometric inversion and before rescale."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import apply_color_lut
from pydicom.uid import RTDoseStorage

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.decode import decode_pixels
from isocenter.harmonize.dicom.fallback import HEADLESS
from isocenter.harmonize.image import ImageHeader, Pixels
from isocenter.harmonize.readers._quiet import quiet_decoders

formats = ("dicom",)
HEADERLESS_GROUPS = (b"\x08\x00", b"\x02\x00", b"\x00\x08", b"\x00\x02")
VRS = {b"UL", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM", b"OB", b"AE", b"DT"}
PIXEL_ELEMENTS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def sniff(head: bytes, path: Path) -> str | None:
    if head[128:132] == b"DICM":
        return "dicom"
    return "dicom" if _headerless(head) else None


def header(path: Path) -> ImageHeader:
    """Facts of a DICOM file. Raises Unreadable when it is broken, empty of elements, or its pixels end early or do not decode."""
    dataset = _read(path, stop=True)
    try:
        return _header(dataset, path)
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise Unreadable(f"an element has an impossible value: {error}", where=str(path)) from error


def _header(dataset: FileDataset, path: Path) -> ImageHeader:
    facts = _facts(dataset)
    if dataset.get("Rows") is None or dataset.get("Columns") is None or not _pixels_promised(dataset):
        return ImageHeader("dicom", modality=facts["modality"], image=False, facts=facts)
    _check_pixels(dataset, path)
    columns, rows, frames = int(dataset.Columns), int(dataset.Rows), int(dataset.get("NumberOfFrames") or 1)
    shape = (columns, rows) if frames == 1 else (columns, rows, frames)
    bits, signed = int(dataset.get("BitsAllocated") or 0), int(dataset.get("PixelRepresentation") or 0)
    return ImageHeader("dicom", shape, _spacing(dataset), dtype=f"{'' if signed else 'u'}int{bits}" if bits > 1 else "bool",
                       channels=int(dataset.get("SamplesPerPixel") or 1), frames=frames, modality=facts["modality"], facts=facts)


def pixels(path: Path) -> Pixels:
    """(rows, columns[, 3]) or (frames, rows, columns[, 3]); MONOCHROME1 inverted, YBR as RGB, palette applied."""
    dataset = _read(path, stop=True)
    array = _decode(path, frame=None)
    photometric = dataset.get("PhotometricInterpretation", "")
    if photometric == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
    return _invert(array, dataset) if photometric == "MONOCHROME1" else np.asarray(array)


def _read(path: Path, *, stop: bool) -> FileDataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with path.open("rb") as stream:
                if stream.read(132)[128:] != b"DICM":
                    raise Unreadable(HEADLESS, where=str(path))
            dataset = pydicom.dcmread(path, stop_before_pixels=stop)
            if len(dataset) == 0:
                raise Unreadable("a DICOM file without any element", where=str(path))
            if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
                raise Unreadable("the DICOM meta header names no transfer syntax", where=str(path))
            for element in ("SOPClassUID", "Modality", "Rows", "SeriesInstanceUID", "NumberOfFrames"):
                dataset.get(element)
            return dataset
    except (InvalidDicomError, OSError, EOFError, ValueError, KeyError, NotImplementedError, AttributeError, TypeError) as error:
        raise Unreadable(f"not a readable DICOM file: {error}", where=str(path)) from error


def _headerless(head: bytes) -> bool:
    """A data set without preamble starts with group 0008 or 0002 and a plausible first element."""
    if len(head) < 16 or head[:2] not in HEADERLESS_GROUPS:
        return False
    if head[4:6] in VRS:
        return True
    return head[:2] == b"\x08\x00" and int.from_bytes(head[4:8], "little") < 256 and head[3:4] == b"\x00"


def _pixels_promised(dataset: FileDataset) -> bool:
    return dataset.get("BitsAllocated") is not None and dataset.get("Modality") not in ("RTPLAN", "RTSTRUCT", "SR", "PR")


def _check_pixels(dataset: FileDataset, path: Path) -> None:
    """Native pixel data must be as long as the header says; of compressed data the first frame must decode."""
    syntax = getattr(dataset.file_meta, "TransferSyntaxUID", None) if hasattr(dataset, "file_meta") else None
    if syntax is not None and syntax.is_encapsulated:
        _decode(path, frame=0)
        return
    frames = int(dataset.get("NumberOfFrames") or 1)
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1) * frames * int(dataset.BitsAllocated)
    if dataset.get("PhotometricInterpretation") in ("YBR_FULL_422", "YBR_PARTIAL_422"):
        bits = bits * 2 // 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = pydicom.dcmread(path, force=True)
    element = next((name for name in PIXEL_ELEMENTS if name in full), None)
    if element is None:
        raise Unreadable("an image header without pixel data", where=str(path))
    found = len(full[element].value or b"")
    if found < bits // 8:
        raise Unreadable(f"truncated DICOM: {found} of {bits // 8} bytes of pixels", where=str(path))


def _decode(source: Path, frame: int | None) -> Pixels:
    """Decoded pixels of one frame or all; every decoder's complaint becomes one line."""
    try:
        with warnings.catch_warnings(), quiet_decoders():
            warnings.simplefilter("ignore")
            full = pydicom.dcmread(source, force=True)
            if "TransferSyntaxUID" not in full.file_meta:
                raise ValueError("no transfer syntax is named")
            array: Pixels = decode_pixels(source, str(full.file_meta.TransferSyntaxUID), raw=False, index=frame, dataset=full)
    except Exception as error:  # decoders of five libraries raise what they like
        first = " ".join(str(error).split())[:200]
        raise Unreadable(f"pixels cannot be decoded: {first}", where=str(source)) from error
    return array


def _spacing(dataset: FileDataset) -> tuple[float, ...] | None:
    """In-plane spacing as (x, y) mm: PixelSpacing is (row, column) spacing, that is (y, x)."""
    spacing = dataset.get("PixelSpacing") or dataset.get("ImagerPixelSpacing")
    if not spacing or len(spacing) != 2:
        return None
    return (float(spacing[1]), float(spacing[0]))


def _facts(dataset: FileDataset) -> dict[str, Any]:
    def text(name: str) -> str | None:
        value = dataset.get(name)
        return str(value).strip() or None if value is not None else None

    number = dataset.get("SeriesNumber")
    return {
        "modality": text("Modality"), "patient_id": text("PatientID"), "study_id": text("StudyInstanceUID"), "series_id": text("SeriesInstanceUID"),
        "series_number": int(number) if number is not None else None, "protocol": text("ProtocolName") or text("SeriesDescription"),
        "body_part": text("BodyPartExamined"), "view_position": text("ViewPosition"), "sex": text("PatientSex"), "age": _years(text("PatientAge")),
        "manufacturer": text("Manufacturer"), "sop_id": text("SOPInstanceUID"), "instance": _integer(dataset.get("InstanceNumber")),
        "position": [float(v) for v in dataset.get("ImagePositionPatient") or []], "orientation": [float(v) for v in dataset.get("ImageOrientationPatient") or []],
        "dose": dataset.get("SOPClassUID") == RTDoseStorage,
    }


def _years(age: str | None) -> float | None:
    """DICOM age string (nnnD, nnnW, nnnM, nnnY; PS3.5 6.2) in years."""
    if not age or not age[:-1].isdigit():
        return None
    return int(age[:-1]) / {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}.get(age[-1], 1.0)


def _integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _invert(array: Pixels, dataset: FileDataset) -> Pixels:
    """MONOCHROME1 shows the least value white: mirror the stored range."""
    bits = int(dataset.BitsStored)
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if int(dataset.get("PixelRepresentation") or 0) else (0, (1 << bits) - 1)
    return (low + high - array.astype(np.int64)).astype(array.dtype)

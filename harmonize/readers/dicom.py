"""Single DICOM files: strict recognition, header facts by the fast reader, pixels after photometric inversion and before rescale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.content import slide_of, told_by
from isocenter.harmonize.dicom.decode import Undecodable, decode_pixels
from isocenter.harmonize.dicom.header import Header, check, read_header
from isocenter.harmonize.dicom.identifying import identifying_texts
from isocenter.harmonize.dicom.kinds import kind_of
from isocenter.harmonize.dicom.stack import dicom_samples
from isocenter.harmonize.image import BrokenImage, ImageHeader, Pixels
from isocenter.harmonize.quality.identifying_tags import check as check_tags
from isocenter.harmonize.readers._quiet import quiet_decoders

formats = ("dicom",)
HEADERLESS_GROUPS = (b"\x08\x00", b"\x02\x00", b"\x00\x08", b"\x00\x02")
VRS = {b"UL", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM", b"OB", b"AE", b"DT"}
WITHOUT_PIXELS = ("RTPLAN", "RTSTRUCT", "SR", "PR")


def sniff(head: bytes, path: Path) -> str | None:
    if head[128:132] == b"DICM":
        return "dicom"
    return "dicom" if _headerless(head) else None


def header(path: Path) -> ImageHeader:
    """Facts of a DICOM file. Raises Unreadable when it is broken or empty of elements, BrokenImage when its pixels end early or do not decode."""
    found = read_header(path)
    facts = _facts(found)
    try:
        return _image(found, facts)
    except Unreadable as problem:
        raise BrokenImage(problem, ImageHeader("dicom", modality=facts["modality"], image=False, facts=facts)) from problem


def _image(found: Header, facts: dict[str, Any]) -> ImageHeader:
    path, issues = found.path, tuple(str(finding) for finding in check_tags(identifying_texts(found)))
    if (told := told_by(path, facts["kind"])) is not None:
        facts["told"] = told
    if found.get("Rows") is None or found.get("Columns") is None or found.get("BitsAllocated") is None or facts["modality"] in WITHOUT_PIXELS:
        return ImageHeader("dicom", modality=facts["modality"], image=False, facts=facts, issues=issues)
    if found.pixel_offset is None:
        raise Unreadable("an image header without pixel data", where=str(path))
    check(found)
    if found.pixel_length == -1:
        _decode_first(found)
    columns, rows, frames = _whole(found, "Columns"), _whole(found, "Rows"), _whole(found, "NumberOfFrames") or 1
    if facts["kind"] == "sm":
        slide = slide_of(path)
        facts["told"] = str(slide)
        return ImageHeader("dicom", slide.shape, slide.spacing_mm, dtype=f"uint{_whole(found, 'BitsAllocated')}", channels=_whole(found, "SamplesPerPixel") or 1,
                           frames=frames, modality=facts["modality"], facts=facts, issues=issues)
    bits, signed = _whole(found, "BitsAllocated"), _whole(found, "PixelRepresentation")
    return ImageHeader("dicom", (columns, rows) if frames == 1 else (columns, rows, frames), _spacing(found),
                       dtype=f"{'' if signed else 'u'}int{bits}" if bits > 1 else "bool", channels=_whole(found, "SamplesPerPixel") or 1,
                       frames=frames, modality=facts["modality"], facts=facts, issues=issues)


def pixels(path: Path) -> Pixels:
    """(rows, columns[, 3]), (frames, rows, columns[, 3]), or of a mosaic or enhanced file (rows, columns, slices[, times])."""
    return dicom_samples((path,))[0]


def _headerless(head: bytes) -> bool:
    """A data set without preamble starts with group 0008 or 0002 and a plausible first element."""
    if len(head) < 16 or head[:2] not in HEADERLESS_GROUPS:
        return False
    if head[4:6] in VRS:
        return True
    return head[:2] == b"\x08\x00" and int.from_bytes(head[4:8], "little") < 256 and head[3:4] == b"\x00"


def _decode_first(found: Header) -> None:
    """Of compressed pixels the first frame must decode."""
    try:
        with quiet_decoders():
            decode_pixels(found.path, found.transfer_syntax, raw=False, index=0)
    except Undecodable as error:
        raise Unreadable(f"pixels cannot be decoded: {str(error)[:200]}", where=str(found.path)) from error


def _spacing(found: Header) -> tuple[float, ...] | None:
    """In-plane spacing as (x, y) mm: PixelSpacing is (row, column) spacing, that is (y, x)."""
    spacing = found.numbers("PixelSpacing", 2) or found.numbers("ImagerPixelSpacing", 2)
    return (spacing[1], spacing[0]) if spacing else None


def _facts(found: Header) -> dict[str, Any]:
    text, number = found.text, found.number("SeriesNumber")
    return {
        "modality": text("Modality"), "patient_id": text("PatientID"), "study_id": text("StudyInstanceUID"), "series_id": text("SeriesInstanceUID"),
        "series_number": None if number is None else int(number), "protocol": text("ProtocolName") or text("SeriesDescription"),
        "body_part": text("BodyPartExamined"), "view_position": text("ViewPosition"), "sex": text("PatientSex"), "age": _years(text("PatientAge")),
        "manufacturer": text("Manufacturer"), "kind": kind_of(found),
        "position": list(found.numbers("ImagePositionPatient", 3) or ()), "orientation": list(found.numbers("ImageOrientationPatient", 6) or ()),
    }


def _years(age: str | None) -> float | None:
    """DICOM age string (nnnD, nnnW, nnnM, nnnY; PS3.5 6.2) in years."""
    if not age or not age[:-1].isdigit():
        return None
    return int(age[:-1]) / {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}.get(age[-1], 1.0)


def _whole(found: Header, keyword: str) -> int:
    return int(found.number(keyword) or 0)

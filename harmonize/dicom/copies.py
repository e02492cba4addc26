"""The headers of a series in, those of different images out: files that hold one image twice are counted once."""

from __future__ import annotations

from collections import defaultdict
from math import prod
from typing import Any

from isocenter.core.files import blake2b, file_hash
from isocenter.harmonize.dicom.header import SIZES, Header

SAME_IMAGE = ("SeriesNumber", "AcquisitionNumber", "InstanceNumber", "ImagePositionPatient", "Rows", "Columns")
SAME_MOMENT = (*SAME_IMAGE, "ImageOrientationPatient", "ImageType", "EchoTime", "TemporalPositionIdentifier", "TriggerTime", "AcquisitionTime")


def without_copies(headers: list[Header]) -> tuple[list[Header], int]:
    """The headers of different images, and how many were left out.

    One image are files of one SOP instance UID with the same pixels, or in different transfer syntaxes; and files of different UIDs
    with the same pixels at the same place and moment: a series that was exported twice.
    """
    same: dict[Any, list[Header]] = defaultdict(list)
    for header in sorted(headers, key=lambda header: (header.pixel_length == -1, str(header.path))):
        uid = header.text("SOPInstanceUID")
        same[(uid, *_texts(header, SAME_IMAGE)) if uid else header.path].append(header)
    kept: list[Header] = []
    for members in same.values():
        kept += _different([header for header in members if header.transfer_syntax == members[0].transfer_syntax])
    moments: dict[Any, list[Header]] = defaultdict(list)
    for header in kept:
        told = header.get("InstanceNumber") is not None and header.get("ImagePositionPatient") is not None
        moments[(header.transfer_syntax, *_texts(header, SAME_MOMENT)) if told else header.path].append(header)
    kept = [header for members in moments.values() for header in _different(members)]
    return kept, len(headers) - len(kept)


def _texts(header: Header, names: tuple[str, ...]) -> list[str | None]:
    return [header.text(name) for name in names]


def _different(headers: list[Header]) -> list[Header]:
    """The first of those with the same pixels."""
    return headers if len(headers) == 1 else list({_pixel_digest(header): header for header in reversed(headers)}.values())


def _pixel_digest(header: Header) -> str:
    """Of the samples that the header announces; padding behind them does not count."""
    if header.pixel_offset is None:
        return file_hash(header.path)
    announced = prod(int(header.number(name) or 1) for name in SIZES) // 8 if header.pixel_length != -1 else -1
    with header.path.open("rb") as stream:
        stream.seek(header.pixel_offset)
        return blake2b(stream.read(announced))

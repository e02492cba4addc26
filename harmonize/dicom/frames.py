"""A header becomes frames: one image plane each, with its place in the patient, its values' scale and what it is one of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isocenter.harmonize.dicom.fallback import read_dataset, translated
from isocenter.harmonize.dicom.header import Header

Scale = tuple[float, float]
COMPONENTS = {"PHASE": "ph", "PHASE MAP": "ph", "P": "ph", "REAL": "real", "R": "real", "IMAGINARY": "imag", "I": "imag"}
GE_COMPONENTS = {1: "ph", 2: "real", 3: "imag"}
ENHANCED = frozenset({
    "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.3",
    "1.2.840.10008.5.1.4.1.1.4.4", "1.2.840.10008.5.1.4.1.1.130", "1.2.840.10008.5.1.4.1.1.128.1",
})


@dataclass(frozen=True, slots=True)
class Frame:
    """One image plane. position, orientation, spacing_mm: None when the file does not say (a projection, a picture).

    index: the frame inside its file, counted from 0. tile: (row, column) of the first sample inside a mosaic.
    spacing_mm: (between rows, between columns). slope, intercept: stored value → physical value. precise: Philips' scale slope.
    real_world: slope and intercept of Philips' real world values where the file tells no other scale.
    time: what orders frames of one place, first thing first; clock: the acquisition time as HHMMSS, another way. echo_ms, component, derived: what
    must not share a volume. What frames of one time point have in common: traits (b-value, direction, inversion time), dimensions (an enhanced
    file's indices but those of the place), gradient (Philips' numbers of b-value and direction), trigger_ms.
    """

    path: Path
    index: int
    rows: int
    columns: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing_mm: tuple[float, ...] | None
    thickness_mm: float | None
    slope: float
    intercept: float
    precise: float | None
    echo_ms: float | None
    component: str
    derived: bool
    acquisition: int
    time: tuple[float, ...]
    pixel_form: tuple[Any, ...]
    tile: tuple[int, int] | None = None
    gap_mm: float | None = None
    clock: float = 0.0
    traits: tuple[float, ...] = ()
    dimensions: tuple[float, ...] = ()
    gradient: tuple[float, ...] = ()
    trigger_ms: float = 0.0
    real_world: Scale | None = None

    def scales(self) -> tuple[Scale, ...]:
        """Every (slope, intercept) that the file tells from stored to physical values, the preferred first.

        Philips' precise values come before the displayed ones (Chenevert 2014, PMC3998685).
        """
        precise = (1.0 / self.precise, self.intercept / (self.slope * self.precise)) if self.precise else None
        return tuple(scale for scale in (precise, self.real_world, (self.slope, self.intercept)) if scale is not None)


def frames_of(header: Header) -> list[Frame]:
    """The frames of one image file, in file order. Raises Unreadable when a multi-frame file contradicts itself."""
    with translated(header.path):
        return _frames(header)


def _frames(header: Header) -> list[Frame]:
    image_type = _parts(header, "ImageType")
    count = int(header.number("NumberOfFrames") or 1)
    if header.text("SOPClassUID") in ENHANCED or (count > 1 and header.text("Modality") in ("MR", "CT", "PT") and _grouped(header)):
        from isocenter.harmonize.dicom.enhanced import enhanced_frames

        return enhanced_frames(header, _plain(header))
    if count > 1:
        return [replace(_plain(header), index=index, position=None, orientation=None) for index in range(count)]
    if "MOSAIC" in image_type or (_maker(header).startswith("UIH") and header.get("UIHGridCount")):
        from isocenter.harmonize.dicom.mosaic import mosaic_frames

        return mosaic_frames(header, _plain(header))
    return [_plain(header)]


def _plain(header: Header) -> Frame:
    image_type = _parts(header, "ImageType")
    slope = header.number("RescaleSlope")
    return Frame(
        path=header.path, index=0, rows=int(header.number("Rows") or 0), columns=int(header.number("Columns") or 0),
        position=header.numbers("ImagePositionPatient", 3), orientation=header.numbers("ImageOrientationPatient", 6),
        spacing_mm=header.numbers("PixelSpacing", 2), thickness_mm=header.number("SliceThickness"),
        slope=1.0 if slope is None or slope == 0 else slope, intercept=header.number("RescaleIntercept") or 0.0, precise=_precise(header),
        echo_ms=header.number("EchoTime"), component=component(image_type, header), derived=image_type[:1] == ["DERIVED"],
        acquisition=int(header.number("AcquisitionNumber") or 0),
        time=(header.number("TemporalPositionIdentifier") or 0.0, header.number("InstanceNumber") or 0.0),
        pixel_form=_pixel_form(header), gap_mm=header.number("SpacingBetweenSlices"), clock=_clock(header),
        traits=traits(header.number("DiffusionBValue"), header.numbers("DiffusionGradientOrientation", 3), header.number("InversionTime")),
        gradient=(header.number("PhilipsBValueNumber") or 0.0, header.number("PhilipsGradientNumber") or 0.0),
        trigger_ms=header.number("TriggerTime") or 0.0, real_world=_real_world(header),
    )


def component(image_type: list[str], header: Header | None = None) -> str:
    """`ph`, `real`, `imag` or `` (magnitude, or not said)."""
    if header is not None:
        if named := COMPONENTS.get(header.text("ComplexImageComponent") or ""):
            return named
        found = header.get("GEImageComponent")
        code = found[0] if isinstance(found, tuple) else found
        if isinstance(code, int | float) and int(code) in GE_COMPONENTS and _maker(header).startswith("GE"):
            return GE_COMPONENTS[int(code)]
    for part in image_type[2:]:
        if part in COMPONENTS:
            return COMPONENTS[part]
    return ""


def traits(b_value: float | None, direction: tuple[float, ...] | None, inversion_ms: float | None) -> tuple[float, ...]:
    """b-value, direction and inversion time as numbers that can be compared and ordered; what is not told is -1 or no direction."""
    return (-1.0 if b_value is None else b_value, *(round(part, 4) for part in direction or (0.0, 0.0, 0.0)), -1.0 if inversion_ms is None else inversion_ms)


def multiframe_dataset(header: Header) -> Any:
    """The file's full header through pydicom, sequences included."""
    return read_dataset(header.path)


def _clock(header: Header) -> float:
    try:
        return float(header.text("AcquisitionTime") or header.text("ContentTime") or 0)
    except ValueError:
        return 0.0


def _maker(header: Header) -> str:
    return (header.text("Manufacturer") or "").upper()


def _precise(header: Header) -> float | None:
    return (header.number("PhilipsScaleSlope") or None) if _maker(header).startswith("PHILIPS") else None


def _real_world(header: Header) -> Scale | None:
    """The real world value mapping of a Philips file whose rescale says nothing (slope 1, intercept 0)."""
    if not _maker(header).startswith("PHILIPS") or (header.number("RescaleSlope") or 1.0, header.number("RescaleIntercept") or 0.0) != (1.0, 0.0):
        return None
    items = multiframe_dataset(header).get("RealWorldValueMappingSequence") or [None]
    return real_world(items[0])


def real_world(item: Any) -> Scale | None:
    """(slope, intercept) of an item of the real world value mapping sequence; None when it tells none."""
    slope = None if item is None else item.get("RealWorldValueSlope")
    return (float(slope), float(item.get("RealWorldValueIntercept") or 0.0)) if slope else None


def _grouped(header: Header) -> bool:
    return "PerFrameFunctionalGroupsSequence" in multiframe_dataset(header)


def _parts(header: Header, keyword: str) -> list[str]:
    return (header.text(keyword) or "").upper().split("\\")


def _pixel_form(header: Header) -> tuple[Any, ...]:
    return tuple(header.get(name) for name in ("SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "PixelRepresentation"))


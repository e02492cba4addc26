"""Enhanced multi-frame objects: per-frame functional groups become frames, in the order of their time indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.frames import COMPONENTS, Frame, Scale, component, multiframe_dataset, real_world
from isocenter.harmonize.dicom.header import Header

PHILIPS_SCALE_SLOPE = 0x2005100E
PHILIPS_FRAME_GROUP = 0x2005140F


def enhanced_frames(header: Header, plain: Frame) -> list[Frame]:
    """One Frame per frame, shared groups filled in. Raises Unreadable when groups and frames are not equally many."""
    dataset = multiframe_dataset(header)
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    count = int(header.number("NumberOfFrames") or 1)
    if len(groups) != count:
        raise Unreadable(f"{count} frames but {len(groups)} per-frame descriptions", where=str(header.path))
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    return [_frame(index, group, shared, dataset, plain, header) for index, group in enumerate(groups)]


def _frame(index: int, group: Any, shared: Any, dataset: Any, plain: Frame, header: Header) -> Frame:
    def find(sequence: str, keyword: str) -> Any:
        for source in (group, shared):
            for item in (source.get(sequence) or []) if source is not None else []:
                if item.get(keyword) is not None:
                    return item.get(keyword)
        return None

    def number(sequence: str, keyword: str) -> float | None:
        value = find(sequence, keyword)
        return None if value is None else float(value)

    frame_type = [str(part) for part in find("MRImageFrameTypeSequence", "FrameType") or find("CTImageFrameTypeSequence", "FrameType") or header.text("ImageType") or []]
    complex_part = str(find("MRImageFrameTypeSequence", "ComplexImageComponent") or "")
    slope = number("PixelValueTransformationSequence", "RescaleSlope")
    slope = plain.slope if slope is None else slope
    intercept = number("PixelValueTransformationSequence", "RescaleIntercept")
    intercept = plain.intercept if intercept is None else intercept
    temporal = find("FrameContentSequence", "TemporalPositionIndex")
    return replace(
        plain, index=index,
        position=_numbers(find("PlanePositionSequence", "ImagePositionPatient"), 3),
        orientation=_numbers(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        spacing_mm=_numbers(find("PixelMeasuresSequence", "PixelSpacing"), 2),
        thickness_mm=number("PixelMeasuresSequence", "SliceThickness"), gap_mm=number("PixelMeasuresSequence", "SpacingBetweenSlices"),
        slope=slope, intercept=intercept, precise=philips_scale(group, dataset) if _philips(header) else None,
        echo_ms=number("MREchoSequence", "EffectiveEchoTime"),
        component=COMPONENTS.get(complex_part) or component(frame_type), derived=frame_type[:1] == ["DERIVED"],
        time=(float(temporal or 0), *plain.time, float(index)),
        traits=(number("MRDiffusionSequence", "DiffusionBValue"), find("MRDiffusionSequence", "DiffusionDirectionality"), _direction(find)),
        real_world=_real_world(group, header, slope, intercept),
    )


def _direction(find: Callable[[str, str], Any]) -> tuple[float, ...] | None:
    """The diffusion gradient's direction."""
    items = find("MRDiffusionSequence", "DiffusionGradientDirectionSequence")
    return _numbers(items[0].get("DiffusionGradientOrientation"), 3) if items else None


def _real_world(group: Any, header: Header, slope: float, intercept: float) -> Scale | None:
    if not _philips(header) or (slope, intercept) != (1.0, 0.0):
        return None
    return real_world((group.get("RealWorldValueMappingSequence") or [None])[0])


def philips_scale(*sources: Any) -> float | None:
    """Philips' scale slope (2005,100E), from the frame's private group or the data set; None for other makers."""
    for source in _with_private(sources):
        element = source.get(PHILIPS_SCALE_SLOPE)
        if element is not None and isinstance(element.value, float) and element.value:
            return float(element.value)
    return None


def _with_private(sources: tuple[Any, ...]) -> Iterator[Any]:
    for source in sources:
        private = source.get(PHILIPS_FRAME_GROUP)
        if private is not None and private.VR == "SQ" and len(private.value):
            yield private.value[0]
        yield source


def _philips(header: Header) -> bool:
    return (header.text("Manufacturer") or "").upper().startswith("PHILIPS")


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    return tuple(float(part) for part in value) if value is not None and len(value) == count else None

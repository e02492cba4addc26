"""Enhanced multi-frame objects: per-frame functional groups become frames, in the order of their time indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.frames import COMPONENTS, Frame, Scale, component, multiframe_dataset, real_world, traits
from isocenter.harmonize.dicom.header import Header

PHILIPS_SCALE_SLOPE = 0x2005100E
PHILIPS_FRAME_GROUP = 0x2005140F
PHILIPS_GRADIENT = (0x20051412, 0x20051413)
PLACES = (0x00209056, 0x00209057, 0x00200032, 0x00200037, 0x00209113, 0x00209116)
"""Elements that say where a frame lies: stack, position in the stack, image position and orientation and their sequences."""


def enhanced_frames(header: Header, plain: Frame) -> list[Frame]:
    """One Frame per frame, shared groups filled in. Raises Unreadable when groups and frames are not equally many."""
    dataset = multiframe_dataset(header)
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    count = int(header.number("NumberOfFrames") or 1)
    if len(groups) != count:
        raise Unreadable(f"{count} frames but {len(groups)} per-frame descriptions", where=str(header.path))
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    axes = _time_axes(dataset)
    return [_frame(index, group, shared, dataset, plain, header, axes) for index, group in enumerate(groups)]


def _time_axes(dataset: Any) -> list[int]:
    """Which of the dimension indices do not number the place."""
    pointers = [item.get("DimensionIndexPointer") for item in dataset.get("DimensionIndexSequence") or []]
    return [axis for axis, pointer in enumerate(pointers) if pointer not in PLACES]


def _frame(index: int, group: Any, shared: Any, dataset: Any, plain: Frame, header: Header, axes: list[int]) -> Frame:
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
    values = find("FrameContentSequence", "DimensionIndexValues")
    values = [] if values is None else [values] if isinstance(values, int) else list(values)
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
        traits=traits(number("MRDiffusionSequence", "DiffusionBValue"), _direction(find), None),
        dimensions=tuple(float(values[axis]) for axis in axes if axis < len(values)), gradient=_gradient(group),
        real_world=_real_world(group, header, slope, intercept),
    )


def _direction(find: Callable[[str, str], Any]) -> tuple[float, ...] | None:
    """The diffusion gradient's direction."""
    items = find("MRDiffusionSequence", "DiffusionGradientDirectionSequence")
    return _numbers(items[0].get("DiffusionGradientOrientation"), 3) if items else None


def _gradient(group: Any) -> tuple[float, ...]:
    """Philips' numbers of b-value and direction, from the frame's private group."""
    source = next(_with_private((group,)))
    found = [source.get(tag) for tag in PHILIPS_GRADIENT]
    return tuple(0.0 if element is None else float(element.value) for element in found)


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

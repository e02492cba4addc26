"""What a DICOM file is, by its SOP class: image, segmentation, structures, dose, report … and whether a volume can come of it."""

from __future__ import annotations

from isocenter.harmonize.dicom.header import Header

BY_CLASS = {
    "1.2.840.10008.5.1.4.1.1.66.4": "seg", "1.2.840.10008.5.1.4.1.1.66.7": "seg", "1.2.840.10008.5.1.4.1.1.66.5": "surface",
    "1.2.840.10008.5.1.4.1.1.481.2": "rtdose", "1.2.840.10008.5.1.4.1.1.481.3": "rtstruct", "1.2.840.10008.5.1.4.1.1.481.5": "rtplan",
    "1.2.840.10008.5.1.4.1.1.481.8": "rtplan", "1.2.840.10008.5.1.4.1.1.77.1.6": "sm", "1.2.840.10008.5.1.4.1.1.91.1": "annotations",
    "1.2.840.10008.5.1.4.1.1.66": "raw", "1.2.840.10008.5.1.4.1.1.66.1": "registration", "1.2.840.10008.5.1.4.1.1.66.3": "registration",
    "1.2.840.10008.1.3.10": "dicomdir", "1.2.840.10008.5.1.4.1.1.67": "real-world-mapping", "1.2.840.10008.5.1.4.1.1.4.2": "spectroscopy",
}
BY_PREFIX = {
    "1.2.840.10008.5.1.4.1.1.88.": "sr", "1.2.840.10008.5.1.4.1.1.11.": "presentation", "1.2.840.10008.5.1.4.1.1.104.": "document",
    "1.2.840.10008.5.1.4.1.1.9.": "waveform", "1.2.840.10008.5.1.4.1.1.481.": "rt-record",
}
BY_MODALITY = {"SR": "sr", "RTSTRUCT": "rtstruct", "RTPLAN": "rtplan", "RTDOSE": "rtdose", "SEG": "seg", "SM": "sm", "PR": "presentation"}
RT_IMAGE = "1.2.840.10008.5.1.4.1.1.481.1"


def kind_of(header: Header) -> str:
    """`image`, `seg`, `rtstruct`, `rtdose`, `rtplan`, `sr`, `sm`, … or `other` for what holds no pixels and no known class."""
    sop_class = header.text("SOPClassUID") or ""
    if found := BY_CLASS.get(sop_class):
        return found
    if sop_class != RT_IMAGE:
        for prefix, kind in BY_PREFIX.items():
            if sop_class.startswith(prefix):
                return kind
    if found := BY_MODALITY.get(header.text("Modality") or ""):
        return found
    return "image" if header.pixel_offset is not None and header.get("Rows") else "other"

"""DICOM files on their way out: ids become pseudonyms, dates go, identifying texts go where that was asked; pixels stay as they are.

After the attribute lists of DICOM PS3.15 annex E (basic profile), applied to what an export promises; it is no certified de-identification.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from isocenter.core.errors import Unreadable
from isocenter.curate.pseudonym import Pseudonyms
from isocenter.harmonize.dicom.identifying import identifying_tags
from isocenter.harmonize.quality.identifying_tags import DIRECT, LINKING

Identifying = Literal["refuse", "clean", "keep"]
STANDARD_UIDS = "1.2.840.10008."
PATIENTS = ("PatientID", "OtherPatientIDs")


def write_public(source: Path, target: Path, *, dataset: str, pseudonyms: Pseudonyms,
                 identifying: Identifying, keep_dates: bool) -> Counter[str]:
    """Write a copy with pseudonyms and return how many elements of each sort were changed: ids, dates, texts, private.

    UIDs of instances become UIDs of our own, the same one everywhere; those of the standard (transfer syntax, SOP class) stay. Dates are
    emptied, nested and private ones too; times of day stay (decay correction needs them). clean: direct and linking identifiers are
    emptied and private elements dropped; keep: the texts stay. Raises Unreadable when the file cannot be written again.
    """
    import pydicom

    counts: Counter[str] = Counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = pydicom.dcmread(source, force=True)
            secrets, patient = _texts_of(found), str(found.get("PatientID") or "")
            if found.get("PatientName") and identifying != "keep":
                found.PatientName = pseudonyms.of(dataset, "patient", patient) if patient else ""
                counts["ids"] += 1
            if identifying == "clean":
                counts["private"] = sum(1 for element in found if element.tag.is_private)
                found.remove_private_tags()
            for element in [*found.file_meta, *found.iterall()]:
                sort = _change(element, dataset, pseudonyms, secrets, clean=identifying == "clean", keep_dates=keep_dates)
                if sort:
                    counts[sort] += 1
            found.save_as(target, enforce_file_format=False)
    except Exception as error:                                                 # whatever pydicom says of a broken file
        raise Unreadable(f"the DICOM file cannot be written with pseudonyms: {' '.join(str(error).split())[:160]}", where=str(source)) from error
    return counts


def names_somebody(source: Path) -> list[str]:
    """Keywords of the direct identifiers that are filled in; nested sequences count. Raises Unreadable."""
    import pydicom

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return identifying_tags(pydicom.dcmread(source, stop_before_pixels=True, force=True))
    except Exception as error:
        raise Unreadable(f"the DICOM header cannot be read: {' '.join(str(error).split())[:160]}", where=str(source)) from error


def _texts_of(found: Any) -> list[tuple[str, str]]:
    """Ids that may stand in other elements too, with the kind of their pseudonym."""
    return [("patient", text) for keyword in PATIENTS for text in _several(found.get(keyword)) if len(text) >= 4]


def _change(element: Any, dataset: str, pseudonyms: Pseudonyms, secrets: list[tuple[str, str]], *, clean: bool, keep_dates: bool) -> str | None:
    keyword, vr = element.keyword, element.VR
    if vr == "UI" and element.value:
        fresh = [value if str(value).startswith(STANDARD_UIDS) else pseudonyms.uid(dataset, str(value)) for value in _several(element.value)]
        if fresh == _several(element.value):
            return None
        element.value = fresh if len(fresh) > 1 else fresh[0]
        return "ids"
    if keyword in PATIENTS and element.value:
        element.value = [pseudonyms.of(dataset, "patient", text) for text in _several(element.value)] if keyword != "PatientID" else pseudonyms.of(dataset, "patient", str(element.value))
        return "ids"
    if vr in ("DA", "DT") and element.value and not keep_dates:
        element.value = ""
        return "dates"
    if clean and keyword in (*DIRECT, *LINKING) and keyword not in (*PATIENTS, "PatientName") and element.value:
        element.value = ""
        return "texts"
    if vr in ("LO", "SH", "LT", "ST", "UT", "PN", "CS") and element.value and secrets:
        text = str(element.value)
        fresh_text = text
        for kind, secret in secrets:
            fresh_text = re.sub(re.escape(secret), pseudonyms.of(dataset, kind, secret) or "", fresh_text)
        if fresh_text != text:
            element.value = fresh_text[:16] if vr in ("SH", "CS") else fresh_text
            return "ids"
    return None


def _several(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, list) or hasattr(value, "append") else [str(value)]

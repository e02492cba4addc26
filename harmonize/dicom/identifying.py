"""Which identifying attributes a DICOM file fills in: the texts that the quality rule judges, and its verdict as keywords."""

from __future__ import annotations

from typing import Any

from isocenter.harmonize.dicom.header import Header
from isocenter.harmonize.quality.identifying_tags import DIRECT, LINKING, check


def identifying_texts(header: Header) -> dict[str, str]:
    """Keyword → text of every identifying attribute at the top level of the data set that is not empty."""
    return {keyword: text for keyword in (*DIRECT, *LINKING, "PatientIdentityRemoved") if (text := header.text(keyword))}


def identifying_tags(dataset: Any) -> list[str]:
    """Keywords, sorted, of the direct identifiers filled in anywhere in a pydicom data set, nested sequences included.

    The attributes are those of the basic profile of DICOM PS3.15 table E.1-1 that name a person or an address.
    """
    found: set[str] = set()
    for element in dataset.iterall():
        if element.keyword in DIRECT and any(check({element.keyword: str(element.value or "")})):
            found.add(element.keyword)
    return sorted(found)

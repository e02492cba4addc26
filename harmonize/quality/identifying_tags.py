"""DICOM headers that can identify a person: direct identifiers that are filled in with something that is no placeholder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from isocenter.harmonize.quality._findings import Finding

looks_at = "header"
codes = ("identifying_tags",)
DIRECT = (
    "PatientName", "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers", "PatientMotherBirthName", "PatientBirthName",
    "OtherPatientNames", "ResponsiblePerson", "ReferringPhysicianName", "ReferringPhysicianAddress", "ReferringPhysicianTelephoneNumbers", "PerformingPhysicianName",
    "NameOfPhysiciansReadingStudy", "OperatorsName", "RequestingPhysician", "PhysiciansOfRecord",
)
"""Text attributes that DICOM PS3.15 table E.1-1 (basic profile) removes or replaces and that name a person or an address."""
LINKING = (
    "PatientID", "OtherPatientIDs", "IssuerOfPatientID", "MedicalRecordLocator", "InstitutionAddress", "AccessionNumber",
    "InstitutionName", "StationName", "AdmissionID", "DeviceSerialNumber",
)
"""Attributes of the same table that identify only to somebody who holds another list; named only beside a direct one."""
PLACEHOLDERS = frozenset({
    "anon", "anonym", "anonymous", "anonymized", "anonymised", "deidentified", "identified", "removed", "redacted", "unknown", "none", "na", "null",
    "dummy", "phantom", "test", "tests", "patient", "subject", "case", "sample", "samples", "demo", "volunteer", "xxx", "name", "pseudonym",
    "doe", "lastname", "firstname", "last", "first",
})
"""Words that stand where a name was; only whole words count, so that Testa and Casey stay names."""
OLDEST_YEAR = 1900


def check(tags: Mapping[str, str]) -> Iterator[Finding]:
    named = [keyword for keyword in DIRECT if _filled(keyword, str(tags.get(keyword) or "").strip())]
    if not named:
        return
    linking = [keyword for keyword in LINKING if str(tags.get(keyword) or "").strip()]
    claimed = str(tags.get("PatientIdentityRemoved") or "").upper() == "YES"
    message = f"filled in: {', '.join(named)}" + (f"; beside {', '.join(linking)}" if linking else "")
    yield Finding("identifying_tags", "note" if claimed else "warning", message + ("; the file says that identity was removed" if claimed else ""))


def _filled(keyword: str, value: str) -> bool:
    if keyword.endswith("Date"):
        return len(value) >= 8 and value[:4].isdigit() and int(value[:4]) > OLDEST_YEAR and value[4:8] != "0101"
    words = [word for word in re.split(r"[\W_]+", value.casefold()) if word]
    if not any(word.isalpha() and len(word) > 1 for word in words):
        return False                                              # nothing, initials, numbers, hashes and codes
    return not PLACEHOLDERS & set(words) and not re.search(r"\d\d", value)   # study codes carry numbers, names do not

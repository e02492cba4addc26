"""The catalog as Croissant 1.1 (JSON-LD of MLCommons): a dataset with its open files, or a plan whose members are records.

Source: Croissant format specification 1.1; the context is the standard one, plus nothing of our own.
"""

from __future__ import annotations

import json
import re
from typing import Any

from isocenter.registry.fusion.plan import FusionPlan, Member

SUFFIX = ".croissant.json"
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
CR_TERMS = (
    "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes",
    "isArray", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
    "separator", "source", "subField", "transform",
)
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/", "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"}, "name": {"@container": "@language"}, "description": {"@container": "@language"},
    **{term: f"cr:{term}" for term in CR_TERMS},
}
ENCODINGS = {
    ".zip": "application/zip", ".tar": "application/x-tar", ".gz": "application/gzip", ".tgz": "application/gzip", ".csv": "text/csv", ".json": "application/json",
    ".npz": "application/x-npz", ".nii": "application/x-nifti", ".dcm": "application/dicom", ".png": "image/png", ".jpg": "image/jpeg", ".tif": "image/tiff",
    ".parquet": "application/x-parquet", ".h5": "application/x-hdf5", ".7z": "application/x-7z-compressed", ".rar": "application/vnd.rar",
}
MEMBER_FIELDS = (("slug", "sc:Text"), ("name", "sc:Text"), ("homepage", "sc:Text"), ("license", "sc:Text"), ("access", "sc:Text"), ("how_to_get", "sc:Text"),
                 ("modalities", "sc:Text"), ("samples", "sc:Integer"), ("sample_unit", "sc:Text"), ("bytes", "sc:Integer"))


def dataset(entry: dict[str, Any]) -> str:
    """A dataset: what is chosen, every licence that is claimed, its findings as limitations; files where they are open."""
    body = _head(entry["name"], _describe(entry)) | {
        "identifier": entry["slug"], "url": entry["homepage"], "sameAs": f"https://doi.org/{entry['doi']}" if entry["doi"] else None,
        "citeAs": f"{entry['name']}. https://doi.org/{entry['doi']}" if entry["doi"] else None,
        "license": _licenses(entry), "datePublished": str(entry["year"]) if entry["year"] else None, "version": _version(entry["release"]),
        "alternateName": entry["aliases"] or None, "keywords": sorted({term["name"] or term["term"] for terms in entry["terms"].values() for term in terms}) or None,
        "sdPublisher": {"@type": "Organization", "name": "isocenter catalog"},
        "creator": {"@type": "Organization", "name": entry["organisation"]} if entry["organisation"] else None,
        "rai:dataLimitations": [_finding(one) for one in entry["artifacts"]] or None,
        "distribution": [_file(file) for file in entry["downloads"] if _has_sum(file)] or None,
    }
    return _text(body)


def plan(plan: FusionPlan) -> str:
    """A plan: one record per member; what a use is allowed stands in the description and the limitations."""
    verdicts = "; ".join(f"{use}: {verdict.answer}" for use, verdict in plan.licence.verdicts.items())
    licenses = sorted({name for member in plan.members for name in member.license.split(" AND ")})
    body = _head(plan.title, f"Plan of a corpus of {len(plan.members)} datasets. Allowed uses: {verdicts}. Nothing here is downloaded.") | {
        "license": licenses or None,
        "rai:dataLimitations": [f"{one.slug}: {one.text}" for one in plan.cautions] or None,
        "recordSet": [{
            "@type": "cr:RecordSet", "@id": "members", "name": "members", "description": "One record per dataset of the plan.", "key": {"@id": "members/slug"},
            "field": [{"@type": "cr:Field", "@id": f"members/{name}", "name": name, "description": name.replace("_", " "), "dataType": kind} for name, kind in MEMBER_FIELDS],
            "data": [_record(member) for member in plan.members],
        }] if plan.members else None,
    }
    return _text(body)


def _head(name: str, description: str) -> dict[str, Any]:
    return {"@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": CONFORMS_TO, "name": name, "description": description}


def _text(body: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in body.items() if value is not None}, indent=1, ensure_ascii=False) + "\n"


def _describe(entry: dict[str, Any]) -> str:
    facets = "; ".join(f"{facet}: {', '.join(term['name'] or term['term'] for term in terms)}" for facet, terms in entry["terms"].items())
    size = f" {entry['n_samples']} {entry['sample_unit'] or 'samples'}." if entry["n_samples"] is not None else ""
    access = f" Access: {entry['access'] or 'unknown'}. {entry['how_to_get'] or ''}".rstrip()
    conflict = f" Claims about the licence disagree ({entry['licence']['conflict']})." if entry["licence"]["conflict"] else ""
    return f"{entry['name']}.{f' {facets}.' if facets else ''}{size}{access}{conflict}"


def _licenses(entry: dict[str, Any]) -> list[str]:
    """Every licence that some source claims, as an address where there is one; NOASSERTION when none is known."""
    claimed = sorted({one["license_id"] for one in entry["licence"]["statements"]})
    return [entry["license_urls"].get(name, name) for name in claimed] or ["NOASSERTION"]


def _finding(artifact: dict[str, Any]) -> str:
    fixed = f" (fixed in {artifact['fixed_in']})" if artifact["fixed_in"] else ""
    release = f" [{artifact['release']}]" if artifact["release"] else ""
    return f"{artifact['type']}: {artifact['finding']}{release}{fixed}; {artifact['url'] or artifact['title']}"


def _version(release: str | None) -> str | None:
    """Croissant asks for MAJOR.MINOR.PATCH; another name of a release is left to the description."""
    match = re.fullmatch(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", release or "")
    return ".".join(part or "0" for part in match.groups()) if match else None


def _has_sum(file: dict[str, Any]) -> bool:
    """Croissant files need a sum: sha256 or md5."""
    return str(file["checksum"] or "").startswith(("md5:", "sha256:"))


def _file(file: dict[str, Any]) -> dict[str, Any]:
    algorithm, _, digest = file["checksum"].partition(":")
    suffix = next((ending for ending in ENCODINGS if file["path"].lower().endswith(ending)), "")
    body = {"@type": "cr:FileObject", "@id": file["path"], "name": file["path"], "contentUrl": file["url"],
            "contentSize": f"{file['bytes']} B" if file["bytes"] else None, "encodingFormat": ENCODINGS.get(suffix, "application/octet-stream"), algorithm: digest}
    return {key: value for key, value in body.items() if value is not None}


def _record(member: Member) -> dict[str, Any]:
    values = {"modalities": ", ".join(member.modalities)} | {name: getattr(member, name) for name, _ in MEMBER_FIELDS if name != "modalities"}
    return {f"members/{name}": values[name] for name, _ in MEMBER_FIELDS}

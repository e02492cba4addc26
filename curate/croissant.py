"""Croissant of a corpus: JSON-LD that describes an export and reads its manifest as records. Source: Croissant format specification 1.1."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from isocenter.curate.attribution import Member
from isocenter.curate.export_target import Target
from isocenter.registry.exporters.croissant import CONFORMS_TO, CONTEXT

FIELDS = (("sample_id", "sc:Text"), ("dataset", "sc:Text"), ("path", "sc:Text"), ("split", "sc:Text"), ("patient", "sc:Text"), ("modality", "sc:Text"),
          ("format", "sc:Text"), ("license", "sc:Text"), ("age", "sc:Float"), ("sex", "sc:Text"), ("file_hash", "sc:Text"))
VERSION = "1.0.0"
BLOCK = 1 << 20


def write_croissant(out: Target, name: str, licenses: Sequence[str], members: Sequence[Member], limitations: Sequence[str]) -> None:
    """`croissant.json`: the manifest as a FileObject with its sha256, the other files as a FileSet, one record per sample."""
    size = (out / "manifest.parquet").stat().st_size
    body = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": CONFORMS_TO, "name": name, "version": VERSION,
        "description": f"A corpus made by isocenter of {', '.join(f'{member.name} ({member.samples} samples)' for member in members)}.",
        "license": list(licenses) or ["NOASSERTION"], "isBasedOn": [_source(member) for member in members],
        "citeAs": "; ".join(f"{member.name}{f', https://doi.org/{member.doi}' if member.doi else ''}" for member in members),
        "rai:dataLimitations": list(limitations) or ["none known"],
        "distribution": [
            {"@type": "cr:FileObject", "@id": "manifest.parquet", "name": "manifest.parquet", "description": "one row per sample", "contentUrl": "manifest.parquet",
             "contentSize": f"{size} B", "encodingFormat": "application/x-parquet", "sha256": _sha256(out)},
        ],
        "recordSet": [{
            "@type": "cr:RecordSet", "@id": "samples", "name": "samples", "description": "One record per sample; labels stand in the manifest's map column.",
            "key": {"@id": "samples/sample_id"},
            "field": [{"@type": "cr:Field", "@id": f"samples/{field}", "name": field, "description": field.replace("_", " "), "dataType": kind,
                       "source": {"fileObject": {"@id": "manifest.parquet"}, "extract": {"column": field}}} for field, kind in FIELDS],
        }],
    }
    out.text("croissant.json", json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def _source(member: Member) -> dict[str, Any]:
    facts = {"@type": "sc:Dataset", "name": member.name, "url": member.homepage, "sameAs": f"https://doi.org/{member.doi}" if member.doi else None}
    return {key: value for key, value in facts.items() if value is not None}


def _sha256(out: Target) -> str:
    digest = hashlib.sha256()
    with (out / "manifest.parquet").open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()

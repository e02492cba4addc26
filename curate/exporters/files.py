"""Plain files: every sample's files below `images/<dataset>/`, its masks below `masks/<dataset>/`, and the annotations as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import MEMBER, Item
from isocenter.curate.export_target import Target
from isocenter.curate.exporters._published import member, published
from isocenter.harmonize.annotation import ANNOTATIONS


def fits(item: Item) -> str | None:
    return "is a part of a sample (try --to parquet)" if item.part else None


def write(items: Iterable[Item], out: Target) -> None:
    """Files under their published names, the first in geometric order first; DICOM under its pseudonyms. `annotations.parquet` names masks by path; boxes stand in it."""
    annotations: list[dict[str, Any]] = []
    copied: dict[str, str] = {}
    for item in items:
        rows: list[dict[str, Any]] = []
        with out.sample(item):
            for at, (_, name) in enumerate(item.files):
                published(item, at, out, f"images/{item.row['dataset']}/{name}")
            for mark in item.annotations:
                row = {key: mark[key] for key in ANNOTATIONS.schema.names} | {"sample_id": item.sample_id}
                rows.append(row | {"uri": _mask(item, mark, out, copied) if mark["kind"] == "mask" and mark["uri"] else None})
            annotations += rows
    out.table("annotations.parquet", annotations, ANNOTATIONS)


def _mask(item: Item, mark: dict[str, Any], out: Target, copied: dict[str, str]) -> str:
    """The mask file of an annotation in the export; several samples may share one."""
    assert item.readers is not None
    path = item.readers(mark["dataset"]).root / mark["uri"]
    if str(path) in copied:
        out.claim(item.sample_id, copied[str(path)])
        return copied[str(path)]
    name = f"masks/{mark['dataset']}/{mark['public']}"
    if MEMBER in mark["uri"]:
        name = member(path, out, name.replace(MEMBER, "/"), lambda what: out.note(item, "changed", f"mask: {what}", 1, "file"))
    else:
        if not path.is_file():
            raise Unreadable(f"the mask {mark['uri']} is not there any more", where=str(path))
        name = out.copy(path, name)
    copied[str(path)] = name
    return name

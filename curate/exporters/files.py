"""Plain files: every sample's files as published below `images/<dataset>/`, annotations below `annotations.parquet`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isocenter.core.tables import write_table
from isocenter.curate.export import Item, copy_file
from isocenter.harmonize.annotation import ANNOTATIONS


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """Copy the files; returns sample id -> its files, relative to the folder, the first in geometric order first."""
    written: dict[str, list[str]] = {}
    annotations = []
    for item in items:
        names = [f"images/{item.row['dataset']}/{path}" for _, path in item.files]
        for (source, _), name in zip(item.files, names):
            copy_file(source, folder / name)
        written[item.row["sample_id"]] = names
        annotations += [{key: mark[key] for key in ANNOTATIONS.schema.names} | {"sample_id": item.row["sample_id"]} for mark in item.annotations]
    write_table(folder / "annotations.parquet", annotations, ANNOTATIONS)
    return written

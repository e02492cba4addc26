"""Parquet only: nothing is copied; the manifest names the files where they lie, relative to each dataset's root."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from isocenter.core.tables import write_table
from isocenter.curate.export import Item
from isocenter.harmonize.annotation import ANNOTATIONS


def write(items: Iterable[Item], folder: Path) -> dict[str, list[str]]:
    """`annotations.parquet` beside the manifest; every sample's file is that table, so that `verify` has something to hold on to."""
    written: dict[str, list[str]] = {}
    marks = []
    for item in items:
        written[item.row["sample_id"]] = ["annotations.parquet"]
        marks += [{key: mark[key] for key in ANNOTATIONS.schema.names} | {"sample_id": item.row["sample_id"]} for mark in item.annotations]
    write_table(folder / "annotations.parquet", marks, ANNOTATIONS)
    return written

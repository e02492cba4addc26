"""Parquet only: nothing is copied; tables name the samples and their annotations by the paths inside each dataset's root."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from isocenter.core.tables import Kind
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.harmonize.annotation import ANNOTATIONS

PLACES = Kind("places", 1, pa.schema([("sample_id", pa.string()), ("dataset", pa.string()), ("at", pa.int64()), ("path", pa.string())]))
"""Files of a sample in geometric order; path: inside the root of its dataset, of DICOM a pseudonym."""


def write(items: Iterable[Item], out: Target) -> None:
    """`samples.parquet` (which files a sample is made of) and `annotations.parquet`."""
    places: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    samples: list[str] = []
    for item in items:
        samples.append(item.sample_id)
        places += [{"sample_id": item.sample_id, "dataset": item.row["dataset"], "at": at, "path": name} for at, (_, name) in enumerate(item.files)]
        marks += [{key: mark[key] for key in ANNOTATIONS.schema.names} | {"sample_id": item.sample_id, "uri": mark["public"]} for mark in item.annotations]
    out.table("samples.parquet", places, PLACES)
    out.table("annotations.parquet", marks, ANNOTATIONS)
    for sample in samples:
        out.claim(sample, "samples.parquet")

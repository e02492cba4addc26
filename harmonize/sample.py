"""The sample table and the inventory: one row per sample, one row per file; their columns, and what each means."""

from __future__ import annotations

from typing import Literal

import polars as pl
import pyarrow as pa

from isocenter.core.tables import Kind, read_table
from isocenter.core.workspace import Workspace

Role = Literal["image", "mask", "table", "licence", "text", "other", "unreadable"]

LABELS = pa.map_(pa.string(), pa.string())
LABELS_DTYPE = pl.Map(pl.String, pl.String)
"""term -> present / absent / uncertain; a term that is not a key is not annotated; a null map was not read yet."""

SAMPLES = Kind("samples", 1, pa.schema([
    ("sample_id", pa.string()), ("dataset", pa.string()), ("release", pa.string()), ("published_split", pa.string()),
    ("patient_id", pa.string()), ("study_id", pa.string()), ("series_id", pa.string()), ("series_number", pa.int64()),
    ("protocol", pa.string()), ("uri", pa.string()), ("stored", pa.string()), ("format", pa.string()), ("modality", pa.string()),
    ("body_part", pa.string()), ("view_position", pa.string()), ("shape", pa.list_(pa.int64())), ("spacing_mm", pa.list_(pa.float64())),
    ("orientation", pa.string()), ("dtype", pa.string()), ("channels", pa.int64()), ("frames", pa.int64()), ("bytes", pa.int64()),
    ("file_hash", pa.string()), ("pixel_hash", pa.string()), ("labels", LABELS), ("age", pa.float64()), ("sex", pa.string()),
    ("site", pa.string()), ("manufacturer", pa.string()), ("license", pa.string()), ("issues", pa.list_(pa.string())), ("error", pa.string()),
]))
"""`patient_id` holds several ids joined by `|` when the dataset's own table gives one picture to several patients."""

INVENTORY = Kind("inventory", 1, pa.schema([
    ("path", pa.string()), ("bytes", pa.int64()), ("mtime", pa.float64()), ("file_hash", pa.string()), ("role", pa.string()),
    ("format", pa.string()), ("sample_id", pa.string()), ("reason", pa.string()), ("error", pa.string()),
]))

PATIENT_SEPARATOR = "|"


def sample_id(slug: str, release: str | None, key: str) -> str:
    """`<slug>@<release>/<key>`, the same on every machine; an unknown release is `unversioned`."""
    return f"{slug}@{release or 'unversioned'}/{key}"


def errors_of(workspace: Workspace, dataset: str) -> list[tuple[str, str]]:
    """(uri, cause) of every sample of a scanned dataset that cannot be used."""
    table = read_table(workspace.samples(dataset), SAMPLES, ["uri", "error"])
    return table.filter(pl.col("error").is_not_null()).sort("uri").rows()

"""What a scan left unread or alone: its layout, rows or tables go in, one sentence for each kind that a user may want to know of comes out."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.errors import IsocenterError
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.sample_rows import SampleRow
from isocenter.harmonize.source import Source
from isocenter.harmonize.table_join import read_rows
from isocenter.harmonize.table_layout import join_column, rule_for
from isocenter.registry.amounts import amount

UNPAIRED = "its image is not here"
LOOKED_AT = 200                    # rows of a table
SHOWN = 8
READ = (".csv", ".tsv")


def unread_tables(source: Source, layout: Layout, rows: Sequence[SampleRow], annotations: Sequence[Mapping[str, Any]], roles: Mapping[str, str]) -> Iterator[str]:
    """Tables that name the pictures of a dataset of which no label was read, with the command that reads them. roles: path -> role of every file."""
    if layout.tables or annotations or any(row.values.get("labels") for row in rows):
        return
    images = [path for path, role in roles.items() if role == "image"]
    for path in sorted(path for path, role in roles.items() if role == "table" and path.lower().endswith(READ)):
        try:
            first = list(islice(read_rows(source.root / path, rule_for(source.root, Path(path))), LOOKED_AT))
            column, _ = join_column(images, first)
        except (IsocenterError, OSError, UnicodeDecodeError):
            continue                                           # no table of these pictures
        others = [name for name in first[0] if name != column]
        told = ", ".join(others[:SHOWN]) + (f" and {len(others) - SHOWN} more" if len(others) > SHOWN else "")
        yield (f"no labels are read: table {path} names the pictures in column {column!r} (others: {told or 'none'}); "
               f"to read one: isocenter adopt {source.name} {shlex.quote(str(source.root))} --table {shlex.quote(path)} --label COLUMN:exclusive")


def set_aside(workspace: Workspace, name: str) -> list[str]:
    """Of a scanned dataset: how many masks and tables of boxes no image belongs to, and how many samples have no mask where others of their published split have one."""
    inventory = read_table(workspace.inventory(name), INVENTORY, ["path", "reason"])
    lone = inventory.filter(pl.col("reason") == UNPAIRED)["path"]
    told = [f"set aside: {amount(len(lone), 'file')} of masks or boxes without an image (first: {lone[0]}; all: {workspace.inventory(name)}, column reason)"] if len(lone) else []
    drawn = read_table(workspace.annotations(name), ANNOTATIONS, ["sample_id", "kind"]).filter(pl.col("kind") == "mask")["sample_id"].unique()
    whole = read_table(workspace.samples(name), SAMPLES, ["sample_id", "published_split", "error"]).filter(pl.col("error").is_null())
    masked = pl.col("sample_id").is_in(drawn.implode())
    due = whole.join(whole.filter(masked).select("published_split").unique(), on="published_split", how="semi", nulls_equal=True)
    bare = due.filter(~masked)["sample_id"]
    return told + ([f"without a mask: {len(bare)} of {amount(len(due), 'sample')} (first: {bare[0]})"] if len(bare) else [])

"""What a scan left unread or alone: its layout, rows and annotations go in, one sentence for each kind that a user may want to know of comes out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from isocenter.core.errors import IsocenterError
from isocenter.harmonize.layout_rules import Layout
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


def set_aside(name: str, layout: Layout, rows: Sequence[SampleRow], annotations: Iterable[Mapping[str, Any]], reasons: Mapping[str, str]) -> Iterator[str]:
    """How many masks and boxes have no image, and, where a layout has masks, how many images have none. reasons: path -> why a file is left alone."""
    if lone := sum(reason == UNPAIRED for reason in reasons.values()):
        yield f"{amount(lone, 'file')} of masks or boxes set aside, as no image belongs to {'it' if lone == 1 else 'them'} (inventory/{name}.parquet, column reason)"
    whole = [row.values["sample_id"] for row in rows if not row.values.get("error")]
    drawn = {mark["sample_id"] for mark in annotations if mark["kind"] == "mask"}
    if layout.masks and drawn and (bare := [one for one in whole if one not in drawn]):
        yield f"{len(bare)} of {amount(len(whole), 'sample')} have no mask (first: {bare[0]})"

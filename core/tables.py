"""Parquet tables stamped with kind, version and header, written atomically and checked when read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import blake2b, draft, file_hash

STAMP = b"isocenter"


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of table: its name, the version of its columns, and the columns themselves."""

    name: str
    version: int
    schema: pa.Schema


def write_table(path: Path, rows: pl.DataFrame | pa.Table | list[dict[str, Any]], kind: Kind, header: dict[str, Any] | None = None) -> None:
    """Write rows as `kind`; columns are cast to its schema, missing ones become null, unknown ones are refused."""
    stamp = {"kind": kind.name, "version": kind.version, "header": header or {}}
    table = conform(rows, kind).replace_schema_metadata({STAMP: json.dumps(stamp, sort_keys=True).encode()})
    with draft(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def conform(rows: pl.DataFrame | pa.Table | list[dict[str, Any]], kind: Kind) -> pa.Table:
    """The rows as an Arrow table with exactly the kind's columns; raises BadInput for unknown columns."""
    if isinstance(rows, list):
        unknown = {key for row in rows for key in row} - set(kind.schema.names)
        _refuse(unknown, kind)
        return pa.Table.from_pylist(rows, schema=kind.schema)
    table = rows.to_arrow() if isinstance(rows, pl.DataFrame) else rows
    _refuse(set(table.column_names) - set(kind.schema.names), kind)
    columns = []
    for field in kind.schema:
        if field.name not in table.column_names:
            columns.append(pa.nulls(table.num_rows, field.type))
        else:
            columns.append(table.column(field.name).cast(field.type))
    return pa.Table.from_arrays(columns, schema=kind.schema)


def _refuse(unknown: set[str], kind: Kind) -> None:
    if unknown:
        raise BadInput(f"a {kind.name} table has no column {', '.join(sorted(unknown))}", hint=f"use {', '.join(kind.schema.names)}")


def read_table(path: Path, kind: Kind, columns: list[str] | None = None) -> pl.DataFrame:
    """Read a table of this kind. Raises NotFound when absent, BadInput when it is of another kind or version."""
    read_header(path, kind)
    return pl.read_parquet(path, columns=columns)


def read_header(path: Path, kind: Kind) -> dict[str, Any]:
    """The header a table was written with, after checking kind and version."""
    if not path.exists():
        raise NotFound(f"no {kind.name} table here", where=str(path))
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"not a Parquet table ({error})", where=str(path), hint="delete the file and run the command again") from error
    stamp = json.loads(metadata.get(STAMP, b"{}"))
    if (stamp.get("kind"), stamp.get("version")) != (kind.name, kind.version):
        found = f"{stamp.get('kind', 'unstamped')} v{stamp.get('version', '?')}"
        raise BadInput(f"expected a {kind.name} table v{kind.version}, found {found}", where=str(path), hint="run the command that made it again")
    header: dict[str, Any] = stamp["header"]
    return header


def table_fingerprint(path: Path) -> str:
    """Short fingerprint of a table file (its bytes; same inputs and seed give the same bytes)."""
    return file_hash(path)[:16]


def content_fingerprint(table: pl.DataFrame) -> str:
    """Short fingerprint of a table's values, whatever the file format."""
    return blake2b(table.write_ndjson().encode())[:16]

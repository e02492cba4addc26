"""Facts in, catalog out: every `<table>.csv` of the facts folders becomes the table of that name, the same rows every time."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl
from sqlalchemy import BigInteger, Boolean, Table
from sqlalchemy.schema import Column

from isocenter.core.errors import BadInput
from isocenter.core.files import blake2b, draft
from isocenter.registry.choose import choose
from isocenter.registry.models import CONFLICT_VIEW, SCHEMA_VERSION, Base

Row = dict[str, Any]
Tables = dict[str, list[Row]]
BLOCK_SIZE = 16384                    # bytes; two dozen small tables would waste larger ones


def build(folders: Sequence[Path], target: Path) -> dict[str, int]:
    """Build the DuckDB catalog at `target` from facts folders (a later folder replaces rows of equal key); rows per table.

    The file is written beside the target and renamed. Raises BadInput for a column or value that the table cannot hold.
    """
    tables = load(folders)
    with draft(target) as temporary:
        write_catalog(temporary, tables)
    return {name: len(rows) for name, rows in tables.items()}


def load(folders: Sequence[Path]) -> Tables:
    """Rows of every table, sorted by key, with the claims chosen and the fingerprint of the facts noted in `catalog_info`."""
    tables = {name: _merge(table, folders) for name, table in Base.metadata.tables.items()}
    choose(tables)
    tables["catalog_info"] = [{"item": "facts", "value": fingerprint(folders)}, {"item": "schema", "value": str(SCHEMA_VERSION)}]
    return tables


def fingerprint(folders: Sequence[Path]) -> str:
    """Short fingerprint of every facts file and of the schema version."""
    parts = [f"{path.name}:{blake2b(path.read_bytes())}" for folder in folders for path in sorted(folder.glob("*.csv"))]
    return blake2b("\n".join([str(SCHEMA_VERSION), *parts]).encode())[:16]


def facts_files(table: str, folder: Path) -> list[Path]:
    """The files of one table: `<table>.csv` and `<table>-<part>.csv`."""
    return sorted([*folder.glob(f"{table}.csv"), *folder.glob(f"{table}-*.csv")])


def read_facts(table: Table, path: Path) -> Iterator[Row]:
    """Typed rows of one facts file. Raises BadInput that names file and line."""
    columns = list(table.columns)
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        if unknown := set(header) - {column.name for column in columns}:
            raise BadInput(f"table {table.name} has no column {', '.join(sorted(unknown))}", where=str(path))
        read = [(column.name, header.index(column.name) if column.name in header else -1, _reader(column)) for column in columns]
        for cells in reader:
            try:
                yield {name: convert(cells[place] if 0 <= place < len(cells) else "") for name, place, convert in read}
            except ValueError as error:
                raise BadInput(str(error), where=f"{path} line {reader.line_num}") from error


def write_facts(table: str, rows: Iterable[Row], path: Path) -> int:
    """Write rows as facts text: header, one row a line, sorted by key, LF; without columns that are empty everywhere."""
    model = Base.metadata.tables[table]
    texts = sorted({tuple(_text(row.get(column.name)) for column in model.columns) for row in rows})
    used = [i for i, column in enumerate(model.columns) if column.primary_key or any(text[i] for text in texts)]
    with draft(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([model.columns.keys()[i] for i in used])
        writer.writerows([text[i] for i in used] for text in texts)
    return len(texts)


def _merge(table: Table, folders: Sequence[Path]) -> list[Row]:
    keys = [column.name for column in table.primary_key.columns]
    rows: dict[tuple[Any, ...], Row] = {}
    for folder in folders:
        for path in facts_files(table.name, folder):
            seen: set[tuple[Any, ...]] = set()
            for row in read_facts(table, path):
                identity = tuple(row[name] for name in keys)
                if identity in seen:
                    raise BadInput(f"{table.name} has two rows {' / '.join(map(str, identity))}", where=str(path))
                seen.add(identity)
                rows[identity] = row
    return [rows[identity] for identity in sorted(rows)]


def _reader(column: Column[Any]) -> Callable[[str], Any]:
    """A function from a cell to a value of the column's type; "" is null, except in a key, where it stays ""."""
    name, empty = column.name, "" if column.primary_key else None
    required = not column.primary_key and not column.nullable

    def nothing() -> Any:
        if required:
            raise ValueError(f"{name} is empty")
        return empty

    def boolean(text: str) -> Any:
        if text not in ("true", "false", ""):
            raise ValueError(f"{name}: {text!r} is neither true nor false")
        return text == "true" if text or required else nothing()

    def number(text: str) -> Any:
        return int(text) if text else nothing()

    def string(text: str) -> Any:
        return text.replace("\\n", "\n") if text else nothing()

    return boolean if isinstance(column.type, Boolean) else number if isinstance(column.type, BigInteger) else string


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("\r\n", "\n").replace("\n", "\\n")


def write_catalog(path: Path, tables: Tables) -> None:
    """Write rows of every table as a DuckDB catalog, replacing the file.

    Blocks are small, and there are no key indexes: `load` has checked the keys, readers scan, and indexes would double the file. Rows go
    through Parquet, because pyarrow and DuckDB import pandas (a second) when rows are handed over in memory.
    """
    path.unlink(missing_ok=True)
    with duckdb.connect() as connection, TemporaryDirectory() as folder:
        connection.execute(f"ATTACH {_quoted(path)} AS made (BLOCK_SIZE {BLOCK_SIZE})")
        connection.execute("USE made")
        for name, rows in tables.items():
            table, batch = Base.metadata.tables[name], Path(folder, f"{name}.parquet")
            pl.DataFrame(rows, schema={column.name: _polars(column) for column in table.columns}, orient="row").write_parquet(batch)
            columns = ", ".join(f'"{column.name}" {_duckdb_type(column)}' for column in table.columns)
            connection.execute(f"CREATE TABLE {name} ({columns})")
            connection.execute(f"INSERT INTO {name} SELECT * FROM read_parquet({_quoted(batch)})")
        connection.execute(CONFLICT_VIEW)
        connection.execute("CHECKPOINT made")
        connection.execute("USE memory")
        connection.execute("DETACH made")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _duckdb_type(column: Column[Any]) -> str:
    kind = "BOOLEAN" if isinstance(column.type, Boolean) else "BIGINT" if isinstance(column.type, BigInteger) else "VARCHAR"
    return kind if column.nullable else f"{kind} NOT NULL"


def _polars(column: Column[Any]) -> pl.DataType:
    return pl.Boolean() if isinstance(column.type, Boolean) else pl.Int64() if isinstance(column.type, BigInteger) else pl.String()

"""SQL that can only read: the catalog, and a workspace's tables as views, in a DuckDB that reaches nothing else.

External access is off, Python variables are not scanned, the configuration is locked, time and memory are limited.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb

from isocenter.core.errors import BadInput, Refused
from isocenter.core.workspace import Workspace
from isocenter.registry.catalog import catalog_path

SECONDS = 30.0
MEMORY = "2GB"
LIMIT = 1000
VIEWS = {"samples": "samples", "annotations": "annotations", "cohorts": "cohorts", "groups": "groups"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Column names and rows; `more` when the limit cut the rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    more: bool


def select(statement: str, workspace: Workspace | None = None, *, limit: int = LIMIT, seconds: float = SECONDS) -> Answer:
    """Run one SELECT. Raises Refused for anything that is no query, BadInput for SQL that fails or takes longer than `seconds`."""
    with reader(workspace) as connection:
        try:
            parsed = connection.extract_statements(statement)
        except duckdb.Error as error:
            raise _bad(error) from error
        if len(parsed) != 1 or parsed[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            raise Refused("only one SELECT is allowed here", hint='isocenter sql "SELECT slug, name FROM dataset LIMIT 5"')
        alarm = threading.Timer(seconds, connection.interrupt)
        alarm.start()
        try:
            cursor = connection.execute(parsed[0])
            rows = cursor.fetchmany(limit + 1)
            return Answer([column[0] for column in cursor.description or []], rows[:limit], len(rows) > limit)
        except duckdb.InterruptException as error:
            raise BadInput(f"the query took longer than {seconds:g} s and was stopped", hint="narrow it, or raise --seconds") from error
        except duckdb.Error as error:
            raise _bad(error) from error
        finally:
            alarm.cancel()


@contextmanager
def reader(workspace: Workspace | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked connection whose schema holds the catalog's tables and the workspace's views."""
    path = catalog_path(workspace)
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
    try:
        connection.execute(f"ATTACH {_literal(str(path))} AS catalog (READ_ONLY)")
        for (name,) in connection.execute("SELECT table_name FROM information_schema.tables WHERE table_catalog = 'catalog'").fetchall():
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM catalog."{name}"')
        if workspace is not None:
            for view, folder in VIEWS.items():
                _register(connection, view, workspace.root / folder)
        folders = [workspace.root / folder for folder in VIEWS.values()] if workspace is not None else []
        allowed = ", ".join(_literal(f"{folder}/") for folder in (*folders, *_register_idc(connection)))
        connection.execute(f"SET allowed_directories = [{allowed}]")
        connection.execute("SET enable_external_access = false")
        connection.execute(f"SET memory_limit = '{MEMORY}'")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def _register(connection: duckdb.DuckDBPyConnection, view: str, folder: Path) -> None:
    """Only files that are the tables of that folder: `groups/D.pairs.parquet` is not a group table."""
    files = [str(path) for path in sorted(folder.glob("*.parquet")) if "." not in path.stem]
    if files:
        stem = "parse_filename(filename, true)"
        listed = ", ".join(map(_literal, files))
        extra = f", {stem} AS {view.removesuffix('s')}" if view in ("cohorts", "groups") else ""
        connection.execute(f"CREATE VIEW {view} AS SELECT * EXCLUDE (filename){extra} FROM read_parquet([{listed}], union_by_name = true, filename = true)")


def _register_idc(connection: duckdb.DuckDBPyConnection) -> list[Path]:
    """View `idc_series`: a row per DICOM series of Imaging Data Commons, where the distribution `idc-index-data` is installed."""
    found = find_spec("idc_index_data")
    if found is None or found.origin is None:
        return []
    home = Path(found.origin).parent
    connection.execute(f"CREATE VIEW idc_series AS SELECT * FROM read_parquet({_literal(str(home / 'idc_index.parquet'))})")
    return [home]


def _bad(error: duckdb.Error) -> BadInput:
    return BadInput(str(error).strip().splitlines()[0], hint="isocenter sql \"SELECT table_name, column_name FROM information_schema.columns WHERE table_catalog = 'catalog'\"")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

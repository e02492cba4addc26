"""Open a DuckDB catalog; when another process holds it, wait a little, then say which process it is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isocenter.core.errors import BadInput, IsocenterError, NotFound
from isocenter.registry.lookup import Query

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PATIENCE_SECONDS = 3.0
PAUSE_SECONDS = 0.1
HOLDER = re.compile(r"held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


@contextmanager
def open_duckdb(path: Path, *, write: bool = False, patience: float = PATIENCE_SECONDS) -> Iterator[DuckDBPyConnection]:
    """A connection, read-only unless `write`. Readers share the file; a writer needs it alone, so keep writing short.

    Raises NotFound when there is no such file (for reading), BadInput when it is no DuckDB file, and IsocenterError naming the
    process that holds the file when it is not free within `patience` seconds.
    """
    import duckdb

    if not write and not path.exists():
        raise NotFound("no catalog here", where=str(path), hint="isocenter catalog build")
    deadline = time.monotonic() + patience
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=not write)
            break
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise BadInput(f"not a catalog of this DuckDB: {str(error).splitlines()[0]}", where=str(path), hint="isocenter catalog build") from error
            if time.monotonic() >= deadline:
                raise _held(path, str(error)) from error
            time.sleep(PAUSE_SECONDS)
        except duckdb.ConnectionException as error:
            raise IsocenterError("this process has the catalog open in the other mode", where=str(path), hint="close that connection first") from error
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def duckdb_query(path: Path) -> Iterator[Query]:
    """A function that runs one SELECT on the catalog file and gives rows as dicts."""
    with open_duckdb(path) as connection:

        def query(sql: str) -> list[dict[str, Any]]:
            cursor = connection.execute(sql)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

        yield query


def _held(path: Path, message: str) -> IsocenterError:
    match = HOLDER.search(message)
    who = f"process {match['pid']} ({Path(match['program']).name or match['program']})" if match else "another process"
    return IsocenterError(f"the catalog is held by {who}", where=str(path), hint="wait until it ends; where several people write, use a PostgreSQL catalog")

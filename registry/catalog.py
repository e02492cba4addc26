"""Where the catalog lies: the packaged DuckDB file, or the workspace's own (shipped facts plus its `facts/`), rebuilt when either changes.

A team's PostgreSQL, named by `$ISOCENTER_CATALOG` or by `catalog = "postgresql://…"` in workspace.toml, goes before both: it is read through a
local copy that is renewed when somebody has written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import blake2b, write_json
from isocenter.core.workspace import Workspace
from isocenter.registry.duckdb_file import duckdb_query, open_duckdb
from isocenter.registry.lookup import Query

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HERE = Path(__file__).parent
SHIPPED_FACTS = HERE / "facts"
CACHE = ".catalog"
SCHEMA = "1"                  # equals models.SCHEMA_VERSION; said again here so that reading never imports SQLAlchemy


def packaged() -> Path:
    """The catalog that came with this isocenter: beside this file in a wheel, at the top of the repository in a checkout."""
    for path in (HERE / "catalog.duckdb", HERE.parent / "catalog.duckdb"):
        if path.exists():
            return path
    raise NotFound("the packaged catalog is missing", where=str(HERE), hint="isocenter catalog build")


def build_target(workspace: Workspace | None) -> Path:
    """Where `catalog build` writes: the workspace's catalog if it has facts of its own, else the packaged file."""
    if workspace is not None and any(workspace.facts.glob("*.csv")):
        return workspace.root / CACHE / "catalog.duckdb"
    beside = HERE / "catalog.duckdb"
    return beside if beside.exists() else HERE.parent / "catalog.duckdb"


def catalog_path(workspace: Workspace | None = None) -> Path:
    """The catalog to read. A workspace without facts of its own reads the packaged one; a team's catalog goes before both."""
    if url := team_url(workspace):
        from isocenter.registry.postgres import pull

        return pull(url, cache_folder() / f"{blake2b(url.encode())[:16]}.duckdb")
    if workspace is None or not any(workspace.facts.glob("*.csv")):
        return packaged()
    target, stamp = workspace.root / CACHE / "catalog.duckdb", workspace.root / CACHE / "stamp.json"
    now = _stamp(workspace)
    if not (target.exists() and stamp.exists() and json.loads(stamp.read_text()) == now):
        from isocenter.registry.build import build

        build([SHIPPED_FACTS, workspace.facts], target)
        write_json(stamp, now)
    return target


def team_url(workspace: Workspace | None = None) -> str | None:
    """The address of the team's PostgreSQL catalog, if one is set."""
    return os.environ.get("ISOCENTER_CATALOG") or (workspace.settings.get("catalog") if workspace is not None else None)


def cache_folder() -> Path:
    """Where copies of a team's catalog are kept: `$ISOCENTER_CACHE`, else the user's cache folder."""
    root = os.environ.get("ISOCENTER_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "isocenter")
    return Path(root) / "team"


@contextmanager
def open_catalog(workspace: Workspace | None = None, path: Path | None = None) -> Iterator[DuckDBPyConnection]:
    """A read-only connection to that catalog (or to the one at `path`); raises BadInput when it has another schema."""
    path = path or catalog_path(workspace)
    with open_duckdb(path) as connection:
        _check(connection, path)
        yield connection


@contextmanager
def catalog_query(workspace: Workspace | None = None, path: Path | None = None) -> Iterator[Query]:
    """A function that runs one SELECT on that catalog and gives rows as dicts."""
    path = path or catalog_path(workspace)
    with open_duckdb(path) as connection:
        _check(connection, path)
    with duckdb_query(path) as query:
        yield query


def _check(connection: DuckDBPyConnection, path: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    found = connection.execute("SELECT value FROM catalog_info WHERE item = 'schema'").fetchone() if "catalog_info" in tables else None
    if found is None or found[0] != SCHEMA:
        raise BadInput(f"the catalog has schema {found[0] if found else 'unknown'}, this isocenter reads {SCHEMA}", where=str(path), hint="isocenter catalog build")


def _stamp(workspace: Workspace) -> dict[str, str]:
    """What the workspace catalog depends on: the version of isocenter, the shipped facts by size and time, its own facts by content."""
    shipped = "".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in sorted(SHIPPED_FACTS.glob("*.csv")))
    own = "".join(f"{path.name}:{blake2b(path.read_bytes())}" for path in sorted(workspace.facts.glob("*.csv")))
    return {"isocenter": version("isocenter"), "schema": SCHEMA, "shipped": blake2b(shipped.encode())[:16], "own": blake2b(own.encode())[:16]}

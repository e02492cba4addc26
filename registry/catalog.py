"""Open the catalog: the packaged DuckDB file, or the workspace's own (shipped facts plus its `facts/`), rebuilt when either changes."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import duckdb

from isocenter.core.errors import BadInput, Conflict, NotFound
from isocenter.core.files import blake2b, write_json
from isocenter.core.workspace import Workspace

HERE = Path(__file__).parent
SHIPPED_FACTS = HERE / "facts"
CACHE = ".catalog"


def packaged() -> Path:
    """The catalog that came with this isocenter: beside this file in a wheel, at the top of the repository in a checkout."""
    for path in (HERE / "catalog.duckdb", HERE.parent / "catalog.duckdb"):
        if path.exists():
            return path
    raise NotFound("the packaged catalog is missing", where=str(HERE), hint="isocenter catalog build")


def catalog_path(workspace: Workspace | None = None) -> Path:
    """The catalog to read. A workspace without facts of its own reads the packaged one."""
    if workspace is None or not any(workspace.facts.glob("*.csv")):
        return packaged()
    target, stamp = workspace.root / CACHE / "catalog.duckdb", workspace.root / CACHE / "stamp.json"
    now = _stamp(workspace)
    if not (target.exists() and stamp.exists() and json.loads(stamp.read_text()) == now):
        from isocenter.registry.build import build

        build([SHIPPED_FACTS, workspace.facts], target)
        write_json(stamp, now)
    return target


def open_catalog(workspace: Workspace | None = None) -> duckdb.DuckDBPyConnection:
    """A read-only connection. Raises Conflict that names the process when another one is writing, BadInput for another schema."""
    path = catalog_path(workspace)
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.IOException as error:
        raise Conflict(f"the catalog is being written by another process: {str(error).splitlines()[0]}", where=str(path),
                       hint="wait for it to finish, then run the command again") from error
    found = connection.execute("SELECT value FROM catalog_info WHERE item = 'schema'").fetchone()
    if found is None or found[0] != SCHEMA:
        raise BadInput(f"the catalog has schema {found and found[0]}, this isocenter reads {SCHEMA}", where=str(path), hint="isocenter catalog build")
    return connection


SCHEMA = "1"                  # equals models.SCHEMA_VERSION; kept here so that reading never imports SQLAlchemy


def fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """Fingerprint of the facts that the catalog was built from; caches are keyed by it."""
    row = connection.execute("SELECT value FROM catalog_info WHERE item = 'facts'").fetchone()
    return str(row[0]) if row else ""


def _stamp(workspace: Workspace) -> dict[str, str]:
    """What the workspace catalog depends on: the version of isocenter, the shipped facts by size and time, its own facts by content."""
    shipped = "".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in sorted(SHIPPED_FACTS.glob("*.csv")))
    own = "".join(f"{path.name}:{blake2b(path.read_bytes())}" for path in sorted(workspace.facts.glob("*.csv")))
    return {"isocenter": version("isocenter"), "schema": SCHEMA, "shipped": blake2b(shipped.encode())[:16], "own": blake2b(own.encode())[:16]}

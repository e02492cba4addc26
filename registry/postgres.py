"""A team's catalog in PostgreSQL: the same tables as the DuckDB file, migrated by Alembic, written by many at once.

Writers take the datasets they touch in a fixed order inside one transaction, so that two of them wait for each other instead of
losing a claim; a transaction that the server gives up on is tried again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Engine, create_engine, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from isocenter.core.errors import BadInput, IsocenterError, MissingExtra
from isocenter.core.files import draft
from isocenter.registry.build import load, write_catalog
from isocenter.registry.choose import choose
from isocenter.registry.duckdb_file import duckdb_query
from isocenter.registry.lookup import Query
from isocenter.registry.models import SCHEMA_VERSION, Base

MIGRATIONS = Path(__file__).parent / "migrations"
CHUNK = 500               # rows of one INSERT; PostgreSQL takes 65,535 parameters
ATTEMPTS = 6
TRY_AGAIN = ("40001", "40P01")   # serialization failure, deadlock
Row = Mapping[str, Any]
T = TypeVar("T")


def is_postgres(url: str) -> bool:
    """Whether an address names a PostgreSQL catalog."""
    return url.split(":", 1)[0].split("+")[0] in ("postgresql", "postgres")


@contextmanager
def open_postgres(url: str) -> Iterator[Engine]:
    """An engine for the URL. Raises MissingExtra without psycopg, BadInput for another kind of URL, IsocenterError without a server."""
    if not is_postgres(url):
        raise BadInput("not the address of a PostgreSQL database", where=_hide(url), hint="postgresql://user@host/database")
    try:
        engine = create_engine("postgresql+psycopg:" + url.split(":", 1)[1])
    except ModuleNotFoundError as error:
        raise MissingExtra("PostgreSQL needs psycopg", hint="pip install 'isocenter[postgres]'") from error
    try:
        yield engine
    except OperationalError as error:
        raise IsocenterError(f"the database does not answer: {str(error.orig).strip().splitlines()[0]}", where=_hide(url)) from error
    finally:
        engine.dispose()


def _hide(url: str) -> str:
    """The URL without a password."""
    head, at, tail = url.rpartition("@")
    scheme, slashes, login = head.partition("://")
    return f"{scheme}{slashes}{login.split(':')[0]}{at}{tail}" if at else url


def migrate(url: str) -> str:
    """Bring the database to the newest schema; its revision afterwards. Several callers at once wait for each other."""
    try:
        from alembic import command
        from alembic.config import Config
        from alembic.runtime.migration import MigrationContext
    except ModuleNotFoundError as error:
        raise MissingExtra("migrations need alembic", hint="pip install 'isocenter[postgres]'") from error
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with open_postgres(url) as engine, engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('isocenter migrations'))"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return MigrationContext.configure(connection).get_current_revision() or ""


def pull(url: str, target: Path) -> Path:
    """The team's catalog as a local DuckDB file at `target`, copied again only when somebody has written since; gives `target`."""
    with open_postgres(url) as engine, engine.connect() as connection:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        if not _is_current(connection, url, target):
            rows = {name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()]
                    for name, table in Base.metadata.tables.items()}
            with draft(target) as temporary:
                write_catalog(temporary, rows)
    return target


def _is_current(connection: Connection, url: str, target: Path) -> bool:
    try:
        now: dict[str, str] = {row.item: row.value for row in connection.execute(text("SELECT item, value FROM catalog_info"))}
    except ProgrammingError as error:
        raise BadInput("this database has no catalog", where=_hide(url), hint="isocenter catalog publish") from error
    if now.get("schema") != str(SCHEMA_VERSION):
        raise BadInput(f"the database has schema {now.get('schema', 'unknown')}, this isocenter writes {SCHEMA_VERSION}", where=_hide(url), hint="isocenter catalog publish")
    if not target.exists():
        return False
    try:
        with duckdb_query(target) as query:
            return {row["item"]: row["value"] for row in query("SELECT item, value FROM catalog_info")} == now
    except BadInput:
        return False


def publish(url: str, folders: Sequence[Path]) -> dict[str, int]:
    """Put the facts of these folders into the database (a row of equal key is replaced); rows written per table.

    Claims that others added stay; the chosen values are computed anew over all of them.
    """
    return add(url, load(folders))


def add(url: str, tables: Mapping[str, Sequence[Row]]) -> dict[str, int]:
    """Add or replace rows in one transaction and choose again for every dataset that has a new claim. Raises BadInput for a broken reference."""
    slugs = sorted({row["slug"] for name in ("dataset", "assertion") for row in tables.get(name, ())})

    def work(connection: Connection) -> dict[str, int]:
        written = {name: _upsert(connection, name, rows) for name, rows in tables.items() if name not in ("assertion", "catalog_info")}
        _hold(connection, slugs)
        written["assertion"] = _upsert(connection, "assertion", tables.get("assertion", ()))
        _choose_again(connection, slugs)
        _upsert(connection, "catalog_info", [{"item": "facts", "value": uuid4().hex[:16]}, {"item": "schema", "value": str(SCHEMA_VERSION)}])
        return {name: count for name, count in written.items() if count}

    with open_postgres(url) as engine:
        return _retrying(engine, work)


def _retrying(engine: Engine, work: Callable[[Connection], T]) -> T:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state == "23503":
                raise BadInput(f"a row refers to something that the catalog does not have: {str(error.orig).strip().splitlines()[-1]}") from error
            if state not in TRY_AGAIN or attempt == ATTEMPTS:
                raise
            time.sleep(random.uniform(0.05, 0.1) * 2**attempt)
    raise AssertionError("unreachable")


def _upsert(connection: Connection, name: str, rows: Sequence[Row]) -> int:
    table = Base.metadata.tables[name]
    keys = [column.name for column in table.primary_key.columns]
    columns = [column.name for column in table.columns]
    ordered = sorted(rows, key=lambda row: [str(row[key]) for key in keys])
    for start in range(0, len(ordered), CHUNK):
        statement = insert(table).values([{column: _value(row.get(column)) for column in columns} for row in ordered[start:start + CHUNK]])
        others = {column: statement.excluded[column] for column in columns if column not in keys}
        update = statement.on_conflict_do_update(index_elements=keys, set_=others) if others else statement.on_conflict_do_nothing(index_elements=keys)
        connection.execute(update)
    return len(ordered)


def _value(value: Any) -> Any:
    """PostgreSQL text holds no NUL."""
    return value.replace("\0", "") if isinstance(value, str) else value


def _hold(connection: Connection, slugs: Sequence[str]) -> None:
    """Lock the datasets in a fixed order until the transaction ends, so that the choice sees every claim."""
    dataset = Base.metadata.tables["dataset"]
    for start in range(0, len(slugs), CHUNK):
        connection.execute(select(dataset.c.slug).where(dataset.c.slug.in_(slugs[start:start + CHUNK])).order_by(dataset.c.slug).with_for_update())


def _choose_again(connection: Connection, slugs: Sequence[str]) -> None:
    """Choose among all claims about these datasets and write back what changed."""
    tables = Base.metadata.tables
    shared = {name: [dict(row) for row in connection.execute(select(tables[name])).mappings()] for name in ("source", "access_rule")}
    for start in range(0, len(slugs), CHUNK):
        some = slugs[start:start + CHUNK]
        rows = {name: [dict(row) for row in connection.execute(select(tables[name]).where(tables[name].c.slug.in_(some))).mappings()]
                for name in ("dataset", "assertion")}
        before = {name: [dict(row) for row in found] for name, found in rows.items()}
        choose({**shared, **rows})
        for name, found in rows.items():
            _upsert(connection, name, [row for row, old in zip(found, before[name]) if row != old])


@contextmanager
def postgres_query(url: str) -> Iterator[Query]:
    """A function that runs one SELECT in a read-only transaction and gives rows as dicts."""
    with open_postgres(url) as engine, engine.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))

        def query(sql: str) -> list[dict[str, Any]]:
            return [dict(row) for row in connection.execute(text(sql.replace(":", "\\:"))).mappings()]

        yield query

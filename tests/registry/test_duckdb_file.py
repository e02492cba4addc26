"""One writer at a time: who finds the catalog held is told by which process, and gets in when that one lets go."""

from __future__ import annotations

import subprocess
import sys
import time

import duckdb
import pytest

from isocenter.core.errors import BadInput, IsocenterError, NotFound
from isocenter.registry.duckdb_file import duckdb_query, open_duckdb

HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'r'); print('held', flush=True); time.sleep(float(sys.argv[3]))"


@pytest.fixture
def catalog(tmp_path):
    path = tmp_path / "catalog.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE dataset AS SELECT 'a' AS slug")
    return path


def holder(path, mode: str, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path), mode, str(seconds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("write", [False, True])
def test_the_process_that_holds_the_catalog_is_named(catalog, write):
    other = holder(catalog, "w", 30)
    with pytest.raises(IsocenterError) as error, open_duckdb(catalog, write=write, patience=0.2):
        pass
    other.kill()
    other.wait()
    assert f"process {other.pid} (python" in str(error.value)


def test_a_short_writer_is_waited_for(catalog):
    other = holder(catalog, "w", 0.6)
    started = time.monotonic()
    with duckdb_query(catalog) as query:
        assert query("SELECT slug FROM dataset") == [{"slug": "a"}]
    assert time.monotonic() - started < 3
    other.wait()


def test_readers_share_the_catalog(catalog):
    other = holder(catalog, "r", 30)
    with open_duckdb(catalog, patience=0) as connection:
        assert connection.execute("SELECT count(*) FROM dataset").fetchone() == (1,)
    other.kill()
    other.wait()


def test_what_is_no_catalog_is_said(tmp_path):
    with pytest.raises(NotFound), open_duckdb(tmp_path / "none.duckdb"):
        pass
    (tmp_path / "text.duckdb").write_text("not a database" * 1000)
    with pytest.raises(BadInput), open_duckdb(tmp_path / "text.duckdb"):
        pass

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from isocenter.core import progress, runs
from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import draft
from isocenter.core.issues import Issues
from isocenter.core.plugins import PluginTable
from isocenter.core.runs import ledger
from isocenter.core.tables import Kind, read_header, read_table, write_table
from isocenter.core.workspace import Workspace

KIND = Kind("things", 1, pa.schema([("name", pa.string()), ("size", pa.int64())]))


def test_an_error_says_what_where_and_what_to_type() -> None:
    assert str(NotFound("btcv has no local copy", where="sources/btcv", hint="isocenter adopt btcv PATH")) == (
        "btcv has no local copy\n  where: sources/btcv\n  try:   isocenter adopt btcv PATH")


def test_issues_know_where_they_were_found(capsys: pytest.CaptureFixture[str]) -> None:
    issues = Issues()
    with issues.at("btcv", "0007"):
        issues.warning("spacing missing")
        issues.error("label 14 is not in the map")
    issues.print(sys.stdout)
    assert capsys.readouterr().out == "error: [btcv > 0007] label 14 is not in the map\nwarning: [btcv > 0007] spacing missing\n"


def test_a_table_comes_back_with_its_header(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", [{"name": "a"}], KIND, {"made": "by hand"})
    assert read_table(tmp_path / "t.parquet", KIND).to_dicts() == [{"name": "a", "size": None}]
    assert read_header(tmp_path / "t.parquet", KIND) == {"made": "by hand"}


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", [{"name": "a"}], KIND)
    with pytest.raises(BadInput, match="things table v2, found things v1"):
        read_table(tmp_path / "t.parquet", Kind("things", 2, KIND.schema))


def test_a_column_that_the_kind_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no column colour"):
        write_table(tmp_path / "t.parquet", [{"colour": "red"}], KIND)


def _write_half(path: Path) -> None:
    with draft(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("power cut")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="power"):
        _write_half(path)
    assert [file.name for file in tmp_path.iterdir()] == ["f.txt"]
    assert path.read_text() == "old"


def test_a_folder_that_is_no_workspace_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="isocenter init"):
        Workspace.open(tmp_path)


def test_the_ledger_keeps_an_entry_of_a_failed_command(workspace: Workspace) -> None:
    with pytest.raises(RuntimeError), ledger(workspace, "merge", datasets=["a"]):
        raise RuntimeError
    entry = json.loads(next(workspace.runs.glob("*-merge.json")).read_text())
    assert (entry["outcome"], entry["parameters"]) == ("failed", {"datasets": ["a"]})


def test_what_only_reads_works_where_no_entry_can_be_written_and_a_writer_fails_there(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(runs, "write_json", refuse)
    with ledger(workspace, "compare", alone=False) as run:
        run.counts["pairs"] = 1
    with pytest.raises(OSError, match="Read-only"), ledger(workspace, "merge"):
        pass


def test_a_file_in_the_users_folder_is_a_plugin(tmp_path: Path) -> None:
    table = PluginTable("strategies", "isocenter.curate.strategies", ("pick",))
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "first_come.py").write_text("needs = ()\ndef pick(pool, budget, *, seed): return budget\n")
    assert "first-come" in table.names(tmp_path)
    assert table.get("first-come", tmp_path).pick(None, 3, seed=0) == 3


def test_a_misspelt_plugin_is_guessed() -> None:
    with pytest.raises(NotFound, match="did you mean random"):
        PluginTable("strategies", "isocenter.curate.strategies", ("pick",)).get("randon")


def test_a_plugin_without_its_function_is_refused(tmp_path: Path) -> None:
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "empty.py").write_text("")
    with pytest.raises(BadInput, match="lacks pick"):
        PluginTable("strategies", "isocenter.curate.strategies", ("pick",)).get("empty", tmp_path)


def test_the_command_line_loads_nothing_heavy_for_help() -> None:
    code = "import sys; from isocenter.cli.main import cli; cli.main(['--help'], standalone_mode=False); print(sorted({'torch','polars','duckdb','pyarrow','sqlalchemy','faiss','numpy'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"


def test_time_left_is_told_of_steady_work_only_and_without_the_start_up() -> None:
    assert progress._pace(1, 0.0, 1000) == ""                              # the first item came late; it says nothing of the rest
    assert progress._pace(11, 5.0, 1000) == ", 2.0/s"                      # a rate, and too little of the whole for time left
    assert progress._pace(101, 10.0, 1000) == ", 10/s, 90 s left"
    assert progress._pace(41, 20.0, 100_000) == ", 2.0/s, 49980 s left"    # long work tells it sooner or later
    assert progress._pace(101, 10.0, None) == ", 10/s"

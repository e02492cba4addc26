"""Two processes in one workspace: who writes is alone, who comes second is told, and a killed one is no obstacle."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from isocenter.core.errors import Conflict
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace

HOLDS = """
import sys
from pathlib import Path
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
with ledger(Workspace.open(Path(sys.argv[1])), "build"):
    print("works", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def builder(workspace: Workspace) -> Iterator[subprocess.Popen[str]]:
    """Another process that builds in this workspace."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(workspace.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "works\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_writer_is_told_who_works_there_and_leaves_no_entry(workspace: Workspace, builder: subprocess.Popen[str]) -> None:
    with pytest.raises(Conflict, match=rf"another `isocenter build` \(process {builder.pid}, since .*\) works in this workspace") as refused, ledger(workspace, "merge"):
        raise AssertionError("two write at once")
    assert refused.value.where == str(workspace.root)
    assert not list(workspace.runs.glob("*.json"))


def test_who_only_reads_and_a_dry_run_never_wait(workspace: Workspace, builder: subprocess.Popen[str]) -> None:
    with ledger(workspace, "compare", alone=False), ledger(workspace, "merge", dry_run=True):
        pass
    assert [path.name.rsplit("-")[-1] for path in workspace.runs.glob("*.json")] == ["compare.json"]


def test_a_killed_process_is_no_obstacle(workspace: Workspace, builder: subprocess.Popen[str]) -> None:
    builder.kill()
    builder.wait()
    with ledger(workspace, "merge") as run:
        run.counts["samples"] = 1
    assert (workspace.runs / ".lock").read_text() == ""


def test_a_verb_inside_a_verb_holds_the_lock_already_and_lets_the_outer_keep_it(workspace: Workspace) -> None:
    with ledger(workspace, "build"):
        with ledger(workspace, "scan"):
            pass
        assert '"build"' in (workspace.runs / ".lock").read_text()


def test_a_colleague_who_may_write_the_folder_may_lock_it(tmp_path: Path) -> None:
    shared = Workspace.create(tmp_path / "shared")
    shared.runs.mkdir(mode=0o777)
    shared.runs.chmod(0o777)
    with ledger(shared, "merge"):
        assert (shared.runs / ".lock").stat().st_mode & 0o777 == 0o666

"""A folder that may not be written and a full disk end in three lines, not in a traceback."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from isocenter.cli.main import main
from isocenter.cli.system_errors import told
from isocenter.core.workspace import Workspace

CAPABILITIES = (1, 2, 3)               # with which root overrides the permissions of files (linux/capability.h)
DROP_FROM_BOUNDING_SET = 24


def as_anybody() -> None:
    """Give up what root may do to files that others may not; nothing to give up elsewhere."""
    if os.geteuid() == 0:
        for capability in CAPABILITIES:
            ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)


@pytest.fixture
def closed(workspace: Workspace) -> Iterator[Path]:
    """A workspace that may be read only."""
    if not sys.platform.startswith("linux") and os.geteuid() == 0:
        pytest.skip("root may write everywhere here")
    workspace.runs.mkdir()
    for folder in (workspace.runs, workspace.root):
        folder.chmod(0o555)
    yield workspace.root
    for folder in (workspace.root, workspace.runs):
        folder.chmod(0o755)


@pytest.mark.parametrize("words", [["merge", "a", "--as", "m"], ["adopt", "a", "/tmp"]])
def test_a_workspace_that_may_not_be_written_is_three_lines(closed: Path, words: list[str]) -> None:
    ended = subprocess.run([sys.executable, "-c", "from isocenter.cli.main import main; main()", *words, "--workspace", str(closed)],
                           capture_output=True, text=True, preexec_fn=as_anybody, check=False)
    assert ended.returncode == 1
    assert ended.stderr == f"error: no permission to write here\n  where: {closed}\n  try:   a workspace of your own (--workspace DIR), or chmod -R u+w {closed} if it is yours\n"


def test_a_full_disk_says_so_and_that_the_same_command_goes_on(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("isocenter.harmonize.source.write_text", full)
    with pytest.raises(SystemExit) as left:
        main(["adopt", "a", str(tmp_path), "--workspace", str(workspace.root)])
    assert left.value.code == 1
    assert capsys.readouterr().err.startswith(f"error: the disk is full\n  where: {workspace.root}\n  try:   make room (df -h {workspace.root})")


def test_an_error_that_may_be_our_own_keeps_its_traceback() -> None:
    assert told(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None

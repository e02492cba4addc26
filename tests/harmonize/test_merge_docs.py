"""Every command of the how-to on merging runs as it is printed."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.workspace import Workspace
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "merge.md").read_text(encoding="utf-8")
COMMANDS = [line for line in PAGE.splitlines() if line.startswith("isocenter ")]
LAYOUT = """images = "{image}.png"
[[tables]]
file = "t.csv"
on = "image"
columns = { age = "age" }
[[labels]]
column = "finding"
mode = "list"
separator = "|"
values = { P = "pneumonia", E = "pleural effusion", I = "infiltration", "P?" = { term = "pneumonia", state = "uncertain" } }
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two film collections that share a film and contradict each other on it, and the space of the page."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create(tmp_path / "work")
    for name, findings in (("north", ["P", "E|I", "P?"]), ("south", ["E", "P|E", "I"])):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.fromarray(np.full((8, 8), 40 + number + (100 if name == "south" and number else 0), np.uint8)).save(tmp_path / name / f"{number}.png")
        with (tmp_path / name / "t.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["image", "age", "finding"], *([str(number), "60", found] for number, found in enumerate(findings))])
        (tmp_path / f"{name}.toml").write_text(LAYOUT.replace('on = "image"', 'on = "image"\nto = "{image}"'))
        adopt(workspace, name, tmp_path / name, layout=str(tmp_path / f"{name}.toml"))
        scan(workspace, name)
    (tmp_path / "space.toml").write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])
    return tmp_path


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 8


def test_every_command_runs(folder: Path) -> None:
    for command in COMMANDS:
        result = CliRunner().invoke(cli, shlex.split(command)[1:], standalone_mode=False)
        assert result.exception is None, (command, result.exception)
        assert "ledger: " in result.output, command
        assert "there is no disagreement" not in result.output, command

"""Adopting says which layout would read labels, whose licence counts, and what else the folder is; scan, status and merge agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.workspace import Workspace


def run(*words: str) -> str:
    return CliRunner().invoke(cli, words).output


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Pictures where the layout of BCCD looks for them, in a folder whose name has a space."""
    root = tmp_path / "my films"
    for folder in ("BCCD/JPEGImages", "BCCD/Annotations"):
        (root / folder).mkdir(parents=True)
    for number in (1, 2):
        Image.new("RGB", (8, 8)).save(root / f"BCCD/JPEGImages/BloodImage_0000{number}.jpg")
        (root / f"BCCD/Annotations/BloodImage_0000{number}.xml").write_text("<annotation/>")
    return root


def test_the_next_line_offers_the_layout_that_reads_labels_and_the_scan_without(workspace: Workspace, films: Path) -> None:
    shown = run("adopt", "cells", str(films), "-w", str(workspace.root))
    assert "looks like layout bccd; until it is adopted so, files are read by their content alone, and no labels" in shown
    assert shown.splitlines()[-1] == (f"next: isocenter adopt cells '{films}' --layout bccd --workspace {workspace.root}, "
                                      f"or as it is: isocenter scan cells --workspace {workspace.root}")


def test_the_claim_of_the_catalog_is_said_by_adopt_and_status_as_by_export(workspace: Workspace, films: Path, tmp_path: Path) -> None:
    home = ("-w", str(workspace.root))
    assert "licence MIT (claimed in the catalog)" in run("adopt", "bccd", str(films), *home)
    assert "MIT (claimed in the catalog)" in run("status", *home)
    run("scan", "bccd", *home)
    run("merge", "bccd", "--as", "cells", *home)
    run("export", "cells", str(tmp_path / "out"), *home)
    assert "MIT (claimed in the catalog)" in (tmp_path / "out/ATTRIBUTION.md").read_text()


def test_one_folder_under_two_names_and_one_name_twice_are_said(workspace: Workspace, films: Path) -> None:
    home = ("-w", str(workspace.root))
    run("adopt", "one", str(films), *home)
    assert "warning: this folder is also one: a merge of both holds every sample twice" in run("adopt", "two", str(films), *home)
    run("scan", "one", *home)
    assert "warning: one is named 2 times and taken once" in run("merge", "one", "one", "--as", "all", *home)

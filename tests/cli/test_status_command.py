"""Status shows what came from what, and how each dataset is read and licensed."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import COHORT, Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt


def made(workspace: Workspace, name: str, parent: Cohort | None = None) -> Cohort:
    """An empty cohort, merged or made from another."""
    table = pl.DataFrame(COHORT.schema.empty_table())
    merged = Cohort(name, table, {"verb": "merge", "parameters": {}, "parent": None, "lineage": []})
    return (parent.next(name, table, "dedup") if parent is not None else merged).save(workspace)


def test_cohorts_stand_below_what_they_came_from_and_datasets_with_layout_and_licence(workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "films", tmp_path, license="CC0-1.0")
    first = made(workspace, "z-all")
    made(workspace, "a-few", made(workspace, "m-unique", first))
    made(workspace, "b-other", first)
    call = ["status", "-w", str(workspace.root)]
    shown = CliRunner().invoke(cli, call).output.splitlines()
    assert [line.split("  0")[0].rstrip() for line in shown[6:10]] == ["z-all", "  b-other", "  m-unique", "    a-few"]
    assert shown[3].split()[:5] == ["films", "not", "scanned", "0", "folder"]
    assert "CC0-1.0" in shown[3]
    assert [row["depth"] for row in json.loads(CliRunner().invoke(cli, [*call, "--json"]).output)["cohorts"]] == [0, 1, 1, 2]
    assert shown[-1].startswith("next: isocenter scan films")


def test_a_dataset_adopted_anew_and_cohorts_older_than_it_are_marked(workspace: Workspace, tmp_path: Path) -> None:
    folder, call = tmp_path / "films", ["status", "-w", str(workspace.root)]
    folder.mkdir()
    for number in (1, 2):
        Image.new("L", (8, 8), number).save(folder / f"{number}.png")
    adopt(workspace, "films", folder)
    scan(workspace, "films")
    merge(workspace, ["films"], name="all")
    assert "outdated" not in CliRunner().invoke(cli, call).output
    adopt(workspace, "films", folder, license="CC0-1.0")
    shown = CliRunner().invoke(cli, call).output
    assert "2 (adopted anew since)" in shown
    assert f"next: isocenter scan films --workspace {workspace.root}" in shown
    (folder / "2.png").unlink()
    scan(workspace, "films")
    assert "outdated: dataset films has changed" in CliRunner().invoke(cli, call).output

"""Two annotation schemes of one set of blood smears become one picture each, with the boxes of both and none twice, as a user types it."""

from __future__ import annotations

import json
import shutil
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.curate.duplicates.carry import overlap

SMEARS = [f"BloodImage_{i:05d}" for i in range(6)]


@pytest.fixture
def schemes(extra_data: Path, tmp_path: Path) -> Path:
    for name, source in (("bccd", "set_c_bccd"), ("cosmicad", "set_d_cosmicad")):
        for smear in SMEARS:
            for folder, ending in (("JPEGImages", "jpg"), ("Annotations", "xml")):
                (tmp_path / name / folder).mkdir(parents=True, exist_ok=True)
                shutil.copy(extra_data / "blood" / source / folder / f"{smear}.{ending}", tmp_path / name / folder)
    return tmp_path


def run(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(cli, [*arguments, "--json"], standalone_mode=False)
    assert result.exception is None, result.exception
    return dict(json.loads(result.stdout))


def boxes(folder: Path) -> dict[int, list[tuple[int, tuple[float, float, float, float]]]]:
    found: dict[int, list[tuple[int, tuple[float, float, float, float]]]] = {}
    for mark in json.loads((folder / "annotations/train.json").read_text())["annotations"]:
        x, y, width, height = mark["bbox"]
        found.setdefault(mark["image_id"], []).append((mark["category_id"], (x, y, x + width, y + height)))
    return found


def test_smears_under_two_schemes_keep_the_boxes_of_both_once(schemes: Path) -> None:
    work = ("--workspace", str(schemes / "work"))
    CliRunner().invoke(cli, ["init", str(schemes / "work")], standalone_mode=False)
    for name in ("bccd", "cosmicad"):
        run("adopt", name, str(schemes / name), "--layout", "bccd", "--dataset", name, *work)
        run("scan", name, *work)
    run("merge", "bccd", "cosmicad", "--as", "both", *work)
    run("merge", "bccd", "--as", "one", *work)
    assert run("dedup", "both", "--exact", "--as", "unique", *work)["groups"] == len(SMEARS)
    for cohort in ("one", "unique"):
        run("export", cohort, "--to", "coco", str(schemes / cohort), *work)
    alone, together = boxes(schemes / "one"), boxes(schemes / "unique")
    assert len(together) == len(SMEARS)
    assert sum(map(len, together.values())) > sum(map(len, alone.values()))
    doubled = [(a, b) for marks in together.values() for (term, a), (other, b) in combinations(marks, 2) if term == other and overlap(a, b) >= 0.6]
    assert doubled == []

"""adopt, scan, check, dedup and demo say what they would do, and leave no trace of having been asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.errors import NotFound


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three films and their table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films").mkdir()
    for number in range(3):
        Image.new("L", (16, 16), 60 * number).save(tmp_path / f"films/{number}.png")
    (tmp_path / "films/t.csv").write_text("file,class\n0.png,pneumonia\n1.png,normal\n")
    return tmp_path


def run(*words: str) -> str:
    return str(CliRunner().invoke(cli, list(words), catch_exceptions=False).output)


def asked(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json"))
    return found


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_adopting_says_the_layout_and_makes_neither_workspace_nor_layout(home: Path) -> None:
    before = files(home)
    assert run("adopt", "films", "films", "--dataset", "nobody-knows-this", "-w", "new", "--dry-run").splitlines()[-1] == "(dry run: nothing written)"
    assert files(home) == before
    run("init", "w")
    before = files(home)
    told = asked("adopt", "films", "films", "--table", "t.csv", "--label", "class:exclusive", "-w", "w", "--dry-run")
    assert (told["layout"], told["written"]) == (str(home / "w/plugins/layouts/films.toml"), False)
    assert files(home) == before
    with pytest.raises(NotFound, match="no such folder"):
        run("adopt", "films", "nowhere", "-w", "w", "--dry-run")


def test_scanning_counts_what_there_is_to_read_and_what_names_say(home: Path) -> None:
    run("init", "w")
    run("adopt", "films", "films", "--table", "t.csv", "--label", "class:exclusive", "-w", "w")
    before = files(home)
    told = asked("scan", "films", "-w", "w", "--dry-run")
    assert {key: told[key] for key in ("files", "to_read", "stands", "written")} == {"files": 4, "to_read": 4, "stands": False, "written": False}
    assert files(home) == before
    run("scan", "films", "-w", "w")
    assert "nothing changed: the tables that are there stand" in run("scan", "films", "-w", "w", "--dry-run")
    Image.new("L", (16, 16), 255).save(home / "films/3.png")
    told = asked("scan", "films", "-w", "w", "--dry-run")
    assert (told["to_read"], told["stands"]) == (1, False)
    assert asked("scan", "films", "-w", "w", "--dry-run", "--force")["to_read"] == 5


def test_scanning_with_patterns_sorts_the_names(home: Path) -> None:
    (home / "l.toml").write_text('images = "{n}.png"\nexclude = ["2.png"]\n[[tables]]\nfile = "t.csv"\non = "file"\n')
    run("init", "w")
    run("adopt", "films", "films", "--layout", "l.toml", "-w", "w")
    assert asked("scan", "films", "-w", "w", "--dry-run")["by_name"] == {"excluded": 1, "image": 2, "table": 1}


def test_looking_for_copies_finds_them_and_keeps_nothing_of_what_it_decoded(home: Path) -> None:
    with Image.open(home / "films/1.png") as film:
        film.save(home / "films/again.png", compress_level=0)
    run("init", "w")
    run("adopt", "films", "films", "-w", "w")
    run("scan", "films", "-w", "w")
    run("merge", "films", "--as", "all", "-w", "w")
    before = files(home)
    told = asked("dedup", "all", "--exact", "--as", "unique", "-w", "w", "--dry-run")
    assert (told["dropped"], told["pairs"], told["written"]) == (1, [{"net": "pixel", "verdict": "same", "pairs": 1}], False)
    assert files(home) == before


def test_checking_counts_what_it_would_decode(home: Path) -> None:
    run("init", "w")
    run("adopt", "films", "films", "-w", "w")
    run("scan", "films", "-w", "w")
    before = files(home)
    assert asked("check", "films", "-w", "w", "--dry-run") == {"dataset": "films", "to_check": 3, "done": 0, "written": False}
    assert files(home) == before
    run("check", "films", "-w", "w")
    assert asked("check", "films", "-w", "w", "--dry-run")["done"] == 3


def test_harmonizing_says_the_geometry_and_repeats_it_in_what_to_type(home: Path) -> None:
    (home / "ct").mkdir()
    nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)).to_filename(home / "ct/a.nii.gz")
    run("init", "w")
    run("adopt", "ct", "ct", "-w", "w")
    run("scan", "ct", "-w", "w")
    shown = run("harmonize", "ct", "--spacing", "1,1,3", "--dry-run", "--workspace", "w").splitlines()
    assert shown[0] == "ct: 0 series and 1 volume files to convert, 0 done; then 1 volume into geometry RAS-1x1x3"
    assert shown[-1] == "next: isocenter harmonize --workspace w ct --spacing 1,1,3"
    assert not (home / "w/store").exists()


def test_the_demo_says_what_it_is_made_of(home: Path) -> None:
    told = asked("demo", "--dry-run")
    assert (told["datasets"], told["stages"][0], told["stages"][-1]) == (["north", "south", "pydicom", "nibabel"], "scan", "export")
    assert not (home / "demo-workspace").exists()

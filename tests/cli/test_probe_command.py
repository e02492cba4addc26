"""`isocenter probe` on a folder and on a cohort: a table per change, copies with a manifest, and what it leaves out."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.curate.probe.copies import Copy
from isocenter.curate.probe.pictures import of_folder
from isocenter.embeddings.pink import pink_pictures


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures, one of them in a folder below, a text and a volume."""
    root = tmp_path_factory.mktemp("probe") / "films"
    (root / "below").mkdir(parents=True)
    for number, picture in enumerate(pink_pictures(6, 128, seed=9)):
        Image.fromarray(picture).save(root / ("below" if number == 5 else ".") / f"{number}.png")
    (root / "notes.txt").write_text("no picture")
    np.save(root / "volume.npy", np.zeros((9, 8, 7), np.int16))
    return root


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(words), standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.stdout


def test_the_search_is_measured_per_change_and_severity(folder: Path) -> None:
    status, told = run("probe", str(folder), "--only", "crop:1", "--only", "gaussian-noise:5", "--copies", "2", "--json")
    body = json.loads(told)
    assert status == 3
    assert set(body["left_out"]) == {"notes.txt", "volume.npy"}
    assert [(row["change"], row["joined"]) for row in body["rows"]] == [("crop", 2), ("gaussian-noise", 0)]
    assert body["wrong"] == 0


def test_an_encoder_is_measured_by_whose_original_is_nearest(folder: Path) -> None:
    _, told = run("probe", str(folder), "--with", "thumbnail", "--only", "brightness-up", "--copies", "3")
    assert told.splitlines()[-1].split() == ["brightness-up", "1.00", "1.00", "1.00", "1.00", "1.00"]


def test_copies_are_written_with_a_manifest_that_makes_them_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("probe", str(folder), "--only", "jpeg:3", "--copies", "4", "--write", str(out), "--dry-run")
    assert not out.exists()
    run("probe", str(folder), "--only", "jpeg:3", "--copies", "4", "--write", str(out))
    rows = list(csv.DictReader((out / "manifest.csv").open()))
    pictures, _ = of_folder(folder)
    assert len({row["original"] for row in rows}) == 4
    for row in rows:
        again = Copy(row["original"], row["change"], int(row["severity"]), int(row["seed"])).of(pictures[row["original"]])
        np.testing.assert_array_equal(np.asarray(Image.open(out / row["file"])), again)
    status = CliRunner().invoke(cli, ["probe", str(folder), "--only", "crop:1", "--write", str(out)])
    assert status.exit_code == 1
    assert "the folder is not empty" in str(status.exception)


def test_what_is_neither_cohort_nor_folder_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["probe", str(tmp_path / "none")])
    assert "neither a cohort of a workspace nor a folder" in str(result.exception)

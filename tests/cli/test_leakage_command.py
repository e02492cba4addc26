"""`isocenter leakage` and `isocenter dedup --sheets` as a user types them, on two small datasets that share pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.ndimage import gaussian_filter

from isocenter.cli.main import cli


def scene(seed: int, side: int = 160) -> np.ndarray:
    rng = np.random.default_rng(seed)
    field = sum(gaussian_filter(rng.normal(size=(side, side)), s) * s for s in (1, 3, 9))
    return ((field - field.min()) / np.ptp(field) * 255).astype(np.uint8)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """North and south: one equal file, one picture that south stored as JPEG and cropped; the rest differ."""
    for name, seeds in (("north", range(4)), ("south", range(10, 13))):
        (tmp_path / name).mkdir()
        for seed in seeds:
            Image.fromarray(scene(seed)).save(tmp_path / name / f"{seed}.png")
    Image.fromarray(scene(0)).save(tmp_path / "south" / "same.png")
    Image.fromarray(scene(1)[8:, :150]).save(tmp_path / "south" / "cut.jpg", quality=80)
    return tmp_path


def run(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(cli, [*arguments, "--json"], standalone_mode=False)
    assert result.exception is None, result.exception
    return dict(json.loads(result.stdout))


def test_pictures_of_two_datasets_leak_and_sheets_show_them(two: Path) -> None:
    work = ("--workspace", str(two / "work"))
    CliRunner().invoke(cli, ["init", str(two / "work")], standalone_mode=False)
    for name in ("north", "south"):
        run("adopt", name, str(two / name), *work)
        run("scan", name, *work)
    run("merge", "north", "south", "--as", "all", *work)
    before = run("leakage", "all", "--across", "dataset", *work)
    assert before["pictures_compared"] is False
    found = run("dedup", "all", "--as", "unique", "--sheets", str(two / "sheets"), *work)
    assert found["dropped"] == 2
    assert len(found["sheets"]) == 1  # type: ignore[arg-type]
    page = np.asarray(Image.open(found["sheets"][0]))  # type: ignore[index]
    assert page.std() > 10
    after = run("leakage", "all", "--across", "dataset", *work)
    assert after["pictures_compared"] is True
    assert {(leak["kind"], Path(leak["b"]).name) for leak in after["leaks"]} == {("picture", "same.png"), ("picture", "cut.jpg")}  # type: ignore[attr-defined]


def test_against_names_sides_by_cohort_and_split_and_tells_of_the_same_sample(two: Path) -> None:
    work = ("--workspace", str(two / "work"))
    CliRunner().invoke(cli, ["init", str(two / "work")], standalone_mode=False)
    run("adopt", "north", str(two / "north"), *work)
    run("scan", "north", *work)
    run("merge", "north", "--as", "all", *work)
    run("merge", "north", "--where", "sample_id LIKE '%/1.png'", "--as", "benchmark", *work)
    run("split", "all", "--ratio", "train=0.5,test=0.5", "--as", "sides", *work)
    found = run("leakage", "sides", "--against", "benchmark", *work)
    assert found["sides"] == {"benchmark": 1, "sides: test": 2, "sides: train": 2}
    assert [(leak["kind"], Path(leak["a"]).name) for leak in found["leaks"]] == [("sample", "1.png")]  # type: ignore[attr-defined]
    assert run("leakage", "benchmark", "--against", "all", *work)["sides"] == {"all": 4, "benchmark": 1}


def test_every_leaking_sample_is_listed_and_the_list_is_what_select_leaves_out(two: Path) -> None:
    work = ("--workspace", str(two / "work"))
    CliRunner().invoke(cli, ["init", str(two / "work")], standalone_mode=False)
    for name in ("north", "south"):
        run("adopt", name, str(two / name), *work)
        run("scan", name, *work)
    run("merge", "north", "south", "--as", "all", *work)
    run("merge", "north", "--as", "train", *work)
    run("merge", "south", "--as", "benchmark", *work)
    run("dedup", "all", "--as", "unique", *work)
    found = run("leakage", "train", "--against", "benchmark", "--list", str(two / "leaking.csv"), *work)
    assert found["samples"] == ["north@unversioned/0.png", "north@unversioned/1.png"]
    rows = [line.split(",")[:3] for line in (two / "leaking.csv").read_text().splitlines()]
    assert rows == [["sample_id", "side", "kind"], ["south@unversioned/cut.jpg", "benchmark", "picture"], ["south@unversioned/same.png", "benchmark", "picture"],
                    ["north@unversioned/0.png", "train", "picture"], ["north@unversioned/1.png", "train", "picture"]]
    run("leakage", "train", "--against", "benchmark", "--list", str(two / "leaking.txt"), *work)
    run("select", "train", "--as", "clean", "--by", "random", "--budget", "100%", "--exclude", str(two / "leaking.txt"), *work)
    assert run("leakage", "clean", "--against", "benchmark", *work)["leaks"] == []

"""Claims about `isocenter check` on a small dataset of pictures with masks."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli

RNG = np.random.default_rng(4)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.stdout


@pytest.fixture
def work(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    disc = (np.hypot(*np.mgrid[-40:40, -50:50]) < 20).astype(np.uint8) * 255
    for name, image, mask in (
        ("good", RNG.integers(0, 255, (80, 100)), disc), ("flat", np.full((80, 100), 7), disc), ("inverted", RNG.integers(0, 255, (80, 100)), 255 - disc)):
        Image.fromarray(image.astype(np.uint8)).save(tmp_path / f"data/images/{name}.png")
        Image.fromarray(mask.astype(np.uint8)).save(tmp_path / f"data/masks/{name}.png")
    (tmp_path / "skin.toml").write_text(
        'description = "d"\nevidence = "made for this test"\nimages = "images/{case}.png"\n[[masks]]\npattern = "masks/{case}.png"\nterm = "melanoma"\n')
    where = ("--workspace", str(tmp_path / "work"))
    run("init", str(tmp_path / "work"))
    run("adopt", "skin", str(tmp_path / "data"), "--layout", str(tmp_path / "skin.toml"), *where)
    run("scan", "skin", *where)
    return tmp_path / "work", where


def issues(folder) -> dict[str, list[str]]:
    table = pl.read_parquet(folder / "samples" / "skin.parquet", columns=["uri", "issues"])
    return {uri.split("/")[-1]: found for uri, found in table.iter_rows()}


def test_findings_join_the_sample_table_under_their_codes(work):
    folder, where = work
    body = json.loads(run("check", "skin", "--json", *where))
    assert body["findings"] == {"constant_image": 1, "mask_inverted": 1}
    found = issues(folder)
    assert found["good.png"] == []
    assert found["flat.png"] == ["constant_image: every voxel is 7"]
    assert found["inverted.png"][0].startswith("mask_inverted: mask masks/inverted.png: ")


def test_a_second_check_says_the_same_once_and_reads_no_pixels(work, monkeypatch):
    folder, where = work
    run("check", "skin", *where)
    before = issues(folder)
    monkeypatch.setattr("isocenter.harmonize.decode.Decoder.loader_with_axes", lambda *_: pytest.fail("decoded again"))
    run("check", "skin", *where)
    assert issues(folder) == before


def test_a_check_cut_short_goes_on_where_it_was(work):
    folder, where = work
    run("check", "skin", *where)
    memory = folder / "inventory" / "skin.checks.jsonl"
    lines = memory.read_text().splitlines(keepends=True)
    memory.write_text(lines[0] + lines[1][:20])
    run("check", "skin", *where)
    assert sum(map(len, issues(folder).values())) == 2

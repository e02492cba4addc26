"""Claims about `isocenter derive`, walked as a user walks it."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli

LAYOUT = """
description = "two organs"
evidence = "made for this test"
modality = "CT"
images = "images/{case}.nii.gz"
[[masks]]
pattern = "labels/{case}.nii.gz"
labels = "organs"
[[labels]]
name = "organs"
values = { "1" = "liver", "2" = "spleen" }
"""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.return_value or 0, result.stdout


@pytest.fixture
def work(tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    mask = np.zeros((12, 12, 6), np.uint8)
    mask[2:6, 2:6, 1:4], mask[8:10, 8:10, 2:4] = 1, 2
    for case in ("a", "b"):
        affine = np.diag([2.0, 2.0, 5.0, 1.0])
        nib.save(nib.Nifti1Image(np.random.default_rng(1).normal(0, 99, mask.shape).astype(np.int16), affine), tmp_path / f"data/images/{case}.nii.gz")
        nib.save(nib.Nifti1Image(mask, affine), tmp_path / f"data/labels/{case}.nii.gz")
    (tmp_path / "organs.toml").write_text(LAYOUT)
    where = ("--workspace", str(tmp_path / "work"))
    run("init", str(tmp_path / "work"))
    run("adopt", "ct", str(tmp_path / "data"), "--layout", str(tmp_path / "organs.toml"), *where)
    run("scan", "ct", *where)
    return tmp_path / "work", where


def test_measures_join_the_annotation_table_and_replace_themselves(work):
    folder, where = work
    assert run("derive", "ct", "--what", "volumes,boxes", *where)[0] == 0
    run("derive", "ct", "--what", "volumes", *where)
    rows = pl.read_parquet(folder / "annotations" / "ct.parquet")
    assert rows.filter(pl.col("kind") == "mask").height == 4
    volumes = rows.filter(pl.col("annotator") == "isocenter derive volumes/1")
    assert sorted(volumes["term"].to_list()) == ["liver", "liver", "spleen", "spleen"]
    assert json.loads(volumes.filter(pl.col("term") == "liver")["geometry"][0])["volume_ml"] == 48 * 20 / 1000
    assert rows.filter(pl.col("kind") == "box").height == 4
    assert volumes["machine_made"].all()


def test_a_dry_run_writes_nothing(work):
    folder, where = work
    before = (folder / "annotations" / "ct.parquet").read_bytes()
    status, printed = run("derive", "ct", "--what", "sizes", "--dry-run", "--json", *where)
    assert status == 0
    assert json.loads(printed)["rows"] == {"sizes": 4}
    assert (folder / "annotations" / "ct.parquet").read_bytes() == before


def test_a_mask_that_is_gone_is_named_and_the_others_are_measured(work, tmp_path):
    _, where = work
    (tmp_path / "data/labels/a.nii.gz").unlink()
    status, printed = run("derive", "ct", "--what", "boxes", "--json", *where)
    assert status == 3
    body = json.loads(printed)
    assert body["skipped"] == {"labels/a.nii.gz": "the mask file is gone"}
    assert body["rows"] == {"boxes": 2}


def test_a_picture_mask_is_measured_in_picture_coordinates(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    mask = np.zeros((20, 30), np.uint8)                              # 20 rows, 30 columns
    mask[2:5, 20:28] = 255
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (20, 30)).astype(np.uint8)).save(tmp_path / "data/images/a.png")
    Image.fromarray(mask).save(tmp_path / "data/masks/a.png")
    (tmp_path / "skin.toml").write_text(
        'description = "d"\nevidence = "made for this test"\nimages = "images/{case}.png"\n[[masks]]\npattern = "masks/{case}.png"\nterm = "melanoma"\n')
    where = ("--workspace", str(tmp_path / "work"))
    run("init", str(tmp_path / "work"))
    run("adopt", "skin", str(tmp_path / "data"), "--layout", str(tmp_path / "skin.toml"), *where)
    run("scan", "skin", *where)
    assert run("derive", "skin", "--what", "boxes,positions", *where)[0] == 0
    rows = pl.read_parquet(tmp_path / "work/annotations/skin.parquet")
    found = {row["kind"]: json.loads(row["geometry"]) for row in rows.filter(pl.col("machine_made")).iter_rows(named=True) if row["kind"] != "mask"}
    assert found["box"] == {"box": [20, 2, 28, 5]}
    assert found["text"]["text"] == "upper right"


def test_run_lengths_of_a_table_are_measured_where_they_lie(tmp_path):
    """A mask without a file: 3 rows and 4 columns of a picture of 6 columns and 8 rows, written down the columns."""
    for name in "ab":
        Image.fromarray(np.arange(48, dtype=np.uint8).reshape(8, 6)).save(tmp_path / f"{name}.png")
    (tmp_path / "t.csv").write_text(f"id,Pixels\na,{' '.join(f'{8 * column + 3} 3' for column in range(1, 5))}\nb,-1\n")
    (tmp_path / "runs.toml").write_text(
        'evidence = "made"\nimages = "{id}.png"\nexclude = ["work/**"]\n[[tables]]\nname = "t"\nfile = "t.csv"\non = "id"\nto = "{id}"\n[[runs]]\ntable = "t"\ncolumn = "Pixels"\nterm = "pneumothorax"\n')
    where = ("--workspace", str(tmp_path / "work"))
    for command in (["init", str(tmp_path / "work")], ["adopt", "px", str(tmp_path), "--layout", str(tmp_path / "runs.toml"), *where], ["scan", "px", *where]):
        run(*command)
    assert run("derive", "px", "--what", "boxes,centroids", *where)[0] == 0
    rows = pl.read_parquet(tmp_path / "work" / "annotations" / "px.parquet").filter(pl.col("annotator").str.starts_with("isocenter derive")).to_dicts()
    assert [(row["kind"], row["term"], row["sample_id"][-5:]) for row in rows] == [("box", "pneumothorax", "a.png"), ("point", "pneumothorax", "a.png")]
    assert json.loads(rows[0]["geometry"])["box"] == [1, 2, 5, 5]

"""`isocenter embed` gives a cohort vectors once, and `isocenter similar` finds a file's own picture first."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from isocenter.cli.main import main
from isocenter.core.workspace import Workspace
from isocenter.embeddings.api import open_encoder
from isocenter.embeddings.samples import axes_of, current_index, similar
from isocenter.embeddings.shards import EmbeddingSet


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    data = tmp_path / "data"
    data.mkdir()
    for i in range(6):
        coarse = rng.integers(0, 256, (6, 6), dtype=np.uint8)
        Image.fromarray(coarse).resize((60, 50), Image.Resampling.BICUBIC).save(data / f"{i}.png")
    nib.save(nib.Nifti1Image(rng.integers(0, 900, (20, 18, 7)).astype(np.int16), np.eye(4)), data / "volume.nii.gz")
    monkeypatch.setenv("ISOCENTER_WORKSPACE", str(tmp_path / "ws"))
    run("init", str(tmp_path / "ws"))
    run("adopt", "films", str(data))
    run("scan", "films")
    run("merge", "films", "--as", "all")
    return Workspace.open(tmp_path / "ws")


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    return int(left.value.code or 0)


def answer(capsys, *arguments: str) -> dict:
    capsys.readouterr()
    assert run(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_a_cohort_is_encoded_once(workspace, capsys):
    assert answer(capsys, "embed", "all", "--dry-run")["encoded"] == 7
    assert not (workspace.root / "embeddings").exists()
    assert answer(capsys, "embed", "all")["encoded"] == 7
    again = answer(capsys, "embed", "all")
    assert (again["encoded"], again["reused"], again["errors"]) == (0, 7, {})


def test_a_file_that_became_unreadable_is_named_and_the_status_says_so(workspace, capsys):
    (workspace.root.parent / "data" / "3.png").write_bytes(b"gone")
    capsys.readouterr()
    assert run("embed", "all", "--json") == 3
    assert list(json.loads(capsys.readouterr().out)["errors"]) == ["films@unversioned/3.png"]


def test_a_darker_copy_finds_its_original_first(workspace, tmp_path, capsys):
    run("embed", "all")
    copy = np.asarray(Image.open(tmp_path / "data" / "2.png")) // 2 + 20
    Image.fromarray(copy.astype(np.uint8)).save(tmp_path / "copy.png")
    found = answer(capsys, "similar", str(tmp_path / "copy.png"), "-k", "3")
    assert (found["searched"], found["index"], found["recall_at_10"]) == (7, "flat", None)
    assert found["found"][0]["sample_id"] == "films@unversioned/2.png"
    assert found["found"][0]["cosine"] > 0.99
    above = answer(capsys, "similar", str(tmp_path / "copy.png"), "--above", "0.99", "--in", "all")
    assert [hit["sample_id"] for hit in above["found"]] == ["films@unversioned/2.png"]
    assert similar(workspace, tmp_path / "data" / "volume.nii.gz").found[0].sample_id == "films@unversioned/volume.nii.gz"


def test_the_index_takes_new_samples_in_without_being_built_again(workspace, tmp_path):
    def searched() -> int:
        return similar(workspace, tmp_path / "data" / "0.png").samples

    run("embed", "all")
    assert searched() == 7
    Image.new("L", (30, 30), 9).save(tmp_path / "data" / "new.png")
    run("scan", "films")
    run("merge", "films", "--as", "more")
    run("embed", "more")
    assert searched() == 8
    encoder = open_encoder("thumbnail")
    stored = EmbeddingSet.open(workspace.root / "embeddings" / "thumbnail@1+grey32x32-box-p0.5,99.5-mean8", ["films"])
    assert len(current_index(workspace, encoder, stored).facts.shards) == 2


def test_what_was_not_embedded_is_said_with_the_command(workspace, tmp_path, capsys):
    capsys.readouterr()
    assert run("similar", str(tmp_path / "data" / "0.png"), "--with", "dhash") == 1
    assert "isocenter embed" in capsys.readouterr().err


def test_axes_follow_the_reader():
    assert axes_of(np.zeros((4, 5)), "png") == "yx"
    assert axes_of(np.zeros((4, 5, 3), np.uint16), "tiff") == "yxc"
    assert axes_of(np.zeros((4, 5, 3), np.uint8), "nifti") == "xyz"

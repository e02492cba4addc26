"""Formats for training refuse what nobody can train on, and say whether masks are missing or only their meaning is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isocenter.core.errors import Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.export import Wishes, export, preview, verify
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.miniature import write_array
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

TRAINING = ("nnunet", "monai", "sat-jsonl")


@pytest.fixture
def volumes(workspace: Workspace, tmp_path: Path) -> Path:
    """Four volumes, three of them with masks of 1 and 2."""
    (tmp_path / "pairs.toml").write_text('image = "images/{case}.nii.gz"\nmask = "labels/{case}.nii.gz"\n')
    for number in range(4):
        write_array(tmp_path / f"data/images/v{number}.nii.gz", np.arange(512, dtype=np.int16).reshape(8, 8, 8) + number)
        if number < 3:
            write_array(tmp_path / f"data/labels/v{number}.nii.gz", (np.arange(512).reshape(8, 8, 8) % 3).astype(np.uint8))
    return tmp_path


def _cohort(workspace: Workspace, home: Path, terms: dict[str, str], sides: list[str]) -> Cohort:
    adopt(workspace, "v", home / "data", layout=str(home / "pairs.toml"), terms=terms, license="CC0-1.0")
    scan(workspace, "v")
    merged = merge(workspace, ["v"], name="c", force=True)
    return Cohort("sides", merged.table.with_columns(pl.Series("split", sides)), merged.header).save(workspace)


def test_masks_without_meaning_are_told_from_no_masks(workspace: Workspace, volumes: Path, tmp_path: Path) -> None:
    cohort = _cohort(workspace, volumes, {}, ["train"] * 4)
    with pytest.raises(Refused) as caught:
        export(workspace, cohort, to="nnunet", folder=tmp_path / "out")
    assert caught.value.what == ("refused (unfit): 4 of 4 samples do not fit this format: v@unversioned/images/v0.nii.gz has a mask whose values have no names "
                                 "(isocenter scan v says how to give them), like 2 more; v@unversioned/images/v3.nii.gz has no readable mask (only test samples may have none)")
    assert caught.value.hint == "isocenter scan v, or another --to (isocenter plugins exporters)"


def test_named_values_make_a_set_that_can_be_trained_on(workspace: Workspace, volumes: Path, tmp_path: Path) -> None:
    cohort = _cohort(workspace, volumes, {"1": "hippocampus", "2": "hippocampus"}, ["train", "train", "val", "train"])
    with pytest.raises(Refused, match=r"1 of 4 samples does not fit this format: v@unversioned/images/v3\.nii\.gz has no readable mask"):
        export(workspace, cohort, to="nnunet", folder=tmp_path / "out")
    done = export(workspace, cohort, to="nnunet", folder=tmp_path / "out", wishes=Wishes(skip_unfit=True))
    assert (done.samples, verify(tmp_path / "out")) == (3, [])
    assert '"numTraining": 3' in (tmp_path / "out/dataset.json").read_text()


@pytest.mark.parametrize("name", TRAINING)
def test_an_export_without_a_training_case_is_refused(name: str, workspace: Workspace, volumes: Path, tmp_path: Path) -> None:
    cohort = _cohort(workspace, volumes, {"1": "hippocampus", "2": "hippocampus"}, ["test", "test", "val", "test"])
    wishes = Wishes(skip_unfit=True)
    for call in (preview, export):
        with pytest.raises(Refused, match=r"refused \(no-training\): no training case would go out \(test: 3, val: 1\)") as caught:
            call(workspace, cohort, to=name, folder=tmp_path / name, wishes=wishes)
        assert caught.value.hint == "isocenter split sides --as sides-sides, or another --to (isocenter plugins exporters)"
    assert not (tmp_path / name).exists()
    export(workspace, cohort, to="parquet", folder=tmp_path / "other")


def test_skipping_what_does_not_fit_leaves_no_set_of_nothing(workspace: Workspace, volumes: Path, tmp_path: Path) -> None:
    cohort = _cohort(workspace, volumes, {}, ["train", "train", "val", "test"])
    with pytest.raises(Refused, match=r"no training case would go out \(test: 1\): 3 of 4 samples do not fit this format: .* has a mask whose values have no names .*, like 2 more"):
        export(workspace, cohort, to="nnunet", folder=tmp_path / "out", wishes=Wishes(skip_unfit=True))


def test_a_set_of_terms_without_a_training_case_makes_no_dataset_of_its_own(workspace: Workspace, volumes: Path, tmp_path: Path) -> None:
    other = volumes / "other"
    write_array(other / "images/w.nii.gz", np.arange(512, dtype=np.int16).reshape(8, 8, 8) + 9)
    write_array(other / "labels/w.nii.gz", (np.arange(512).reshape(8, 8, 8) % 2).astype(np.uint8))
    adopt(workspace, "w", other, layout=str(volumes / "pairs.toml"), terms={"1": "amygdala"}, license="CC0-1.0")
    scan(workspace, "w")
    _cohort(workspace, volumes, {"1": "hippocampus", "2": "hippocampus"}, ["train"] * 4)
    merged = merge(workspace, ["v", "w"], name="both")
    sides = ["test" if dataset == "w" else "train" for dataset in merged.table["dataset"]]
    cohort = Cohort("two", merged.table.with_columns(pl.Series("split", sides)), merged.header).save(workspace)
    export(workspace, cohort, to="nnunet", folder=tmp_path / "out", wishes=Wishes(skip_unfit=True, by_annotation=True))
    assert [path.name for path in (tmp_path / "out").glob("Dataset*")] == ["Dataset001_hippocampus"]
    assert "no training case annotates the same terms" in " ".join(pl.read_parquet(tmp_path / "out/ledger.parquet")["why"])

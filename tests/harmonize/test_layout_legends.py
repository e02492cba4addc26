"""Data in a general form says itself what its values mean: nnU-Net, Decathlon, MONAI, BIDS, COCO, SA-Med2D, IMIS and SAT lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.mask_terms import MaskReader
from isocenter.harmonize.miniature_files import write_array
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.scan_state import Scanned
from isocenter.harmonize.source import adopt, parse_terms

IMAGE = np.arange(20 * 20 * 4, dtype=np.int16).reshape(20, 20, 4)


def values(*numbers: int) -> np.ndarray:
    mask = np.zeros((20, 20, 4), np.uint8)
    for place, number in enumerate(numbers):
        mask[3 * place : 3 * place + 3, 5:9] = number
    return mask


def nnunet(root: Path, labels: dict[str, Any], masks: list[np.ndarray], **more: Any) -> Path:
    for number, mask in enumerate(masks):
        write_array(root / f"Dataset501_Mine/imagesTr/c{number}_0000.nii.gz", IMAGE)
        write_array(root / f"Dataset501_Mine/labelsTr/c{number}.nii.gz", mask)
    body = {"channel_names": {"0": "CT"}, "labels": labels, "numTraining": len(masks), "file_ending": ".nii.gz"} | more
    (root / "Dataset501_Mine/dataset.json").write_text(json.dumps(body))
    return root


def labels_of(workspace: Workspace, name: str = "d") -> list[dict[str, str]]:
    return [dict(labels or {}) for labels in read_table(workspace.samples(name), SAMPLES).sort("uri")["labels"].to_list()]


def scanned(workspace: Workspace, root: Path, layout: str, **more: Any) -> Scanned:
    adopt(workspace, "d", root, layout=layout, **more)
    return scan(workspace, "d")


def test_a_users_own_nnunet_dataset_is_recognised_and_its_labels_are_read(tmp_path: Path) -> None:
    root, runner = nnunet(tmp_path / "raw", {"background": 0, "liver": 1, "kidney_left": 2}, [values(1), values(2)]), CliRunner()
    where = ["--workspace", str(tmp_path / "w")]
    runner.invoke(cli, ["init", str(tmp_path / "w")])
    told = json.loads(runner.invoke(cli, ["adopt", "mine", str(root), "--json", *where]).stdout)
    assert (told["layout"], told["recognised"]) == ("nnunet", True)
    assert json.loads(runner.invoke(cli, ["scan", "mine", "--json", *where]).stdout)["warnings"] == []
    assert labels_of(Workspace.open(tmp_path / "w"), "mine") == [{"liver": "present", "left kidney": "absent"}, {"liver": "absent", "left kidney": "present"}]
    assert read_table(Workspace.open(tmp_path / "w").samples("mine"), SAMPLES)["modality"].to_list() == ["CT", "CT"]


def test_a_value_of_several_regions_is_each_of_them(workspace: Workspace, tmp_path: Path) -> None:
    regions = {"background": 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": 3}
    scanned(workspace, nnunet(tmp_path / "raw", regions, [values(1), values(1, 3)], regions_class_order=[1, 2, 3]), "nnunet")
    assert labels_of(workspace) == [{"whole tumor": "present", "tumor core": "absent", "enhancing tumor": "absent"}, dict.fromkeys(["whole tumor", "tumor core", "enhancing tumor"], "present")]
    masks = MaskReader(workspace, "d").read(row for row in read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts() if "c1" in row["uri"])
    assert {term: int(mask.sum()) for term, mask in masks.masks.items()} == {"whole tumor": 96, "tumor core": 48, "enhancing tumor": 48}


def test_nothing_is_absent_where_a_part_is_to_be_ignored(workspace: Workspace, tmp_path: Path) -> None:
    scanned(workspace, nnunet(tmp_path / "raw", {"background": 0, "liver": 1, "spleen": 2, "ignore": 3}, [values(1), values(1, 3)]), "nnunet")
    assert labels_of(workspace) == [{"liver": "present", "spleen": "absent"}, {"liver": "present"}]


def test_a_name_that_no_term_has_is_listed_with_what_to_type(workspace: Workspace, tmp_path: Path) -> None:
    root = nnunet(tmp_path / "raw", {"background": 0, "blob": 1}, [values(1)])
    (warning,) = scanned(workspace, root, "nnunet").warnings
    assert "'blob'" in warning
    assert "--term blob=TERM" in warning
    assert labels_of(workspace) == [{"blob": "present"}]
    assert scanned(workspace, root, "nnunet", terms=parse_terms(["blob=liver tumor"])).warnings == ()
    assert labels_of(workspace) == [{"liver tumor": "present"}]


def test_counts_and_endings_that_the_files_contradict_are_told(workspace: Workspace, tmp_path: Path) -> None:
    warnings = scanned(workspace, nnunet(tmp_path / "raw", {"background": 0, "liver": 1}, [values(1)], numTraining=7, file_ending=".mha"), "nnunet").warnings
    assert [text.partition("] ")[2].partition(" says ")[2] for text in warnings] == ["numTraining = 7, labelsTr holds 1 files", "file_ending = '.mha', and no file ends so"]


def test_a_value_that_the_legend_does_not_list_is_an_issue_and_states_nothing(workspace: Workspace, tmp_path: Path) -> None:
    scanned(workspace, nnunet(tmp_path / "raw", {"background": 0, "liver": 1}, [values(1, 5)]), "nnunet")
    row = read_table(workspace.samples("d"), SAMPLES).to_dicts()[0]
    assert dict(row["labels"] or {}) == {}
    assert "holds 5, which label map 'Dataset501_Mine/dataset.json' does not list" in row["issues"][0]


def test_a_broken_legend_is_named(workspace: Workspace, tmp_path: Path) -> None:
    root = nnunet(tmp_path / "raw", {"background": 0, "liver": 1}, [values(1)])
    (root / "Dataset501_Mine/dataset.json").write_text('{"labels": {"liver": "one"}}')
    with pytest.raises(BadInput, match=r"Dataset501_Mine/dataset\.json does not say what its values mean"):
        scanned(workspace, root, "nnunet")


def test_the_decathlon_writes_its_names_the_other_way_round(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "Task77_Mine"
    write_array(root / "imagesTr/c_1.nii.gz", IMAGE)
    write_array(root / "labelsTr/c_1.nii.gz", values(2))
    (root / "dataset.json").write_text(json.dumps({"modality": {"0": "MRI"}, "labels": {"0": "background", "1": "Anterior horn", "2": "spleen"}}))
    scanned(workspace, root, "decathlon")
    assert labels_of(workspace) == [{"anterior horn": "absent", "spleen": "present"}]
    assert read_table(workspace.samples("d"), SAMPLES)["modality"].to_list() == ["MR"]


def test_a_datalist_joins_channels_splits_and_names(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "raw"
    for name in ("a_t1", "a_t2", "b_t1"):
        write_array(root / f"x/{name}.nii.gz", IMAGE)
    write_array(root / "y/a.nii.gz", values(1))
    (root / "dataset.json").write_text(json.dumps({"labels": {"0": "background", "1": "liver"}, "training": [{"image": ["x/a_t1.nii.gz", "./x/a_t2.nii.gz"], "label": "y/a.nii.gz"}], "test": ["x/b_t1.nii.gz"]}))
    scanned(workspace, root, "monai-datalist")
    assert labels_of(workspace) == [{"liver": "present"}, {"liver": "present"}, {}]
    assert read_table(workspace.samples("d"), SAMPLES).sort("uri")["published_split"].to_list() == ["train", "train", "test"]


def test_bids_names_stand_in_look_up_tables_and_entities(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "bids"
    write_array(root / "sub-1/anat/sub-1_T1w.nii.gz", IMAGE)
    write_array(root / "derivatives/manual/sub-1/anat/sub-1_dseg.nii.gz", values(11))
    write_array(root / "derivatives/manual/sub-1/anat/sub-1_label-edema_mask.nii.gz", values(1))
    (root / "derivatives/manual/dseg.tsv").write_text("index\tname\n11\tLeft-Hippocampus\n12\tthalamus\n")
    (root / "participants.tsv").write_text("participant_id\tage\tsex\nsub-1\t63\tF\n")
    (root / "dataset_description.json").write_text("{}")
    scanned(workspace, root, "bids")
    assert labels_of(workspace) == [{"left hippocampus": "present", "thalamus": "absent", "edema": "present"}]
    row = read_table(workspace.samples("d"), SAMPLES).to_dicts()[0]
    assert (row["patient_id"], row["age"], row["sex"]) == ("sub-1", 63.0, "F")


def test_categories_of_coco_are_terms_and_deny_nothing(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "coco"
    for name in ("one", "two"):
        write_array(root / f"train2017/{name}.png", np.eye(20, dtype=np.uint8))
    (root / "annotations").mkdir()
    (root / "annotations/instances_train2017.json").write_text(json.dumps({
        "categories": [{"id": 4, "name": "Lung_Nodule"}, {"id": 5, "name": "thing"}], "images": [{"id": 1, "file_name": "one.png"}, {"id": 2, "file_name": "two.png"}],
        "annotations": [{"image_id": 2, "category_id": 4, "bbox": [3, 5, 10, 8]}]}))
    scanned(workspace, root, "coco")
    assert labels_of(workspace) == [{}, {"lung nodule": "present"}]


def test_pictures_of_one_name_in_two_splits_get_the_boxes_of_their_own_file(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "coco"
    (root / "annotations").mkdir(parents=True)
    for split, name in (("train", "polyp"), ("val", "lung nodule")):
        write_array(root / f"{split}/1.png", np.eye(20, dtype=np.uint8))
        body = {"categories": [{"id": 1, "name": name}], "images": [{"id": 1, "file_name": "1.png"}], "annotations": [{"image_id": 1, "category_id": 1, "bbox": [3, 5, 10, 8]}]}
        (root / f"annotations/instances_{split}.json").write_text(json.dumps(body))
    scanned(workspace, root, "coco")
    assert labels_of(workspace) == [{"polyp": "present"}, {"lung nodule": "present"}]
    assert read_table(workspace.samples("d"), SAMPLES).sort("uri")["published_split"].to_list() == ["train", "val"]


def test_sa_med2d_masks_are_read_by_the_classes_of_their_source(workspace: Workspace, tmp_path: Path) -> None:
    root, stem = tmp_path / "sa", "ct_00--AbdomenCT1K--Case_1--x_0040"
    write_array(root / f"images/{stem}.png", np.eye(20, dtype=np.uint8))
    write_array(root / f"masks/{stem}--0002_000.png", np.eye(20, dtype=np.uint8))
    (root / "SAMed2D_v1_class_mapping_id.json").write_text(json.dumps({"AbdomenCT1K": {"liver": 1, "left_kidney": 2}, "other": {"spleen": 2}}))
    scanned(workspace, root, "sa-med2d")
    assert labels_of(workspace) == [{"left kidney": "present"}]


@pytest.mark.parametrize("background", [False, True])
def test_rows_of_a_sparse_mask_are_the_classes_of_the_legend(background: bool, workspace: Workspace, tmp_path: Path) -> None:
    root, spleen = tmp_path / "imis", np.zeros((20, 30), np.uint8)
    spleen[4:9, 6:8] = 1
    rows = [np.zeros(600, np.uint8), spleen.ravel()]
    rows = [1 - spleen.ravel(), *rows] if background else rows
    write_array(root / "image/p.png", np.ones((20, 30), np.uint8))
    (root / "label").mkdir()
    sparse.save_npz(root / f"label/ct___p.({len(rows)}, 20, 30, 1).npz", sparse.csr_matrix(np.stack(rows)))
    (root / "dataset.json").write_text(json.dumps({"labels": {"0": "background", "1": "liver", "2": "spleen"}}))
    scanned(workspace, root, "imis")
    assert labels_of(workspace) == [{"liver": "absent", "spleen": "present"}]
    masks = MaskReader(workspace, "d").read(read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts()).masks
    np.testing.assert_array_equal(masks["spleen"], spleen == 1)


def test_a_sparse_mask_of_other_classes_is_not_understood(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "imis"
    write_array(root / "image/p.png", np.ones((20, 30), np.uint8))
    (root / "label").mkdir()
    sparse.save_npz(root / "label/ct___p.(7, 20, 30, 1).npz", sparse.csr_matrix(np.ones((7, 600), np.uint8)))
    (root / "dataset.json").write_text(json.dumps({"labels": {"0": "background", "1": "liver"}}))
    scanned(workspace, root, "imis")
    row = read_table(workspace.samples("d"), SAMPLES).to_dicts()[0]
    assert "it holds 7 classes, the legend names 1" in row["issues"][0]


def test_a_list_of_sat_is_read_by_the_map_of_its_dataset(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "sat"
    write_array(root / "i.nii.gz", IMAGE)
    write_array(root / "m.nii.gz", values(3))
    (root / "list.jsonl").write_text(json.dumps({"image": "i.nii.gz", "mask": "m.nii.gz", "dataset": "ACDC", "modality": "MRI", "official_split": "test", "patient_id": "p1"}))
    scanned(workspace, root, "sat-jsonl")
    assert labels_of(workspace)[0]["left heart ventricle"] == "present"
    assert labels_of(workspace)[0]["right heart ventricle"] == "absent"

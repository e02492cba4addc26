"""Eight chest X-ray collections in one label space: every state of a truth table that was written by hand, under every policy for uncertain."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.merge import merge
from isocenter.harmonize.merge_ledger import MERGE_LEDGER, ledger_path
from isocenter.harmonize.miniature import write_image
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

LAYOUTS = {"nih": "nih-chestxray14", "chexpert": "chexpert", "mimic": "mimic-cxr-jpg", "padchest": "padchest", "vindr": "vindr-cxr", "rsna": "rsna-pneumonia",
           "siim": "siim-acr-png", "openi": "iu-xray"}
CHEXPERT = ("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation", "Pneumonia", "Atelectasis",
            "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices")
IMAGES = {
    "nih/00000001_000": "images/00000001_000.png", "nih/00000002_000": "images/00000002_000.png",
    "chexpert/patient00001": "CheXpert-v1.0-small/train/patient00001/study1/view1_frontal.jpg",
    "chexpert/patient00002": "CheXpert-v1.0-small/train/patient00002/study1/view1_frontal.jpg",
    "mimic/p10000032": "files/p10/p10000032/s50414267/film.jpg",
    "padchest/100": "100.png", "padchest/101": "101.png",
    "vindr/aaa": "train/aaa.dicom", "vindr/bbb": "train/bbb.dicom",
    "rsna/one": "stage_2_train_images/one.dcm", "rsna/two": "stage_2_train_images/two.dcm",
    "siim/1": "png_images/1_train_1_.png", "siim/2": "png_images/2_train_0_.png", "siim/3": "png_images/3_test_0_.png",
    "openi/1": "images/images_normalized/1_IM-0001-4001.dcm.png", "openi/2": "images/images_normalized/2_IM-0652-1001.dcm.png",
}

def _findings(**states: str) -> list[str]:
    return [states.get(name.replace(" ", "_"), "") for name in CHEXPERT]


def _tables(root: Path) -> None:
    """The tables of the eight collections, as they publish them."""
    tables: dict[str, list[list[str]]] = {
        "nih/Data_Entry_2017.csv": [["Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender", "View Position"],
                                    ["00000001_000.png", "Effusion|Infiltration", "1", "58", "M", "PA"], ["00000002_000.png", "No Finding", "2", "60", "F", "PA"]],
        "chexpert/CheXpert-v1.0-small/train.csv": [["Path", "Sex", "Age", *CHEXPERT],
                                                   [IMAGES["chexpert/patient00001"], "F", "68", *_findings(Pleural_Effusion="1.0", Atelectasis="-1.0", Lung_Opacity="0.0")],
                                                   [IMAGES["chexpert/patient00002"], "M", "70", *_findings(No_Finding="1.0")]],
        "mimic/mimic-cxr-2.0.0-chexpert.csv": [["subject_id", "study_id", *CHEXPERT], ["10000032", "50414267", *_findings(Edema="1.0", Pneumonia="-1.0")]],
        "mimic/mimic-cxr-2.0.0-metadata.csv": [["dicom_id", "ViewPosition"], ["film", "PA"]],
        "mimic/mimic-cxr-2.0.0-split.csv": [["dicom_id", "split"], ["film", "train"]],
        "padchest/PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv": [["ImageID", "PatientID", "StudyID", "Projection", "Labels"],
                                                                          ["100.png", "a", "s", "PA", "['pleural effusion', 'a sign unheard of']"], ["101.png", "b", "t", "PA", "['normal']"]],
        "vindr/train.csv": [["image_id", "class_name", "rad_id"], ["aaa", "Pleural effusion", "R1"], ["aaa", "Pleural effusion", "R2"], ["bbb", "No finding", "R1"]],
        "rsna/stage_2_train_labels.csv": [["patientId", "x", "y", "width", "height", "Target"], ["one", "1", "1", "5", "5", "1"], ["one", "9", "9", "5", "5", "1"], ["two", "", "", "", "", "0"]],
        "openi/indiana_projections.csv": [["uid", "filename", "projection"], ["1", "1_IM-0001-4001.dcm.png", "Frontal"], ["2", "2_IM-0652-1001.dcm.png", "Frontal"]],
        "openi/indiana_reports.csv": [["uid", "MeSH", "Problems"], ["1", "Opacity/lung", "Opacity;Cardiomegaly"], ["2", "normal", ""]],
    }
    for name, rows in tables.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root, workspace = tmp_path_factory.mktemp("chest"), Workspace.create(tmp_path_factory.mktemp("w"))
    rng = np.random.default_rng(0)
    for sample, path in IMAGES.items():
        write_image(root / sample.split("/")[0] / path, rng.random((48, 48), np.float32))
    for name, drawn in (("1_train_1_", 1.0), ("2_train_0_", 0.0)):
        write_image(root / f"siim/png_masks/{name}.png", np.full((48, 48), drawn, np.float32))
    _tables(root)
    for name, layout in LAYOUTS.items():
        adopt(workspace, name, root / name, layout=layout)
        scan(workspace, name)
    return workspace


@pytest.fixture(scope="module")
def truth() -> dict[str, dict[str, str]]:
    with (Path(__file__).parent / "merge_chest_truth.csv").open(newline="") as stream:
        return {row.pop("sample"): {term: state for term, state in row.items() if state} for row in csv.DictReader(stream)}


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("space") / "chest.toml"
    path.write_text('terms = ["atelectasis", "pulmonary edema", "lung opacity", "pleural effusion", "pneumonia", "pneumothorax", "lung disease", "no finding"]\n')
    return str(path)


def merged(workspace: Workspace, space: str, uncertain: str | dict[str, str] = "keep") -> dict[str, dict[str, str]]:
    """Sample -> its states in the target space."""
    named = {(key.split("/")[0], path): key for key, path in IMAGES.items()}
    cohort = merge(workspace, list(LAYOUTS), name="chest", space=space, uncertain=uncertain)
    return {named[dataset, uri]: dict(labels or {}) for dataset, uri, labels in cohort.table.select("dataset", "uri", "labels").iter_rows()}


def test_the_eight_become_one_as_the_truth_table_says(scanned: Workspace, space: str, truth: dict[str, dict[str, str]]) -> None:
    assert merged(scanned, space) == truth


@pytest.mark.parametrize(("uncertain", "atelectasis", "lung_disease", "pneumonia"), [
    ("ones", "present", "present", "present"), ("zeros", "absent", None, "absent"), ("ignore", None, None, None),
    ({"default": "zeros", "atelectasis": "ones"}, "present", "present", "absent"),
    ({"atelectasis": "ignore"}, None, None, "uncertain"),
    ({"lung disease": "ones"}, "uncertain", "present", "uncertain"),
])
def test_a_policy_settles_uncertain_by_term_and_touches_nothing_else(
        scanned: Workspace, space: str, truth: dict[str, dict[str, str]], uncertain: str | dict[str, str],
        atelectasis: str | None, lung_disease: str | None, pneumonia: str | None) -> None:
    states = merged(scanned, space, uncertain)
    assert [states["chexpert/patient00001"].get(term) for term in ("atelectasis", "lung disease")] == [atelectasis, lung_disease]
    assert states["mimic/p10000032"].get("pneumonia") == pneumonia
    assert {key: value for key, value in states.items() if "uncertain" not in truth[key].values()} == {key: value for key, value in truth.items() if "uncertain" not in value.values()}


def test_not_annotated_is_never_absent(scanned: Workspace, space: str) -> None:
    """What no collection says of a film is missing under every policy; only two columns of the eight deny by silence."""
    for policy in ("keep", "ones", "zeros", "ignore"):
        states = merged(scanned, space, policy)
        assert all(not found for key, found in states.items() if key in ("siim/3", "openi/2"))
        assert {key.split("/")[0] for key, found in states.items() for term, state in found.items() if state == "absent" and term == "no finding"} == {"nih"}


def test_the_ledger_has_every_column_with_its_mode_and_every_raw_value_once_per_rule(scanned: Workspace, space: str) -> None:
    merged(scanned, space, {"default": "zeros"})
    table = read_table(ledger_path(scanned, "chest"), MERGE_LEDGER)
    modes = table.filter(pl.col("medium") != "box").group_by("dataset").agg(pl.col("mode").unique().sort()).sort("dataset")
    assert dict(modes.iter_rows()) == {"chexpert": ["mentions"], "mimic": ["mentions"], "nih": ["list"], "openi": ["mentions"], "padchest": ["mentions"],
                                       "rsna": ["exclusive"], "siim": ["every value"], "vindr": ["mentions"]}
    assert table.group_by("dataset", "origin", "label_map", "raw_value", "rule").len()["len"].max() == 1
    unheard = table.filter(pl.col("raw_value") == "a sign unheard of")
    assert unheard.select("dataset", "rule", "fate", "refused").rows() == [("padchest", "unmapped", "nothing stated", 1)]
    doubt = table.filter((pl.col("origin") == "findings.Atelectasis") & (pl.col("raw_value") == "-1.0") & (pl.col("dataset") == "chexpert"))
    assert doubt.select("state", "policy", "becomes", "samples").rows() == [("uncertain", "zeros", "absent", 1)]
    blank = table.filter((pl.col("dataset") == "mimic") & (pl.col("rule") == "silence"))
    assert set(blank["fate"]) == {"nothing stated"}
    assert len(blank) == 12
    drawn = table.filter(pl.col("dataset") == "siim")
    assert drawn.select("raw_value", "targets", "samples", "voxels").rows() == [("*", ["pneumothorax"], 1, 48 * 48)]

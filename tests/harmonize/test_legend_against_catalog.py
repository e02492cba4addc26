"""A dataset's own dataset.json against what the catalog knows of it: agreement asks nothing, a contradiction names both readings and who else reads so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from isocenter.core.errors import Conflict
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.layout_match import best
from isocenter.harmonize.merge import merge
from isocenter.harmonize.miniature_files import write_array
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

IMAGE = np.arange(20 * 20 * 4, dtype=np.int16).reshape(20, 20, 4)


def nnunet(root: Path, labels: dict[str, int]) -> Path:
    mask = np.zeros((20, 20, 4), np.uint16)
    for place, value in enumerate(labels.values()):
        mask[2 * place : 2 * place + 2, 5:9] = value
    write_array(root / "imagesTr/c1_0000.nii.gz", IMAGE)
    write_array(root / "labelsTr/c1.nii.gz", mask)
    (root / "dataset.json").write_text(json.dumps({"channel_names": {"0": "MRI"}, "labels": {"background": 0, **labels}, "numTraining": 1, "file_ending": ".nii.gz"}))
    return root


def told(workspace: Workspace, root: Path, labels: dict[str, int], slug: str) -> tuple[str, dict[str, str]]:
    """Warnings of the scan, and the labels of the one sample."""
    adopt(workspace, "d", nnunet(root, labels), dataset=slug, layout="nnunet")
    warnings = "\n".join(scan(workspace, "d").warnings)
    return warnings, dict(read_table(workspace.samples("d"), SAMPLES)["labels"][0])


def test_nothing_is_asked_where_both_agree_and_short_names_are_read_as_the_catalog_reads_them(workspace: Workspace, tmp_path: Path) -> None:
    warnings, labels = told(workspace, tmp_path / "d", {"RV": 1, "MLV": 2, "LVC": 3}, "acdc")
    assert warnings == ""
    assert labels.keys() == {"right heart ventricle", "left ventricular myocardium", "left heart ventricle"}
    assert len(merge(workspace, ["d"], name="c")) == 1


def test_a_name_that_only_this_dataset_uses_is_read_by_its_maps(workspace: Workspace, tmp_path: Path) -> None:
    warnings, labels = told(workspace, tmp_path / "d", {"veins": 10, "rad": 12, "lad": 13}, "btcv-abdomen")
    assert warnings == ""
    assert labels.keys() == {"portal vein and splenic vein", "right adrenal gland", "left adrenal gland"}


def test_a_contradiction_stops_the_merge_with_both_readings_and_their_witnesses(workspace: Workspace, tmp_path: Path) -> None:
    warnings, _ = told(workspace, tmp_path / "d", {"left ventricle": 1, "myocardium": 2, "right ventricle": 3}, "acdc")
    assert "value 1 is left heart ventricle in map 'dataset.json' and right heart ventricle in map 'acdc'" in warnings
    assert "as 'acdc' reads it: nnunet-dataset027-acdc" in warnings
    with pytest.raises(Conflict, match="d: dataset.json or acdc"):
        merge(workspace, ["d"], name="c")
    assert len(merge(workspace, ["d"], name="c", settle={"d: dataset.json or acdc": "dataset.json"})) == 1


def test_a_witness_may_stand_on_the_side_of_the_files(workspace: Workspace, tmp_path: Path) -> None:
    warnings, _ = told(workspace, tmp_path / "d", {"PZ": 1}, "msd05-prostate")
    assert "transition zone of prostate in map 'msd-prostate' (as 'dataset.json' reads it: segbook-task005-prostate, voco-prostate)" in warnings


def test_a_conversion_that_nobody_else_made_is_believed_and_told(workspace: Workspace, tmp_path: Path) -> None:
    warnings, labels = told(workspace, tmp_path / "d", {"pulmonary artery": 1, "left atrium": 2}, "mm-whs")
    assert "dataset.json is believed, as it lies beside the files; mm-whs is read otherwise by segbook-task603-mmwhs, voco-mm-whs" in warnings
    assert labels.keys() == {"pulmonary artery", "left heart atrium"}


def test_channels_of_nnunet_are_no_cases_of_the_decathlon(tmp_path: Path) -> None:
    assert best(nnunet(tmp_path / "d", {"liver": 1}))[0].layout == "nnunet"

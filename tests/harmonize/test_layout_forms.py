"""What a layout can say: structures by file, slices, ranges, list cells, optional parts, lists of pairs and arrays of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from isocenter.core.errors import BadInput
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.decode import Decoder
from isocenter.harmonize.layout import parse
from isocenter.harmonize.layout_match import best
from isocenter.harmonize.miniature_files import write_array
from isocenter.harmonize.patterns import Pattern
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

VOLUME = np.zeros((20, 20, 4), np.int16)
FULL = VOLUME + 1


def scanned(workspace: Workspace, root: Path, layout: dict[str, Any]) -> dict[str, dict[str, Any]]:
    path = root.with_suffix(".toml")
    path.write_text(tomli_w.dumps(layout))
    adopt(workspace, "d", root, layout=str(path))
    scan(workspace, "d")
    return {row["uri"]: row for row in read_table(workspace.samples("d"), SAMPLES).to_dicts()}


def test_a_part_in_brackets_may_be_missing() -> None:
    pattern = Pattern("{patient:sub-[^/_]+}[/{study:ses-[^/_]+}]/{patient}_T1w.nii[.gz]")
    assert pattern.match("sub-1/sub-1_T1w.nii") == {"patient": "sub-1"}
    assert pattern.match("sub-1/ses-2/sub-1_T1w.nii.gz") == {"patient": "sub-1", "study": "ses-2"}
    assert pattern.match("sub-1/other/sub-1_T1w.nii.gz") is None


def test_an_empty_structure_file_is_absent_and_a_missing_one_says_nothing(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write_array(root / "p1/img.nrrd", VOLUME)
    write_array(root / "p1/structures/OpticNerve_L.nrrd", FULL)
    write_array(root / "p1/structures/OpticNerve_R.nrrd", VOLUME)
    write_array(root / "p1/structures/Elbow.nrrd", FULL)
    row = scanned(workspace, root, {"images": "{patient}/img.nrrd", "masks": [{"pattern": "{patient}/structures/{structure}.nrrd", "labels": "pddca", "raw": "structures/{structure}.nrrd"}]})["p1/img.nrrd"]
    assert row["labels"] == {"left optic nerve": "present", "optic nerve": "present", "right optic nerve": "absent"}
    assert row["issues"] == ["label_error: mask p1/structures/Elbow.nrrd holds structures/Elbow.nrrd, which label map 'pddca' does not list"]


def test_several_maps_without_the_value_of_a_file_are_refused() -> None:
    with pytest.raises(BadInput, match="raw"):
        parse("d", {"images": "{a}.png", "masks": [{"pattern": "{a}_m.png", "labels": ["acdc", "word"]}]})


def test_slices_of_a_mask_state_together(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write_array(root / "p1.nii.gz", VOLUME)
    for number, value in enumerate((0, 63, 0)):
        write_array(root / f"p1/{number}.png", np.full((20, 20), value, np.uint8))
    row = scanned(workspace, root, {"images": "{patient}.nii.gz", "masks": [{"pattern": "{patient}/*.png", "labels": "greys", "slices": True}],
                                    "labels": [{"name": "greys", "values": {"55..70": "liver", "240..255": "spleen"}}]})["p1.nii.gz"]
    assert row["labels"] == {"liver": "present", "spleen": "absent"}
    assert row["issues"] == ["mask_mismatch: 3 slices of a mask, the image has 4"]


def test_cells_written_like_lists_are_read_value_by_value(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write_array(root / "a.png", np.eye(20, dtype=np.uint8))
    (root / "t.csv").write_text('id,found\na,"[\'pneumonia\', ""pleural effusion"", \'odd, thing\']"\n')
    row = scanned(workspace, root, {"images": "{id}.png", "tables": [{"name": "t", "file": "t.csv", "on": "id", "to": "{id}"}],
                                    "labels": [{"table": "t", "column": "found", "cell": "list", "mode": "mentions", "values": {"pneumonia": "pneumonia", "pleural effusion": "pleural effusion"}}]})["a.png"]
    assert row["labels"] == {"pneumonia": "present", "pleural effusion": "present"}
    assert row["issues"] == ["unknown_label: found = 'odd, thing' is not in its label map"]


def test_a_datalist_says_which_files_are_masks(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    for name in ("x/one.nii.gz", "y/two.nii.gz"):
        write_array(root / name, FULL)
    (root / "dataset.json").write_text(json.dumps({"training": [{"image": "./x/one.nii.gz", "label": "./y/two.nii.gz"}]}))
    adopt(workspace, "d", root, layout="monai-datalist")
    scan(workspace, "d")
    assert read_table(workspace.samples("d"), SAMPLES)["uri"].to_list() == ["x/one.nii.gz"]
    assert read_table(workspace.annotations("d"), ANNOTATIONS)["uri"].to_list() == ["y/two.nii.gz"]


def test_every_element_of_an_array_is_a_sample_with_its_own_hash_and_pixels(workspace: Workspace, tmp_path: Path) -> None:
    root, pictures = tmp_path / "d", np.arange(3 * 28 * 28, dtype=np.uint16).reshape(3, 28, 28)
    root.mkdir()
    np.savez(root / "octmnist.npz", train_images=pictures, train_labels=np.asarray([[1], [3], [1]], np.uint8))
    adopt(workspace, "d", root, layout="medmnist-octmnist")
    scan(workspace, "d")
    rows = read_table(workspace.samples("d"), SAMPLES).to_dicts()
    assert [row["uri"] for row in rows] == [f"octmnist.npz::train_images/{number}" for number in range(3)]
    assert [row["labels"] for row in rows] == [{"diabetic macular edema": "present"}, {"no finding": "present"}, {"diabetic macular edema": "present"}]
    assert len({row["file_hash"] for row in rows}) == 3
    assert rows[0]["published_split"] == "train"
    for row, picture in zip(rows, pictures):
        np.testing.assert_array_equal(Decoder(workspace, "d").pixels(row["sample_id"]), picture)


def test_a_folder_is_claimed_by_what_its_names_say_and_never_without_its_table() -> None:
    paths = ["imagesTr/spleen_2.nii.gz", "labelsTr/spleen_2.nii.gz", "dataset.json"]
    assert [claim.layout for claim in best(paths)][:2] == ["msd09-spleen", "decathlon"]
    assert "padchest" not in [claim.layout for claim in best(["a.png", "b.png"])]


def test_boxes_of_a_coco_file_stand_on_their_pictures(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    for name in ("one.png", "two.png"):
        write_array(root / "images" / name, np.eye(20, dtype=np.uint8))
    (root / "annotations").mkdir()
    (root / "annotations/train.json").write_text(json.dumps({
        "categories": [{"id": 4, "name": "cell"}], "images": [{"id": 1, "file_name": "one.png"}, {"id": 2, "file_name": "two.png"}],
        "annotations": [{"image_id": 2, "category_id": 4, "bbox": [3, 5, 10, 8]}]}))
    adopt(workspace, "d", root, layout="coco")
    scan(workspace, "d")
    boxes = read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts()
    assert [(row["sample_id"].rsplit("/", 1)[-1], row["raw"], row["geometry"]) for row in boxes] == [("two.png", "cell", '{"box": [3.0, 5.0, 13.0, 13.0]}')]

"""What a layout can say: structures by file, slices, ranges, list cells, optional parts, lists of pairs and arrays of pictures."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from PIL import Image

from isocenter.core.errors import BadInput, Unreadable
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.decode import Decoder
from isocenter.harmonize.layout import parse
from isocenter.harmonize.layout_match import best
from isocenter.harmonize.mask_file import runs_mask
from isocenter.harmonize.mask_terms import MaskReader
from isocenter.harmonize.miniature_files import write_array
from isocenter.harmonize.patterns import Pattern
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

VOLUME = np.zeros((20, 20, 4), np.int16)
FULL = VOLUME + 1
NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


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
    assert [issue.partition(" does not list")[0] for issue in row["issues"]] == ["label_error: mask p1/structures/Elbow.nrrd holds structures/Elbow.nrrd, which label map 'pddca'"]


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


def test_arrays_in_medmnists_form_are_samples_whatever_their_file_is_called(workspace: Workspace, tmp_path: Path) -> None:
    root, pictures = tmp_path / "d", np.arange(3 * 28 * 28, dtype=np.uint16).reshape(3, 28, 28)
    (root / "deep").mkdir(parents=True)
    np.savez(root / "deep/mine.npz", train_images=pictures, train_labels=np.zeros((3, 1), np.uint8), test_images=pictures[:1], test_labels=np.zeros(1, np.uint8))
    np.savez(root / "no_labels.npz", train_images=pictures)
    np.savez(root / "too_few_labels.npz", train_images=pictures, train_labels=np.zeros(2, np.uint8))
    np.savez(root / "arrays.npz", weights=pictures)
    adopt(workspace, "d", root)
    found = scan(workspace, "d")
    rows = read_table(workspace.samples("d"), SAMPLES).sort("uri").to_dicts()
    assert [(row["uri"], row["published_split"], row["labels"]) for row in rows] == [
        ("deep/mine.npz::test_images/0", "test", None), *((f"deep/mine.npz::train_images/{number}", "train", None) for number in range(3))]
    assert found.roles == {"image": 1, "other": 3}
    assert [warning for warning in found.warnings if "deep/mine.npz: in MedMNIST's form" in warning]
    np.testing.assert_array_equal(Decoder(workspace, "d").pixels(rows[2]["sample_id"]), pictures[1])


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


def test_run_lengths_in_cells_are_masks_and_a_sign_for_nothing_is_absent(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    for name in ("a", "b", "c"):
        write_array(root / f"{name}.png", np.arange(6 * 4, dtype=np.uint8).reshape(6, 4))          # 6 rows, 4 columns
    (root / "t.csv").write_text("id, Pixels\na,2 3 13 1\nb, -1\n")
    layout = {"images": "{id}.png", "tables": [{"name": "t", "file": "t.csv", "on": "id", "to": "{id}"}], "runs": [{"table": "t", "column": "Pixels", "term": "pneumothorax"}]}
    rows = scanned(workspace, root, layout)
    assert [rows[f"{name}.png"]["labels"] for name in "abc"] == [{"pneumothorax": "present"}, {"pneumothorax": "absent"}, {}]
    marks = [row for row in read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts() if row["sample_id"].endswith("/a.png")]
    mask = MaskReader(workspace, "d").read(marks).masks["pneumothorax"]
    assert mask.shape == (6, 4)
    assert [tuple(place) for place in np.argwhere(mask)] == [(0, 2), (1, 0), (2, 0), (3, 0)]


def test_run_lengths_may_count_from_the_end_of_the_run_before(workspace: Workspace, tmp_path: Path) -> None:
    np.testing.assert_array_equal(runs_mask("1 3 8 1", "gaps", (4, 6)), runs_mask("2 3 13 1", "columns", (4, 6)))
    with pytest.raises(Unreadable, match="beyond"):
        runs_mask("20 9", "columns", (4, 6))


def test_boxes_stand_in_four_columns_or_in_one_cell(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    for name in ("a", "b"):
        write_array(root / f"{name}.png", np.eye(40, dtype=np.uint8))
    (root / "t.csv").write_text('id,kind,x,y,w,h,cell\na,Nodule,3,4,10,5,"1, 2, 9, 8"\na,Nodule,20,20,6,6,\nb,None,,,,,\n')
    tables = [{"name": "t", "file": "t.csv", "on": "id", "to": "{id}"}]
    layout = {"images": "{id}.png", "tables": tables, "boxes": [{"table": "t", "size": ["x", "y", "w", "h"], "raw": "kind"}, {"table": "t", "corners": "cell", "term": "lesion"}]}
    assert scanned(workspace, root, layout)["a.png"]["labels"] == {"nodule": "present", "lesion": "present"}
    boxes = read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts()
    assert [(row["term"], json.loads(row["geometry"])["box"]) for row in boxes] == [("nodule", [3, 4, 13, 9]), ("nodule", [20, 20, 26, 26]), ("lesion", [1, 2, 9, 8])]


def test_masks_in_colours_upside_down_and_inverted_lie_as_their_image(workspace: Workspace, tmp_path: Path) -> None:
    root, colours = tmp_path / "d", np.zeros((6, 4, 3), np.uint8)
    colours[0, 1], colours[5, 3] = (255, 0, 0), (0, 128, 0)
    write_array(root / "img/a.png", np.arange(6 * 4, dtype=np.uint8).reshape(6, 4))
    (root / "rgb").mkdir()
    Image.fromarray(colours).save(root / "rgb/a.png")
    write_array(root / "inv/a.png", np.where(colours[..., 0] > 0, 0, 255).astype(np.uint8))
    write_array(root / "flip/a.png", (colours[..., 1] > 0).astype(np.uint8))
    masks = [{"pattern": "rgb/{id}.png", "colours": True, "labels": "rgb"}, {"pattern": "inv/{id}.png", "inverted": True, "term": "optic disc"}, {"pattern": "flip/{id}.png", "mirrored": "yx", "term": "polyp"}]
    row = scanned(workspace, root, {"images": "img/{id}.png", "masks": masks, "labels": [{"name": "rgb", "values": {"#ff0000": "liver", "#008000": "spleen", "#0000ff": "kidney"}}]})["img/a.png"]
    assert row["labels"] == {"liver": "present", "spleen": "present", "kidney": "absent", "optic disc": "present", "polyp": "present"}
    found = MaskReader(workspace, "d").read(read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts()).masks
    assert {term: [tuple(place) for place in np.argwhere(mask)] for term, mask in found.items()} == {"liver": [(0, 1)], "spleen": [(5, 3)], "optic disc": [(0, 1)], "polyp": [(0, 0)]}


def test_a_colour_that_no_map_lists_is_an_issue(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write_array(root / "img/a.png", np.eye(4, dtype=np.uint8))
    (root / "rgb").mkdir()
    Image.fromarray(np.full((4, 4, 3), (1, 2, 3), np.uint8)).save(root / "rgb/a.png")
    row = scanned(workspace, root, {"images": "img/{id}.png", "masks": [{"pattern": "rgb/{id}.png", "colours": True, "labels": "rgb"}], "labels": [{"name": "rgb", "values": {"#ff0000": "liver"}}]})["img/a.png"]
    assert any("holds #010203" in issue for issue in row["issues"])


def test_the_first_sheet_of_a_workbook_is_a_table(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    write_array(root / "IMD1.png", np.eye(4, dtype=np.uint8))
    cells = '<row r="3"><c r="A3" t="s"><v>0</v></c><c r="C3" t="inlineStr"><is><t>Mel</t></is></c></row><row r="4"><c r="A4" t="s"><v>1</v></c><c r="B4"><v>3.0</v></c><c r="C4" t="s"><v>2</v></c></row>'
    with zipfile.ZipFile(root / "t.xlsx", "w") as book:
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{NS}"><si><t>Name</t></si><si><r><t>IMD</t></r><r><t>1</t></r></si><si><t>X</t></si></sst>')
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{NS}"><sheetData>{cells}</sheetData></worksheet>')
    layout = {"images": "{id}.png", "tables": [{"name": "t", "file": "t.xlsx", "skip": 2, "on": "Name", "to": "{id}"}], "labels": [{"table": "t", "states": {"X": "present"}, "columns": {"Mel": "melanoma"}}]}
    assert scanned(workspace, root, layout)["IMD1.png"]["labels"] == {"melanoma": "present"}


def test_stacked_masks_belong_to_the_pictures_of_the_same_number(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    root.mkdir()
    masks = np.zeros((2, 8, 8), np.uint8)
    masks[1, 2:4, 3:5] = 1
    np.savez(root / "busi_128.npz", test_images=np.arange(128, dtype=np.uint8).reshape(2, 8, 8), test_label=masks)
    adopt(workspace, "d", root, layout="medsegbench")
    scan(workspace, "d")
    assert [dict(labels) for labels in read_table(workspace.samples("d"), SAMPLES).sort("uri")["labels"].to_list()] == [{"breast tumor": "absent"}, {"breast tumor": "present"}]

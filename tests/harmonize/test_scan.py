from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.decode import ensure_pixel_hashes
from isocenter.harmonize.layout import load, parse
from isocenter.harmonize.miniature import miniature, write_image
from isocenter.harmonize.patterns import Pattern
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

FILMS = {
    "images": "films/{film}.png",
    "tables": [{"name": "t", "file": "t.csv", "on": "file", "columns": {"patient": "who", "age": "age"}}],
    "labels": [{"table": "t", "column": "finding", "mode": "list", "separator": "|", "values": {"P": "pneumonia", "E": "pleural effusion"}}],
}


def films(root: Path, rows: str) -> Path:
    for name in ("a", "b", "c"):
        write_image(root / f"films/{name}.png", np.random.default_rng(ord(name)).random((8, 8), np.float32))
    (root / "t.csv").write_text("file,who,age,finding\n" + rows, encoding="utf-8")
    layout = root.parent / "films.toml"
    import tomli_w

    layout.write_text(tomli_w.dumps(FILMS), encoding="utf-8")
    return layout


def samples(workspace: Workspace, name: str) -> dict[str, dict[str, object]]:
    return {row["uri"]: row for row in read_table(workspace.samples(name), SAMPLES).iter_rows(named=True)}


def test_any_folder_of_images_is_read_by_its_content(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    Image.new("L", (7, 5)).save(root / "picture.dat", "PNG")
    (root / "notes.txt").write_text("hello")
    (root / "broken.png").write_bytes(b"no picture")
    (root / "empty.dcm").write_bytes(b"")
    adopt(workspace, "d", root)
    found = scan(workspace, "d")
    assert (found.files, found.samples, found.errors) == (4, 3, 2)
    rows = samples(workspace, "d")
    assert (rows["picture.dat"]["format"], rows["picture.dat"]["shape"]) == ("png", [7, 5])
    assert rows["picture.dat"]["sample_id"] == "d@unversioned/picture.dat"
    assert rows["empty.dcm"]["error"] == "the file is empty (0 bytes)"
    roles = dict(read_table(workspace.inventory("d"), INVENTORY).select("path", "role").iter_rows())
    assert roles == {"picture.dat": "image", "notes.txt": "text", "broken.png": "unreadable", "empty.dcm": "unreadable"}


def test_a_table_gives_patients_ages_and_labels(workspace: Workspace, tmp_path: Path) -> None:
    layout = films(tmp_path / "data", "a.png,7,45,P\nb.png,7,18M,\n")
    adopt(workspace, "d", tmp_path / "data", layout=str(layout))
    scan(workspace, "d")
    rows = samples(workspace, "d")
    assert (rows["films/a.png"]["patient_id"], rows["films/a.png"]["age"]) == ("7", 45.0)
    assert rows["films/a.png"]["labels"] == {"pneumonia": "present", "pleural effusion": "absent"}
    assert (rows["films/b.png"]["labels"], rows["films/b.png"]["age"]) == ({}, 1.5)
    assert rows["films/c.png"]["labels"] == {}


def test_one_film_under_two_patients_keeps_both_and_says_so(workspace: Workspace, tmp_path: Path) -> None:
    layout = films(tmp_path / "data", "a.png,7,45,P\na.png,9,45,E\nzz.png,1,1,P\n")
    adopt(workspace, "d", tmp_path / "data", layout=str(layout))
    found = scan(workspace, "d")
    row = samples(workspace, "d")["films/a.png"]
    assert row["patient_id"] == "7|9"
    assert any("patients 7, 9" in issue for issue in row["issues"])  # type: ignore[attr-defined]
    assert row["labels"] == {}
    assert sum("both present and absent" in issue for issue in row["issues"]) == 2  # type: ignore[attr-defined]
    assert found.warnings == ("[d] table t: 1 rows belong to no image (first: 'zz.png')",)


def test_a_value_that_the_map_does_not_know_is_named_and_denies_nothing(workspace: Workspace, tmp_path: Path) -> None:
    layout = films(tmp_path / "data", "a.png,7,45,P|X\n")
    adopt(workspace, "d", tmp_path / "data", layout=str(layout))
    scan(workspace, "d")
    row = samples(workspace, "d")["films/a.png"]
    assert row["labels"] == {"pneumonia": "present"}
    assert row["issues"] == ["unknown_label: finding = 'X' is not in its label map"]


def test_a_table_that_joins_nothing_is_an_error_that_shows_both_sides(workspace: Workspace, tmp_path: Path) -> None:
    layout = films(tmp_path / "data", "A.PNG,7,45,P\n")
    adopt(workspace, "d", tmp_path / "data", layout=str(layout))
    with pytest.raises(BadInput, match="A.PNG"):
        scan(workspace, "d")


def test_the_files_of_a_series_are_one_sample_in_geometric_order(workspace: Workspace, tmp_path: Path) -> None:
    source = Path(pydicom.__file__).parent / "data/test_files/CT_small.dcm"
    root = tmp_path / "ct"
    root.mkdir()
    for number, z in enumerate([20.0, 0.0, 10.0]):
        dataset = pydicom.dcmread(source)
        dataset.SOPInstanceUID = f"1.2.{number}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.ImagePositionPatient = [0, 0, z]
        dataset.save_as(root / f"{number}.dcm")
    (root / "again.dcm").write_bytes((root / "1.dcm").read_bytes())
    adopt(workspace, "ct", root, layout="dicom")
    scan(workspace, "ct")
    rows = read_table(workspace.samples("ct"), SAMPLES).to_dicts()
    assert len(rows) == 1
    assert rows[0]["sample_id"] == f"ct@unversioned/{pydicom.dcmread(source).SeriesInstanceUID}"
    assert (rows[0]["uri"], rows[0]["shape"], rows[0]["modality"], rows[0]["patient_id"]) == ("1.dcm", [128, 128, 3], "CT", "1CT1")
    reasons = read_table(workspace.inventory("ct"), INVENTORY).filter(pl.col("reason").is_not_null())["reason"].to_list()
    assert reasons == ["the same DICOM instance as in 1.dcm"]


def test_masks_state_presence_and_absence_and_refuse_values_outside_their_map(workspace: Workspace, tmp_path: Path) -> None:
    layout = parse("m", {"images": "images/{case}.nii.gz", "masks": [{"pattern": "labels/{case}.nii.gz", "labels": "organs"}],
                         "labels": [{"name": "organs", "values": {"1": "liver", "2": "spleen"}}]})
    root = tmp_path / "organs"
    made = miniature(layout, root, samples=2, seed=3)
    import nibabel as nib
    import tomli_w

    wrong = np.zeros((48, 48, 8), np.uint8)
    wrong[4:9, 4:9] = 7
    write_image(root / "images/odd.nii.gz", np.zeros((48, 48, 8), np.float32))
    nib.save(nib.Nifti1Image(wrong, np.eye(4)), root / "labels/odd.nii.gz")
    only_liver = np.zeros((48, 48, 8), np.uint8)
    only_liver[4:9, 4:9] = 1
    nib.save(nib.Nifti1Image(only_liver, np.eye(4)), root / "labels" / Path(made[0].path).name)
    path = tmp_path / "m.toml"
    path.write_text(tomli_w.dumps({"images": "images/{case}.nii.gz", "masks": [{"pattern": "labels/{case}.nii.gz", "labels": "organs"}],
                                   "labels": [{"name": "organs", "values": {"1": "liver", "2": "spleen"}}]}))
    adopt(workspace, "organs", root, layout=str(path))
    scan(workspace, "organs")
    rows = samples(workspace, "organs")
    assert rows[made[0].path]["labels"] == {"liver": "present", "spleen": "absent"}
    assert rows["images/odd.nii.gz"]["labels"] is None
    assert rows["images/odd.nii.gz"]["issues"] == ["label_error: mask labels/odd.nii.gz holds 7, which label map 'organs' does not list"]
    kinds = read_table(workspace.annotations("organs"), ANNOTATIONS).filter(pl.col("sample_id").str.ends_with(made[0].path))
    assert sorted(kinds.select("term", "state").iter_rows()) == [("liver", "present"), ("spleen", "absent")]


def test_boxes_become_annotations_in_half_open_coordinates(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "voc.toml"
    path.write_text('images = "JPEGImages/{name}.png"\nboxes = "Annotations/{name}.xml"\n')
    root = tmp_path / "voc"
    write_image(root / "JPEGImages/x.png", np.zeros((20, 20), np.float32))
    (root / "Annotations").mkdir()
    (root / "Annotations/x.xml").write_text("<annotation><object><name>RBC</name><bndbox><xmin>1</xmin><ymin>3</ymin><xmax>10</xmax><ymax>9</ymax></bndbox></object></annotation>")
    adopt(workspace, "cells", root, layout=str(path))
    scan(workspace, "cells")
    row = read_table(workspace.annotations("cells"), ANNOTATIONS).to_dicts()[0]
    assert (row["kind"], row["term"], row["geometry"]) == ("box", "red blood cell", '{"box": [0.0, 2.0, 10.0, 9.0]}')


def test_pixels_decoded_once_stay_known_over_another_scan(workspace: Workspace, tmp_path: Path) -> None:
    write_image(tmp_path / "d/x.png", np.eye(9, dtype=np.float32))
    adopt(workspace, "d", tmp_path / "d")
    scan(workspace, "d")
    assert samples(workspace, "d")["x.png"]["pixel_hash"] is None
    ensure_pixel_hashes(workspace, "d")
    known = samples(workspace, "d")["x.png"]["pixel_hash"]
    scan(workspace, "d", force=True)
    assert samples(workspace, "d")["x.png"]["pixel_hash"] == known is not None


def test_equal_pixels_have_one_hash_whatever_the_file(workspace: Workspace, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (9, 11), np.uint8)
    root = tmp_path / "d"
    root.mkdir()
    Image.fromarray(array).save(root / "a.png")
    Image.fromarray(array).save(root / "b.png", compress_level=0)
    Image.fromarray(np.repeat(array[..., None], 3, -1)).save(root / "rgb.png")
    Image.fromarray(array.T.copy()).save(root / "turned.png")
    adopt(workspace, "d", root)
    scan(workspace, "d")
    ensure_pixel_hashes(workspace, "d")
    hashes = {uri: row["pixel_hash"] for uri, row in samples(workspace, "d").items()}
    assert hashes["a.png"] == hashes["b.png"] == hashes["rgb.png"] != hashes["turned.png"]


def test_a_dataset_that_is_gone_is_named(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such folder"):
        adopt(workspace, "d", tmp_path / "nowhere")
    with pytest.raises(NotFound, match="isocenter adopt d"):
        scan(workspace, "d")


def test_patterns_bind_tokens_and_need_equal_ones() -> None:
    assert Pattern("{p}/img{p}_{c:\\d{4}}.nii.gz").match("7/img7_0001.nii.gz") == {"p": "7", "c": "0001"}
    assert Pattern("{p}/img{p}.nii").match("7/img8.nii") is None
    assert Pattern("**/{f}.png").match("a/b/c.png") == {"f": "c"}
    with pytest.raises(BadInput, match="open brace"):
        _ = Pattern("{p/x").regex


def test_a_layout_with_a_wrong_key_is_told_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "l.toml"
    path.write_text('imagess = "a/{b}.png"\n')
    with pytest.raises(BadInput, match="did you mean images") as caught:
        load(path)
    assert caught.value.where == str(path)


def test_the_malformed_files_are_each_read_or_in_error(workspace: Workspace, extra_data: Path) -> None:
    adopt(workspace, "bad", extra_data / "malformed")
    found = scan(workspace, "bad")
    inventory = read_table(workspace.inventory("bad"), INVENTORY)
    assert (inventory.height, found.errors) == (20, 13)
    errors = dict(inventory.filter(pl.col("error").is_not_null()).select("path", "error").iter_rows())
    assert "empty" in errors["empty.dcm"]
    assert "no reader knows" in errors["text_named.dcm"]
    assert "truncated JPEG" in errors["truncated.jpg"]
    assert inventory.filter(pl.col("path") == "png_named.jpg")["format"].item() == "png"


def test_a_dicom_file_cut_short_is_in_error_and_keeps_what_its_header_says(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "cut"
    root.mkdir()
    whole = Path(get_testdata_file("CT_small.dcm", read=False)).read_bytes()
    (root / "cut.dcm").write_bytes(whole[: len(whole) // 2])
    adopt(workspace, "cut", root)
    scan(workspace, "cut")
    row = read_table(workspace.samples("cut"), SAMPLES).row(0, named=True)
    assert "cut short" in row["error"]
    assert (row["modality"], row["series_number"], row["patient_id"], row["shape"]) == ("CT", 1, "1CT1", None)
    assert row["series_id"].startswith("1.3.6.1.4.1.5962.")


def test_a_picture_cut_short_is_in_error_without_being_decoded(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "d"
    root.mkdir()
    for name in ("a.png", "a.jpg"):
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(root / name)
        (root / name).write_bytes((root / name).read_bytes()[:-200])
    adopt(workspace, "d", root)
    assert scan(workspace, "d").errors == 2
    assert all("truncated" in str(row["error"]) for row in samples(workspace, "d").values())

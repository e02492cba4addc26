"""A scan says what it did not read or left alone: tables beside pictures, masks without a picture, pictures without a mask, a folder without any."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt, same_folder
from isocenter.harmonize.unread import set_aside

LAYOUT = 'dataset = "own"\nmodality = "CR"\nevidence = "made here"\nimage = "images/{key}.png"\n[[masks]]\npattern = "masks/{key}.png"\nterm = "lung"\n'


def pictures(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 1).save(folder / name)
    return folder


def test_a_table_that_names_the_pictures_is_said_with_the_command_that_reads_it(workspace: Workspace, tmp_path: Path) -> None:
    root = pictures(tmp_path / "my films", "a.png", "b.png")
    (root / "labels.csv").write_text("file,finding,reader\na.png,pneumonia,1\nb.png,none,2\n")
    (root / "prices.csv").write_text("item,price\nfilm,3\n")
    adopt(workspace, "films", root)
    assert scan(workspace, "films").warnings == (
        "[films] no labels are read: table labels.csv names the pictures in column 'file' (others: finding, reader); "
        f"to read one: isocenter adopt films '{root}' --table labels.csv --label COLUMN:exclusive",)


def test_masks_without_a_picture_and_pictures_without_a_mask_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    root = pictures(tmp_path / "films", "images/a.png", "images/b.png", "masks/a.png", "masks/c.png", "masks/d.png")
    layout = tmp_path / "own.toml"
    layout.write_text(LAYOUT)
    adopt(workspace, "films", root, layout=str(layout))
    scan(workspace, "films")
    assert set_aside(workspace, "films") == [
        f"set aside: 2 files of masks or boxes without an image (first: masks/c.png; all: {workspace.inventory('films')}, column reason)",
        "without a mask: 1 of 2 samples (first: own@unversioned/images/b.png)"]
    adopt(workspace, "films", pictures(tmp_path / "plain", "a.png"))
    scan(workspace, "films")
    assert set_aside(workspace, "films") == []


def test_a_folder_without_pictures_is_no_dataset(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    adopt(workspace, "films", tmp_path / "empty")
    with pytest.raises(BadInput, match="no picture or volume lies here") as refused:
        scan(workspace, "films")
    assert refused.value.where == str(tmp_path / "empty")


def test_other_names_of_one_folder_are_known(workspace: Workspace, tmp_path: Path) -> None:
    one = adopt(workspace, "one", tmp_path)
    adopt(workspace, "two", tmp_path)
    adopt(workspace, "elsewhere", workspace.root)
    assert same_folder(workspace, one) == ["two"]

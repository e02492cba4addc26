"""Masks without a layout are pointed out, with the two lines that pair them; those lines work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from isocenter.core.workspace import Workspace
from isocenter.harmonize.mask_twins import mask_twins
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt


def test_a_folder_named_like_masks_with_the_names_of_the_pictures_beside_it_is_told() -> None:
    (told,) = mask_twins(["a/images/x1.nii.gz", "a/images/x2.nii.gz", "a/images/x3.nii.gz", "a/labels/x1.nii.gz", "a/labels/x2.nii.gz"])
    assert told.startswith("2 of 2 pictures in a/labels/ bear the names of pictures in a/images/")
    assert 'image = "a/images/{case}.nii.gz" and mask = "a/labels/{case}.nii.gz"' in told


def test_other_names_other_places_and_two_sequences_are_no_masks() -> None:
    assert mask_twins(["t1/1.png", "t1/2.png", "t2/1.png", "t2/2.png"]) == []
    assert mask_twins(["images/1.png", "images/2.png", "labels/a.png", "labels/b.png"]) == []
    assert mask_twins(["a/images/1.png", "a/images/2.png", "b/labels/1.png", "b/labels/2.png"]) == []


def test_the_advised_lines_make_masks_of_them(workspace: Workspace, tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / "d" / folder).mkdir(parents=True)
        for number in range(3):
            Image.fromarray(np.full((8, 8), number + (folder == "images") * 40, np.uint8)).save(tmp_path / f"d/{folder}/{number}.png")
    adopt(workspace, "d", tmp_path / "d")
    (told,) = scan(workspace, "d").warnings
    first, second = told.partition("say so: ")[2].partition(";")[0].split(" and ")
    (tmp_path / "l.toml").write_text(f"{first}\n{second}\n")
    adopt(workspace, "d", tmp_path / "d", layout=str(tmp_path / "l.toml"))
    again = scan(workspace, "d")
    assert (again.roles, again.samples) == ({"image": 3, "mask": 3}, 3)
    assert ["mask values 1, 2 of masks/{case}.png have no names" in text for text in again.warnings] == [True]

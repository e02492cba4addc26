"""Outlines in COCO files, polygons and both run lengths, are masks that are measured, merged and exported, each object by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isocenter.core.errors import Unreadable
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export import export
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.coco import outline_mask
from isocenter.harmonize.derive._dataset import derive_dataset
from isocenter.harmonize.mask_terms import MaskReader
from isocenter.harmonize.merge import merge
from isocenter.harmonize.merge_ledger import MERGE_LEDGER, ledger_path
from isocenter.harmonize.miniature_files import write_array
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

pytest.importorskip("pycocotools")
SQUARE = [[4, 6, 14, 6, 14, 14, 4, 14]]                       # columns 4 to 13, rows 6 to 13: 80 pixels
COUNTS = {"size": [20, 24], "counts": [2, 3, 475]}            # rows 2 to 4 of the first column
PACKED = {"size": [20, 24], "counts": "23k>"}                 # the same, as pycocotools writes it


def collection(root: Path, *outlines: Any) -> Path:
    """Two pictures of 24 columns and 20 rows; all objects lie in the first."""
    for name in ("one", "two"):
        write_array(root / f"images/{name}.png", np.arange(480, dtype=np.uint8).reshape(20, 24))
    marks = [{"id": place, "image_id": 1, "category_id": 7, "segmentation": outline, **({"bbox": [4, 6, 10, 8]} if outline == SQUARE else {})} for place, outline in enumerate(outlines)]
    (root / "annotations").mkdir()
    (root / "annotations/instances_images.json").write_text(json.dumps(
        {"categories": [{"id": 7, "name": "polyp"}], "images": [{"id": 1, "file_name": "one.png"}, {"id": 2, "file_name": "two.png"}], "annotations": marks}))
    return root


def marks_of(workspace: Workspace) -> list[dict[str, Any]]:
    return read_table(workspace.annotations("d"), ANNOTATIONS).to_dicts()


@pytest.mark.parametrize(("outline", "pixels"), [(SQUARE, {(x, y) for x in range(4, 14) for y in range(6, 14)}), (COUNTS, {(0, 2), (0, 3), (0, 4)}), (PACKED, {(0, 2), (0, 3), (0, 4)})])
def test_every_form_gives_the_pixels_that_it_means(outline: Any, pixels: set[tuple[int, int]]) -> None:
    rows, columns = np.nonzero(outline_mask(outline, (24, 20)))
    assert set(zip(columns.tolist(), rows.tolist())) == pixels


@pytest.mark.parametrize("outline", [{"size": [24, 20], "counts": [2, 3, 475]}, {"counts": [2]}, [["x"]], 7])
def test_what_is_no_outline_of_the_picture_is_refused(outline: Any) -> None:
    with pytest.raises(Unreadable):
        outline_mask(outline, (24, 20))


def test_objects_are_masks_and_the_ledger_counts_their_pixels(workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "d", collection(tmp_path / "d", SQUARE, COUNTS), layout="coco")
    scan(workspace, "d")
    marks = marks_of(workspace)
    assert sorted((mark["kind"], mark["term"]) for mark in marks) == [("box", "polyp"), ("mask", "polyp"), ("mask", "polyp")]
    assert MaskReader(workspace, "d").read(marks).masks["polyp"].sum() == 83
    assert [dict(labels or {}) for labels in read_table(workspace.samples("d"), SAMPLES).sort("uri")["labels"]] == [{"polyp": "present"}, {}]
    merge(workspace, ["d"], name="c")
    ledger = read_table(ledger_path(workspace, "c"), MERGE_LEDGER)
    assert ledger.select("medium", "raw_value", "samples", "voxels").sort("medium").rows() == [("box", "polyp", 1, None), ("mask", "polyp", 1, 83)]
    assert derive_dataset(workspace, "d", ["boxes"]).rows == {"boxes": 2}


def test_an_outline_that_does_not_fit_its_picture_is_an_issue(workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "d", collection(tmp_path / "d", {"size": [9, 9], "counts": [1, 1, 79]}), layout="coco")
    scan(workspace, "d")
    assert marks_of(workspace) == []
    assert "outline of 'polyp'" in read_table(workspace.samples("d"), SAMPLES).sort("uri")["issues"][0][-1]


def test_objects_come_out_one_by_one_as_they_came_in(workspace: Workspace, tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    adopt(workspace, "d", collection(tmp_path / "d", SQUARE, COUNTS), layout="coco", license="CC-BY-4.0")
    scan(workspace, "d")
    export(workspace, merge(workspace, ["d"], name="c"), to="coco", folder=tmp_path / "out")
    read = COCO(str(next((tmp_path / "out/annotations").glob("*.json"))))
    found = read.loadAnns(read.getAnnIds())
    assert sorted((one["bbox"], int(read.annToMask(one).sum())) for one in found) == [([0, 2, 1, 3], 3), ([4, 6, 10, 8], 80)]

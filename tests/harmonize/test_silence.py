"""A dataset cannot deny by silence what it shows nowhere: boxes of Pascal VOC and COCO under a layout that lists more classes than the files hold."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.miniature import write_image
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

CELLS = """[[labels]]
name = "cells"
mode = "list"
values = { "RBC" = "red blood cell", "WBC" = "white blood cell", "Platelets" = "platelet" }
"""
FORMS = {
    "voc": f"""image = "{{case}}.png"
[[boxes]]
pattern = "{{case}}.xml"
labels = "cells"
{CELLS}""",
    "coco": f"""image = "{{case}}.png"
[[boxes]]
pattern = "boxes.json"
form = "coco"
labels = "cells"
{CELLS}""",
    "table": f"""image = "{{case}}.png"
[[tables]]
name = "boxes"
file = "boxes.csv"
on = "image"
[[boxes]]
table = "boxes"
corners = ["x0", "y0", "x1", "y1"]
raw = "class"
labels = "cells"
{CELLS}""",
}
CLASSES = """
[[tables]]
name = "classes"
file = "classes.csv"
on = "image"

[[labels]]
table = "classes"
column = "white"
mode = "exclusive"
values = { "1" = "white blood cell", "0" = { term = "white blood cell", state = "absent" } }
"""


def _smears(root: Path, classes: dict[str, list[str]]) -> None:
    """Pictures, and their boxes in all three forms; a picture may have none."""
    names = sorted({name for boxes in classes.values() for name in boxes})
    for case, boxes in classes.items():
        write_image(root / f"{case}.png", np.random.default_rng(len(case)).random((32, 32), np.float32))
        objects = "".join(f"<object><name>{name}</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>" for name in boxes)
        (root / f"{case}.xml").write_text(f"<annotation>{objects}</annotation>")
    (root / "boxes.json").write_text(json.dumps({
        "images": [{"id": number, "file_name": f"{case}.png"} for number, case in enumerate(classes)], "categories": [{"id": number, "name": name} for number, name in enumerate(names)],
        "annotations": [{"image_id": number, "category_id": names.index(name), "bbox": [1, 1, 8, 8]} for number, boxes in enumerate(classes.values()) for name in boxes]}))
    with (root / "boxes.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["image", "x0", "y0", "x1", "y1", "class"], *([f"{case}.png", 1, 1, 9, 9, name] for case, boxes in classes.items() for name in boxes)])


def _scanned(tmp_path: Path, layout: str) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Labels by file name without ending, and what the scan warns of."""
    (tmp_path / "cells.toml").write_text(layout)
    workspace = Workspace.create(tmp_path / "w")
    adopt(workspace, "smears", tmp_path / "data", layout=str(tmp_path / "cells.toml"))
    warnings = scan(workspace, "smears").warnings
    rows = read_table(workspace.samples("smears"), SAMPLES, ["uri", "labels"])
    return {uri.removesuffix(".png"): dict(labels or {}) for uri, labels in rows.iter_rows()}, warnings


@pytest.mark.parametrize("form", FORMS)
def test_a_class_that_is_boxed_nowhere_is_not_annotated_and_named_once(tmp_path: Path, form: str) -> None:
    _smears(tmp_path / "data", {"a": ["RBC"], "b": ["RBC", "RBC"]})
    labels, warnings = _scanned(tmp_path, FORMS[form])
    assert labels == {"a": {"red blood cell": "present"}, "b": {"red blood cell": "present"}}
    assert [text for text in warnings if "platelet, white blood cell: boxed in no picture here" in text and "absent from 2 of 2" in text] == list(warnings)


@pytest.mark.parametrize("form", FORMS)
def test_a_class_that_is_boxed_somewhere_is_absent_where_it_is_not(tmp_path: Path, form: str) -> None:
    _smears(tmp_path / "data", {"a": ["RBC"], "b": ["WBC", "Platelets"]})
    labels, warnings = _scanned(tmp_path, FORMS[form])
    assert labels["a"] == {"red blood cell": "present", "white blood cell": "absent", "platelet": "absent"}
    assert warnings == ()


def test_what_a_table_denies_in_its_own_words_stays(tmp_path: Path) -> None:
    _smears(tmp_path / "data", {"a": ["RBC"], "b": ["RBC"]})
    (tmp_path / "data" / "classes.csv").write_text("image,white\na.png,0\nb.png,\n")
    labels, warnings = _scanned(tmp_path, FORMS["voc"].replace(CELLS, CELLS + CLASSES))
    assert labels == {"a": {"red blood cell": "present", "white blood cell": "absent"}, "b": {"red blood cell": "present"}}
    assert len(warnings) == 1
    assert "platelet, white blood cell: boxed in no picture here" in warnings[0]

"""A layout whose values are of the wrong type, in any key of any section, is refused by file and key with what belongs there; nothing else is ever raised."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from isocenter.core.errors import BadInput, IsocenterError
from isocenter.harmonize import layout as layouts
from isocenter.harmonize import layout_forms as forms

WHOLE: dict[str, Any] = {
    "dataset": "d", "release": "1", "modality": "CT", "split": "train", "evidence": "made", "description": "made", "seen_on_real_data": False, "general": False, "exclude": ["**/._*"],
    "images": [{"pattern": "{case}.npz", "split": "train", "modality": "CT", "sample": "{case}", "array": "{part}", "array_labels": "{part}_labels", "stacked": True,
                "every_s": 0.5, "tile": 512, "level": 1}],
    "masks": [{"pattern": "m/{case}.npz", "image": "{case}.npz", "labels": ["own", "acdc"], "term": "liver", "raw": "{case}", "slices": False, "array": "a", "stacked": False, "sparse": False,
               "colours": False, "inverted": False, "mirrored": "x", "table": "t", "path": "{file}", "annotator": "A", "machine_made": False, "encoding": "as published", "settled": ["word"]}],
    "boxes": [{"pattern": "{case}.xml", "image": "{case}.npz", "labels": "own", "form": "voc"}, {"form": "table", "table": "t", "corners": ["a", "b", "c", "d"], "raw": "raw", "term": "liver"},
              {"form": "table", "table": "t", "size": "box"}],
    "runs": [{"table": "t", "column": "rle", "form": "gaps", "term": "liver", "labels": "own", "raw": "raw", "nothing": ["-1"]}],
    "tables": [{"name": "t", "file": "t.csv", "on": "file", "to": "{name}", "separator": ";", "encoding": "latin-1", "header": ["file"], "columns": {"patient": "p"}, "rows": "list", "skip": 1,
                "optional": True}],
    "labels": [{"name": "own", "values": {"1": "liver", "2": {"term": ["spleen"], "state": "uncertain"}}, "negative": ["0"], "mode": "mentions", "separator": "|", "cell": "text"},
               {"table": "t", "column": "c", "map": "acdc"}, {"token": "case", "mode": "exclusive", "values": {}}, {"table": "t", "columns": {"c": "liver"}, "states": {"1": "present"}}],
    "legends": [{"name": "legend", "file": "dataset.json", "form": "dataset.json", "key": "{case}"}], "reports": {"files": "r/{case}.txt"},
}
SECTIONS = {"images": forms.IMAGE, "masks": forms.MASK, "boxes": forms.BOX_FILE | forms.BOX_TABLE, "runs": forms.RUN, "tables": forms.TABLE, "labels": forms.LABEL, "legends": forms.LEGEND}
WRONG: list[Any] = [3, -1, 1.5, True, "", "{", "word", [], ["a", "b"], [1], [[]], {}, {"x": 1}, {"x": {"y": 2}}, [{}], [{"x": 1}], datetime.date(2020, 1, 1)]


def cases() -> Iterator[tuple[str, int | None, str, Any]]:
    for key in WHOLE:
        yield from (("", None, key, wrong) for wrong in WRONG)
    for section in SECTIONS:
        yield from ((section, number, key, wrong) for number, rule in enumerate(WHOLE[section]) for key in rule for wrong in WRONG)


def test_every_key_that_there_is_stands_in_the_whole_layout() -> None:
    assert set(WHOLE) | {"image", "mask"} == set(forms.TOP)
    assert {section: {key for rule in WHOLE[section] for key in rule} for section in SECTIONS} == {section: set(known) for section, known in SECTIONS.items()}
    layouts.parse("whole", copy.deepcopy(WHOLE))


def refusal(data: dict[str, Any]) -> IsocenterError | None:
    try:
        layouts.parse("whole", data)
    except IsocenterError as error:
        return error
    return None


def test_a_value_of_the_wrong_type_is_refused_with_its_key_and_nothing_else_is_raised() -> None:
    refused = 0
    for section, number, key, wrong in cases():
        data = copy.deepcopy(WHOLE)
        (data if number is None else data[section][number])[key] = wrong
        form, error = (SECTIONS[section] if section else forms.TOP)[key], refusal(data)
        refused += error is not None
        if not form.fits(wrong):
            assert error is not None, (section, key, wrong)
            assert f"{key} = {wrong!r} is no {form.words}" in error.what
            assert error.hint == f"{key} = {form.example}"
    assert refused > 1000


@pytest.mark.parametrize(("layout", "message"), [
    ({"images": ["a", "b"]}, r"the layout: images = \['a', 'b'\] is no pattern, table or list of tables"), ({"labels": {"values": {}}}, "list of tables"),
    ({"images": "{a}.png", "labels": [{"values": {"1": "liver"}}]}, r"labels\[0\] lacks 'name'"), ({"images": "{a"}, "images: pattern '{a' has an open brace"),
    ({"images": "{a}.png", "masks": [{"pattern": "x(", "labels": "acdc", "mirorred": "x"}]}, "did you mean mirrored"), ({"images": "{a:[}.png"}, "images: pattern .* is not valid"),
    ({"images": "{a}.png", "reports": {"files": 3}}, "files = 3 is no text"), ({"images": "{a}.png", "reports": {"columns": "a", "files": "b"}}, "one of them"),
    ({"images": "{a}.png", "tables": [{"file": "t.csv", "on": "f", "columns": {"patient": 3}}]}, "patient = 3|columns = {'patient': 3}"),
])
def test_the_file_is_named(layout: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(tomli_w.dumps(layout))
    with pytest.raises(BadInput, match=message) as error:
        layouts.load(path)
    assert str(path) in str(error.value)

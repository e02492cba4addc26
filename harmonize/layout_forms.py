"""What may stand in the file of a layout: the form of every key, section by section; a section of another form is refused with its key."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any

from isocenter.core.forms import FLAG, NAMES, TEXT, TEXTS, WHOLE, Form, are_texts, complaints, is_text, one_of
from isocenter.harmonize.layout_legend_forms import FORMS as LEGEND_FORMS


def _tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _meaning(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() <= {"term", "state"} and is_text(value.get("state", "")) and _meaning(value.get("term"))
    return is_text(value) or are_texts(value)


def _encoding(value: Any) -> bool:
    try:
        return bool(codecs.lookup(value)._is_text_encoding)  # type: ignore[attr-defined]
    except (LookupError, TypeError, ValueError):
        return False


RULES = Form("pattern, table or list of tables", '"images/{patient}.png"', lambda value: isinstance(value, (str, dict)) or _tables(value))
TABLE_OR_TABLES = Form("table or list of tables", '[{ file = "labels.csv", on = "name" }]', lambda value: isinstance(value, dict) or _tables(value))
TABLES = Form("list of tables (two brackets: [[…]])", '[{ name = "…" }]', _tables)
REPORTS_TABLE = Form("table", '{ columns = ["findings", "impression"] }', lambda value: isinstance(value, dict))
TEXT_OR_TEXTS = Form("text or list of texts", '"…"', lambda value: is_text(value) or are_texts(value))
LETTER = Form("single character", '";"', lambda value: is_text(value) and len(value) == 1)
LINES = Form("whole number from 0", "1", lambda value: WHOLE.fits(value) and value >= 0)
SECONDS = Form("number of seconds above 0", "0.5", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0)
SIDE = Form("whole number above 0", "512", lambda value: WHOLE.fits(value) and value > 0)
ENCODING = Form("name of a text encoding", '"latin-1"', _encoding)
AXES = Form("text of axes, x, y and z", '"x"', lambda value: is_text(value) and set(value) <= set("xyz"))
MEANINGS = Form("table of raw = term, list of terms or { term, state }", '{ 1 = "liver", 2 = { term = "liver tumor", state = "uncertain" } }',
                lambda value: isinstance(value, dict) and all(map(_meaning, value.values())))

TOP = {
    "image": RULES, "images": RULES, "mask": RULES, "masks": RULES, "boxes": RULES, "runs": TABLES, "tables": TABLE_OR_TABLES, "labels": TABLES, "legends": TABLES, "reports": REPORTS_TABLE, "exclude": TEXTS,
    **dict.fromkeys(("dataset", "release", "modality", "split", "evidence", "description"), TEXT), "seen_on_real_data": FLAG, "general": FLAG,
}
IMAGE = {**dict.fromkeys(("pattern", "split", "modality", "sample", "array", "array_labels"), TEXT), "stacked": FLAG, "every_s": SECONDS, "tile": SIDE, "level": LINES}
MASK = {
    **dict.fromkeys(("pattern", "image", "term", "raw", "array", "table", "path", "annotator", "encoding"), TEXT), "labels": TEXT_OR_TEXTS, "settled": TEXTS, "mirrored": AXES,
    **dict.fromkeys(("slices", "stacked", "sparse", "colours", "inverted", "machine_made"), FLAG),
}
BOX_FORM = one_of("voc", "coco", "table")
BOX_FILE = {**dict.fromkeys(("labels", "pattern", "image"), TEXT), "form": BOX_FORM}
BOX_TABLE = {**dict.fromkeys(("labels", "table", "raw", "term"), TEXT), "form": BOX_FORM, "corners": TEXT_OR_TEXTS, "size": TEXT_OR_TEXTS}
RUN = {**dict.fromkeys(("table", "column", "term", "labels", "raw"), TEXT), "form": one_of("columns", "gaps"), "nothing": TEXTS}
TABLE = {**dict.fromkeys(("name", "file", "on", "to"), TEXT), "separator": LETTER, "encoding": ENCODING, "header": TEXTS, "columns": NAMES, "rows": TEXT_OR_TEXTS, "skip": LINES, "optional": FLAG}
LABEL = {**dict.fromkeys(("name", "table", "column", "token", "mode", "separator", "map"), TEXT), "values": MEANINGS, "negative": TEXTS, "columns": NAMES, "states": NAMES,
         "cell": one_of("text", "list")}
REPORTS = {"files": TEXT, "columns": TEXT_OR_TEXTS}
LEGEND = {**dict.fromkeys(("name", "file", "key"), TEXT), "form": one_of(*LEGEND_FORMS)}


def require(rule: Mapping[str, Any], forms: Mapping[str, Form], where: str) -> None:
    """Raises BadInput for the first key that is unknown or whose value has another form: the key, the value, what it must be, and an example."""
    for complaint in complaints(rule, forms, where):
        raise complaint

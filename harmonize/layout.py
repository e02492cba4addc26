"""Layouts: one TOML file says how one dataset lies on disk; this reads it into plain data and refuses what it does not understand."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from isocenter.core.errors import BadInput, IsocenterError, NotFound
from isocenter.core.forms import TEXT
from isocenter.core.near_names import advice
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout_forms as forms
from isocenter.harmonize.layout_rules import (
    BoxRule,
    ImageRule,
    LabelRule,
    Layout,
    LegendRule,
    MaskRule,
    ReportRule,
    RunRule,
    TableRule,
)
from isocenter.harmonize.patterns import Pattern
from isocenter.registry.labelmap import Entry, LabelMap, Mode, State
from isocenter.registry.labelmaps import find as find_map

LIST_SEPARATOR = "\x1f"
HOME = Path(__file__).parent / "layouts"
SAMPLE_COLUMNS = ("patient", "study", "series", "split", "modality", "body_part", "view", "age", "sex", "site", "manufacturer", "license", "protocol")


def names() -> list[str]:
    """Layouts that come with isocenter."""
    return sorted(path.stem for path in HOME.glob("*.toml"))


def find(name: str, workspace: Workspace | None = None) -> Path:
    """The file of a layout: a path, one of the workspace's own (`plugins/layouts/`), or one that comes with isocenter."""
    own = [workspace.plugins / "layouts" / f"{name}.toml"] if workspace else []
    for path in (*([Path(name)] if name.endswith(".toml") else []), *own, HOME / f"{name}.toml"):
        if path.is_file():
            return path
    if name.endswith(".toml"):
        raise NotFound(f"no layout file {name!r}", where=str(Path(name).absolute()), hint=advice(Path(name).name, (path.name for path in Path(name).absolute().parent.glob("*.toml")), "isocenter plugins layouts"))
    raise NotFound(f"no layout {name!r}", hint=advice(name, names(), "isocenter plugins layouts"))


def load(path: Path) -> Layout:
    """Read a layout file. Raises BadInput with file and key, NotFound for a label map that there is not."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not valid TOML: {error}", where=str(path)) from error
    try:
        return parse(path.stem, data)
    except IsocenterError as error:
        error.where = str(path)
        raise


def parse(name: str, data: dict[str, Any]) -> Layout:
    """A layout from the content of its TOML file. Raises BadInput naming the key and what it must be."""
    forms.require(data, forms.TOP, "the layout")
    for number, rule in enumerate(data.get("labels", [])):
        forms.require(rule, forms.LABEL, f"labels[{number}]")
    images = [_image(rule) for rule in _rules(data.get("images", data.get("image")))]
    maps = {rule["name"]: _label_map(rule, rule["name"]) for rule in data.get("labels", []) if "name" in rule}
    tables = [_table(rule, f"tables[{i}]") for i, rule in enumerate(_rules(data.get("tables")))]
    rules = [_label(rule, i, tables) for i, rule in enumerate(data.get("labels", []))]
    return Layout(
        name=name, images=tuple(images), masks=tuple(_mask(rule) for rule in _rules(data.get("masks", data.get("mask")))),
        boxes=tuple(_box(rule, maps, tables) for rule in _rules(data.get("boxes"))), runs=tuple(_runs(rule, tables) for rule in data.get("runs", [])), tables=tuple(tables),
        labels=tuple(rule for several in rules for rule in several), legends=tuple(_legend(rule) for rule in data.get("legends", [])), maps=tuple(maps.values()),
        reports=_reports(data["reports"]) if "reports" in data else None, exclude=tuple(_pattern(text, "exclude") for text in data.get("exclude", [])),
        **{key: data[key] for key in ("dataset", "release", "modality", "split", "evidence", "description", "seen_on_real_data", "general") if key in data},
    )


def _rules(value: Any) -> list[dict[str, Any]]:
    """One pattern, or a list of rules: both are allowed."""
    if value is None:
        return []
    return [{"pattern": value}] if isinstance(value, str) else list(value) if isinstance(value, list) else [value]


def _required(rule: dict[str, Any], key: str, where: str) -> Any:
    if key not in rule:
        raise BadInput(f"{where} lacks {key!r}")
    return rule[key]


def _pattern(text: str, where: str) -> Pattern:
    """A pattern that can be matched. Raises BadInput that says why it cannot."""
    pattern = Pattern(text)
    try:
        _ = pattern.regex
    except BadInput as error:
        raise BadInput(f"{where}: {error.what}", hint=error.hint) from error
    return pattern


def _image(rule: dict[str, Any]) -> ImageRule:
    forms.require(rule, forms.IMAGE, "images")
    if "array" in rule:
        _pattern(rule["array"], "images.array")
    return ImageRule(**{**rule, "pattern": _pattern(_required(rule, "pattern", "images"), "images")})


def _mask(rule: dict[str, Any]) -> MaskRule:
    forms.require(rule, forms.MASK, "masks")
    for key in ("raw", "array"):
        if key in rule:
            _pattern(rule[key], f"masks.{key}")
    labels = rule.get("labels", ())
    if not isinstance(labels, str) and len(labels) > 1 and "raw" not in rule:
        raise BadInput("masks: several label maps need `raw`, the value that each file stands for", hint='raw = "{structure}.nii.gz"')
    return MaskRule(**{**rule, "pattern": _pattern(_required(rule, "pattern", "masks"), "masks"), "settled": tuple(rule.get("settled", ())),
                       "labels": (labels,) if isinstance(labels, str) else tuple(labels)})


def _box(rule: dict[str, Any], maps: dict[str, LabelMap], tables: list[TableRule]) -> BoxRule:
    form = rule.get("form", "table" if "table" in rule else "voc")
    forms.require({"form": form}, {"form": forms.BOX_FORM}, "boxes")
    forms.require(rule, forms.BOX_TABLE if form == "table" else forms.BOX_FILE, "boxes")
    name = rule.get("labels")
    if name is not None and name not in maps:
        raise BadInput(f"boxes: no [[labels]] with name = {name!r}")
    known: dict[str, Any] = {"image": rule.get("image"), "map": maps[name] if name else None, "form": form}
    if form != "table":
        return BoxRule(_pattern(_required(rule, "pattern", "boxes"), "boxes"), **known)
    found: dict[str, Any] = {key: (rule[key],) if isinstance(rule[key], str) else tuple(rule[key]) for key in ("corners", "size") if key in rule}
    if len(found) != 1 or len(next(iter(found.values()))) not in (1, 4):
        raise BadInput("boxes of a table need `corners` (x0, y0, x1, y1) or `size` (x, y, width, height)", hint='corners = ["x_min", "y_min", "x_max", "y_max"]')
    return BoxRule(None, table=_table_name(rule, tables, "boxes"), raw=rule.get("raw"), term=rule.get("term"), **found, **known)


def _runs(rule: dict[str, Any], tables: list[TableRule]) -> RunRule:
    forms.require(rule, forms.RUN, "runs")
    _required(rule, "column", "runs")
    return RunRule(**{**rule, "table": _table_name(rule, tables, "runs"), "nothing": tuple(rule.get("nothing", ("", "-1")))})


def _legend(rule: dict[str, Any]) -> LegendRule:
    forms.require(rule, forms.LEGEND, "legends")
    return LegendRule(**{**rule, "name": _required(rule, "name", "legends"), "file": _pattern(_required(rule, "file", "legends"), "legends")})


def _reports(rule: dict[str, Any]) -> ReportRule:
    forms.require(rule, forms.REPORTS, "reports")
    if len(rule) != 1:
        raise BadInput("reports stand in `files` or in `columns` of the tables: one of them", hint='[reports]\n         files = "reports/s{study}.txt"')
    columns = rule.get("columns", ())
    return ReportRule(_pattern(rule["files"], "reports") if "files" in rule else None, (columns,) if isinstance(columns, str) else tuple(columns))


def _table_name(rule: dict[str, Any], tables: list[TableRule], where: str) -> str:
    name = rule.get("table", tables[0].name if len(tables) == 1 else None)
    if name not in {known.name for known in tables}:
        raise BadInput(f"{where} names no table", hint=f"table = one of {', '.join(known.name for known in tables) or '(declare [[tables]])'}")
    return str(name)


def _table(rule: dict[str, Any], where: str) -> TableRule:
    forms.require(rule, forms.TABLE, where)
    columns = rule.get("columns", {})
    forms.require(columns, dict.fromkeys(SAMPLE_COLUMNS, TEXT), f"{where}.columns")
    templates = tuple((key, value if "{" in value else f"{{{value}}}") for key, value in columns.items())
    on, rows = _required(rule, "on", where), rule.get("rows", ())
    return TableRule(**{**rule, "name": rule.get("name", rule.get("file")), "file": _pattern(_required(rule, "file", where), where), "on": on if "{" in on else f"{{{on}}}",
                        "header": tuple(rule["header"]) if "header" in rule else None, "columns": templates, "rows": (rows,) if isinstance(rows, str) else tuple(rows)})


def _label(rule: dict[str, Any], index: int, tables: list[TableRule]) -> list[LabelRule]:
    where = f"labels[{index}]"
    if not {"column", "columns", "token"} & rule.keys():
        _required(rule, "name", where)                       # a map for masks or boxes, which name it
        return []
    table = None if "token" in rule else _table_name(rule, tables, where)
    if "columns" in rule:
        states = _required(rule, "states", where)
        return [LabelRule(_column_map(term, states, where), table, column) for column, term in rule["columns"].items()]
    return [LabelRule(_label_map(rule, where), table, rule.get("column"), rule.get("token"), rule.get("cell") == "list")]


def _label_map(rule: dict[str, Any], where: str) -> LabelMap:
    separator = LIST_SEPARATOR if rule.get("cell") == "list" else rule.get("separator")
    mode: Any = rule.get("mode", "mentions" if "name" in rule else None)
    if mode not in get_args(Mode) and ("mode" in rule or "map" not in rule):
        raise BadInput(f"{where}: mode is {mode!r}", hint="exclusive (others are absent), list (what is not listed is absent) or mentions (what is not listed is not annotated)")
    if "map" in rule:
        known = find_map(rule["map"])
        silent = tuple(Entry(raw, ()) for key in rule.get("negative", []) for raw in _range(key))
        return replace(known, mode=rule.get("mode", known.mode), separator=separator or known.separator, entries=known.entries + silent)
    entries = [_entry(raw, meaning, where) for key, meaning in _required(rule, "values", where).items() for raw in _range(key)]
    entries += [Entry(raw, ()) for key in rule.get("negative", []) for raw in _range(key)]
    return LabelMap(rule.get("name", f"inline {where}"), tuple(entries), mode, separator)


def _range(key: str) -> list[str]:
    """`128..255` stands for every value from 128 to 255."""
    found = re.fullmatch(r"(\d+)\.\.(\d+)", key)
    return [str(value) for value in range(int(found.group(1)), int(found.group(2)) + 1)] if found else [key]


def _entry(raw: str, meaning: Any, where: str) -> Entry:
    if isinstance(meaning, dict):
        terms, state = _required(meaning, "term", f"{where}.{raw}"), meaning.get("state", "present")
    else:
        terms, state = meaning, "present"
    if state not in get_args(State):
        raise BadInput(f"{where}.{raw}: state is {state!r}", hint="present, absent or uncertain")
    return Entry(raw, tuple([terms] if isinstance(terms, str) else terms), state)


def _column_map(term: str, states: dict[str, State], where: str) -> LabelMap:
    """A column of its own per finding (1 / 0 / -1): every value states one term."""
    return LabelMap(f"{where} {term}", tuple(_entry(raw, {"term": term, "state": state}, where) for raw, state in states.items()), "mentions")

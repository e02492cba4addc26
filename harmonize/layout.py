"""Layouts: one TOML file says how one dataset lies on disk; this reads it into plain data and refuses what it does not understand."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from rapidfuzz import process

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.workspace import Workspace
from isocenter.harmonize.patterns import Pattern
from isocenter.registry.labelmap import Entry, LabelMap, Mode, State
from isocenter.registry.labelmaps import find as find_map

LIST_SEPARATOR = "\x1f"
HOME = Path(__file__).parent / "layouts"
SAMPLE_COLUMNS = ("patient", "study", "series", "split", "modality", "body_part", "view", "age", "sex", "site", "manufacturer", "license", "protocol")


@dataclass(frozen=True, slots=True)
class ImageRule:
    """Files that are images. `sample`: template that joins several files (channels) into one sample.

    array: pattern of the names of the arrays in an npz file that are pictures; stacked: each holds many along its first axis;
    array_labels: template of the array that holds their labels, read as the token `label`.
    """

    pattern: Pattern
    split: str | None = None
    modality: str | None = None
    sample: str | None = None
    array: str | None = None
    stacked: bool = False
    array_labels: str | None = None


@dataclass(frozen=True, slots=True)
class MaskRule:
    """Files that are masks of the image with the same value of every shared token (or of `image`, a template of its path).

    labels: names of the label maps of the values; term: what every non-zero value means; either may use tokens.
    raw: for one file per structure, the raw value of the label map that every non-zero value of this file has (`{structure}.nii.gz`).
    array: the array of an npz file, which may hold the image too. slices: each file is one slice of the image's mask; the files of a sample are in the order of their names.
    table, path: only files whose path a row of the table gives are masks; the row's cells are tokens, so `image = "{image}"` pairs them.
    encoding: which encoding the files are in (an nnU-Net conversion is not what was published). settled: names of maps whose
    other reading of the values has been looked at and set aside.
    """

    pattern: Pattern
    image: str | None = None
    labels: tuple[str, ...] = ()
    term: str | None = None
    raw: str | None = None
    slices: bool = False
    array: str | None = None
    table: str | None = None
    path: str | None = None
    annotator: str | None = None
    machine_made: bool = False
    encoding: str = "as published"
    settled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableRule:
    """A table whose rows belong to samples: `on` is filled from its columns, `to` from the sample, and equal text joins them.

    `to` knows {path}, {name}, {stem}, {key} and the tokens of the image pattern. columns: sample column -> template.
    Files named .json or .jsonl hold objects, one per row; rows: the key of the list of them.
    """

    name: str
    file: Pattern
    on: str
    to: str = "{name}"
    separator: str = ","
    encoding: str = "utf-8-sig"
    header: tuple[str, ...] | None = None
    columns: tuple[tuple[str, str], ...] = ()
    rows: str | None = None


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Where labels stand (`table` and `column`, or a `token` of the image pattern) and the map that reads them.

    listed: cells are written like lists, `['a', 'b']`.
    """

    map: LabelMap
    table: str | None = None
    column: str | None = None
    token: str | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class BoxRule:
    """Pascal VOC files: boxes of the image with the same value of every shared token.

    form: voc, or coco for one file of many pictures, whose paths `image` makes of {file_name} and the tokens.
    """

    pattern: Pattern
    image: str | None = None
    map: LabelMap | None = None
    form: str = "voc"


@dataclass(frozen=True, slots=True)
class Layout:
    """How one dataset lies on disk. A layout without image rules takes every image it can read."""

    name: str
    images: tuple[ImageRule, ...] = ()
    masks: tuple[MaskRule, ...] = ()
    boxes: tuple[BoxRule, ...] = ()
    tables: tuple[TableRule, ...] = ()
    labels: tuple[LabelRule, ...] = ()
    maps: tuple[LabelMap, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    dataset: str | None = None
    release: str | None = None
    modality: str | None = None
    split: str | None = None
    evidence: str = ""
    description: str = ""
    seen_on_real_data: bool = False


def names() -> list[str]:
    """Layouts that come with isocenter."""
    return sorted(path.stem for path in HOME.glob("*.toml"))


def find(name: str, workspace: Workspace | None = None) -> Path:
    """The file of a layout: a path, one of the workspace's own (`plugins/layouts/`), or one that comes with isocenter."""
    own = [workspace.plugins / "layouts" / f"{name}.toml"] if workspace else []
    for path in (*([Path(name)] if name.endswith(".toml") else []), *own, HOME / f"{name}.toml"):
        if path.is_file():
            return path
    guess = process.extractOne(name, names(), score_cutoff=60)
    raise NotFound(f"no layout {name!r}", hint=f"did you mean {guess[0]}?" if guess else "isocenter plugins layouts")


def load(path: Path) -> Layout:
    """Read a layout file. Raises BadInput with file and key."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not valid TOML: {error}", where=str(path)) from error
    try:
        return parse(path.stem, data)
    except BadInput as error:
        raise BadInput(error.what, where=str(path), hint=error.hint) from error


def parse(name: str, data: dict[str, Any]) -> Layout:
    """A layout from the content of its TOML file. Raises BadInput naming the key."""
    top = {field.name for field in fields(Layout)} - {"name", "images", "maps"} | {"image", "mask", "images"}
    _known(data, top, "the layout")
    images = [_image(rule) for rule in _rules(data.get("images", data.get("image")))]
    maps = {rule["name"]: _label_map(rule, rule["name"]) for rule in data.get("labels", []) if "name" in rule}
    tables = [_table(rule, f"tables[{i}]") for i, rule in enumerate(_rules(data.get("tables")))]
    rules = [_label(rule, i, tables) for i, rule in enumerate(data.get("labels", [])) if {"column", "columns", "token"} & rule.keys()]
    return Layout(
        name=name, images=tuple(images), masks=tuple(_mask(rule) for rule in _rules(data.get("masks", data.get("mask")))),
        boxes=tuple(_box(rule, maps) for rule in _rules(data.get("boxes"))), tables=tuple(tables),
        labels=tuple(rule for several in rules for rule in several), maps=tuple(maps.values()),
        exclude=tuple(Pattern(text) for text in data.get("exclude", [])),
        **{key: data[key] for key in ("dataset", "release", "modality", "split", "evidence", "description", "seen_on_real_data") if key in data},
    )


def _rules(value: Any) -> list[dict[str, Any]]:
    """One pattern, or a list of rules: both are allowed."""
    if value is None:
        return []
    return [{"pattern": value}] if isinstance(value, str) else list(value) if isinstance(value, list) else [value]


def _known(rule: dict[str, Any], allowed: set[str], where: str) -> None:
    for key in rule.keys() - allowed:
        guess = process.extractOne(key, sorted(allowed), score_cutoff=60)
        raise BadInput(f"{where} has no key {key!r}", hint=f"did you mean {guess[0]}?" if guess else f"one of: {', '.join(sorted(allowed))}")


def _required(rule: dict[str, Any], key: str, where: str) -> Any:
    if key not in rule:
        raise BadInput(f"{where} lacks {key!r}")
    return rule[key]


def _image(rule: dict[str, Any]) -> ImageRule:
    _known(rule, {field.name for field in fields(ImageRule)}, "images")
    return ImageRule(**{**rule, "pattern": Pattern(_required(rule, "pattern", "images"))})


def _mask(rule: dict[str, Any]) -> MaskRule:
    _known(rule, {field.name for field in fields(MaskRule)}, "masks")
    labels = rule.get("labels", ())
    if not isinstance(labels, str) and len(labels) > 1 and "raw" not in rule:
        raise BadInput("masks: several label maps need `raw`, the value that each file stands for", hint='raw = "{structure}.nii.gz"')
    return MaskRule(**{**rule, "pattern": Pattern(_required(rule, "pattern", "masks")), "settled": tuple(rule.get("settled", ())),
                       "labels": (labels,) if isinstance(labels, str) else tuple(labels)})


def _box(rule: dict[str, Any], maps: dict[str, LabelMap]) -> BoxRule:
    _known(rule, {"pattern", "image", "labels", "form"}, "boxes")
    if rule.get("form", "voc") not in ("voc", "coco"):
        raise BadInput(f"boxes: form is {rule['form']!r}", hint="voc or coco")
    name = rule.get("labels")
    if name is not None and name not in maps:
        raise BadInput(f"boxes: no [[labels]] with name = {name!r}")
    return BoxRule(Pattern(_required(rule, "pattern", "boxes")), rule.get("image"), maps[name] if name else None, rule.get("form", "voc"))


def _table(rule: dict[str, Any], where: str) -> TableRule:
    _known(rule, {"name", "file", "on", "to", "separator", "encoding", "header", "columns", "rows"}, where)
    columns = rule.get("columns", {})
    _known(columns, set(SAMPLE_COLUMNS), f"{where}.columns")
    templates = tuple((key, value if "{" in value else f"{{{value}}}") for key, value in columns.items())
    on = _required(rule, "on", where)
    return TableRule(rule.get("name", rule["file"]), Pattern(_required(rule, "file", where)), on if "{" in on else f"{{{on}}}", rule.get("to", "{name}"),
                     rule.get("separator", ","), rule.get("encoding", "utf-8-sig"), tuple(rule["header"]) if "header" in rule else None, templates, rule.get("rows"))


def _label(rule: dict[str, Any], index: int, tables: list[TableRule]) -> list[LabelRule]:
    where = f"labels[{index}]"
    table = rule.get("table", tables[0].name if len(tables) == 1 else None)
    if "token" not in rule and table not in {known.name for known in tables}:
        raise BadInput(f"{where} names no table", hint=f"table = one of {', '.join(known.name for known in tables) or '(declare [[tables]])'}")
    if "columns" in rule:
        states = _required(rule, "states", where)
        return [LabelRule(_column_map(term, states, where), table, column) for column, term in rule["columns"].items()]
    return [LabelRule(_label_map(rule, where), None if "token" in rule else table, rule.get("column"), rule.get("token"), rule.get("cell") == "list")]


def _label_map(rule: dict[str, Any], where: str) -> LabelMap:
    _known(rule, {"name", "table", "column", "token", "mode", "separator", "values", "negative", "map", "columns", "states", "cell"}, where)
    if rule.get("cell", "text") not in ("text", "list"):
        raise BadInput(f"{where}: cell is {rule['cell']!r}", hint="text, or list for cells like ['a', 'b']")
    separator = LIST_SEPARATOR if rule.get("cell") == "list" else rule.get("separator")
    if "map" in rule:
        known = find_map(rule["map"])
        silent = tuple(Entry(raw, ()) for key in rule.get("negative", []) for raw in _range(key))
        return replace(known, mode=rule.get("mode", known.mode), separator=separator or known.separator, entries=known.entries + silent)
    mode: Any = rule.get("mode", "mentions" if "name" in rule else None)
    if mode not in get_args(Mode):
        raise BadInput(f"{where}: mode is {mode!r}", hint="exclusive (others are absent), list (what is not listed is absent) or mentions (what is not listed is not annotated)")
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

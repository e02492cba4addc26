"""Write the tables, box files and legends of a miniature: rules and made-up samples go in, small files in the true form come out."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout import LIST_SEPARATOR
from isocenter.harmonize.layout_rules import BoxRule, Layout, LegendRule, RunRule, TableRule
from isocenter.harmonize.miniature_files import SIDE
from isocenter.harmonize.miniature_sample import MiniSample, token
from isocenter.harmonize.patterns import fill
from isocenter.registry.labelmap import Entry, LabelMap
from isocenter.registry.labelmaps import maps_of

NAMES = {1: "liver", 2: "spleen"}


def _names(layout: Layout) -> dict[int, str]:
    """What a legend calls 1 and 2: as a map of the catalog for this dataset does, else the liver and the spleen."""
    maps = maps_of(layout.dataset) if layout.dataset else []
    known = next((mapping for mapping in maps if mapping.terms_of("1") and mapping.terms_of("2")), None)
    return {value: known.terms_of(str(value))[0] for value in NAMES} if known else NAMES


def legend_map(rule: LegendRule, layout: Layout) -> LabelMap:
    """The map that the legends of a miniature are."""
    form = {"classes.json": "{:04d}", "colours.json": "#{:06x}"}.get(rule.form, "{}")
    return LabelMap(rule.name, tuple(Entry(form.format(value), (name,)) for value, name in _names(layout).items()))


def write_legends(rule: LegendRule, layout: Layout, made: list[MiniSample], folder: Path) -> None:
    """A legend beside every group of samples that has one."""
    told = {name for mask in layout.masks for name in mask.pattern.tokens}
    for number, sample in enumerate(made):
        tokens = {name: sample.tokens.get(name) or token(rule.file, name, number if name in told else 0, Layout("legend")) for name in rule.file.tokens}
        path = folder / rule.file.path(tokens)
        path.parent.mkdir(parents=True, exist_ok=True)
        if rule.form == "dseg.tsv":
            path.write_text("index\tname\n" + "".join(f"{raw}\t{name}\n" for raw, name in _names(layout).items()), encoding="utf-8")
        elif rule.form == "colours.json":
            path.write_text(json.dumps([{"name": name, "color": [0, 0, value]} for value, name in _names(layout).items()]), encoding="utf-8")
        elif rule.form == "classes.json":
            sources = {fill(rule.key or "", one.tokens) for one in made}
            path.write_text(json.dumps({source: {name: value for value, name in _names(layout).items()} for source in sorted(sources)}), encoding="utf-8")
        else:
            before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
            path.write_text(json.dumps(before | {"channel_names": {"0": "CT"}, "labels": {"background": 0} | {name: value for value, name in _names(layout).items()}}), encoding="utf-8")


def write_boxes(rule: BoxRule, made: list[MiniSample], folder: Path, rng: np.random.Generator, outlined: bool = False) -> None:
    """Box files: one per picture, or one of all pictures, in which objects may have outlines."""
    names = [entry.raw for entry in rule.map.entries] if rule.map else ["nodule"]
    if rule.form == "coco":
        _coco(rule, names, made, folder, {"segmentation": [[4, 6, 14, 6, 14, 14, 4, 14]]} if outlined else {})
        return
    for number, sample in enumerate(made):
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = sample.path.rsplit("/", 1)[-1]
        for name in names[: 1 + number % len(names)]:
            x, y = rng.integers(1, SIDE - 12, 2).tolist()
            node = ElementTree.SubElement(root, "object")
            ElementTree.SubElement(node, "name").text = name
            box = ElementTree.SubElement(node, "bndbox")
            for side, value in (("xmin", x), ("ymin", y), ("xmax", x + 8), ("ymax", y + 8)):
                ElementTree.SubElement(box, side).text = str(value)
        assert rule.pattern is not None
        path = folder / rule.pattern.path(sample.tokens)
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(path)


def _coco(rule: BoxRule, names: list[str], made: list[MiniSample], folder: Path, outline: dict[str, Any]) -> None:
    """One file for all pictures, named as the rule's image template has them."""
    root = (rule.image or "{file_name}").removesuffix("{file_name}")
    body = {"categories": [{"id": place, "name": name} for place, name in enumerate(names)],
            "images": [{"id": place, "file_name": sample.path.removeprefix(root)} for place, sample in enumerate(made)],
            "annotations": [{"id": place, "image_id": place, "category_id": place % len(names), "bbox": [4, 6, 10, 8], **outline} for place in range(len(made))]}
    assert rule.pattern is not None
    path = folder / rule.pattern.path({name: token(rule.pattern, name, 0, Layout("boxes")) for name in rule.pattern.tokens})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body), encoding="utf-8")


def write_table(rule: TableRule, layout: Layout, made: list[MiniSample], folder: Path) -> None:
    """A table with a row per sample: the join column filled backwards, columns of labels, boxes and run lengths with every value in turn."""
    rows = [_row(rule, layout, sample, number) for number, sample in enumerate(made)]
    path = folder / rule.file.path({name: token(rule.file, name, 0, Layout("table")) for name in rule.file.tokens})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".json", ".jsonl")):
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        path.write_text("\n".join(map(json.dumps, rows)) if path.name.endswith(".jsonl") else json.dumps(before | {rule.rows[0]: rows} if rule.rows else rows), encoding="utf-8")
        return
    header = list(rule.header or rows[0])
    lines = [["line above the header"] for _ in range(rule.skip)] + ([] if rule.header else [header]) + [[row.get(name, "") for name in header] for row in rows]
    if path.name.endswith(".xlsx"):
        _workbook(path, lines)
        return
    with path.open("w", encoding=rule.encoding, newline="") as stream:
        csv.writer(stream, delimiter=rule.separator).writerows(lines)


def _workbook(path: Path, lines: list[list[str]]) -> None:
    """The least of a workbook that holds one sheet of texts."""
    rows = "".join(f'<row r="{number}">' + "".join(f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' for text in line) + "</row>" for number, line in enumerate(lines, 1))
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>')


def _row(rule: TableRule, layout: Layout, sample: MiniSample, number: int) -> dict[str, str]:
    name = sample.path.rsplit("/", 1)[-1]
    place = sample.tokens | {"path": sample.path, "name": name, "stem": name.split(".")[0], "key": sample.path, "parent": sample.path.split("/")[-2] if "/" in sample.path else ""}
    joined = fill(rule.to, place)
    on = re.fullmatch("".join(f"(?P<c{i}>.*?)" if i % 2 else re.escape(part) for i, part in enumerate(re.split(r"\{([^{}]+)\}", rule.on))), joined)
    names = re.findall(r"\{([^{}]+)\}", rule.on)
    if on is None:
        raise BadInput(f"no miniature row: {rule.on!r} cannot give {joined!r}")
    row = dict(zip(names, on.groups())) | sample.cells
    for column, template in rule.columns:
        for cell in re.findall(r"\{([^{}]+)\}", template):
            row.setdefault(cell, _cell(column, number))
    for label in (one for one in layout.labels if one.table == rule.name):
        entries = label.map.entries
        raw = entries[number % len(entries)].raw
        row[label.column or ""] = repr([raw]) if label.map.separator == LIST_SEPARATOR else raw
    for box in (one for one in layout.boxes if one.table == rule.name):
        row |= _box_cells(box, number, bool(row.get(box.raw or "")))
    for run in (one for one in layout.runs if one.table == rule.name):
        row |= _run_cells(run, layout, number)
    return row


def _box_cells(rule: BoxRule, number: int, named: bool) -> dict[str, str]:
    """A box for every other sample at least."""
    columns, numbers = rule.corners or rule.size, ("4", "6", "14", "16")
    cells = dict(zip(columns, numbers)) if len(columns) == 4 else {columns[0]: ",".join(numbers)}
    names = [entry.raw for entry in rule.map.entries] if rule.map else ["nodule"]
    if rule.raw and not named:
        cells[rule.raw] = names[number % len(names)]
    return cells if number % 2 == 0 else cells | dict.fromkeys(columns, "")


def _run_cells(rule: RunRule, layout: Layout, number: int) -> dict[str, str]:
    """Two runs for every other sample, the cell that says nothing for the rest."""
    cells = {rule.column: "1 5 60 7" if number % 2 == 0 else rule.nothing[-1]}
    names = [entry.raw for mapping in layout.maps if mapping.name == rule.labels for entry in mapping.entries]
    return cells | ({rule.raw: names[number % len(names)]} if rule.raw and names else {})


def _cell(column: str, number: int) -> str:
    return {"age": str(30 + number), "sex": "FM"[number % 2], "split": ("train", "test")[number % 4 == 3], "patient": f"p{number // 2 + 1:03d}"}.get(column, f"{column}{number + 1}")

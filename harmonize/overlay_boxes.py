"""What boxes, outlines and run lengths say of a sample: box files and the rows of its tables go in, annotation rows and states of terms come out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from isocenter.core.errors import Unreadable
from isocenter.harmonize.coco import outline_mask, read_coco
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.layout_rules import BoxRule, Layout, RunRule
from isocenter.harmonize.mask_file import runs_mask, runs_text
from isocenter.harmonize.overlay_pairing import Finder, annotation
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.readings import Reader, Said
from isocenter.harmonize.sample_rows import SampleRow
from isocenter.harmonize.source import Source
from isocenter.harmonize.table_join import Row
from isocenter.harmonize.voc import Box, read_boxes
from isocenter.harmonize.vocabulary import ancestors, term_of
from isocenter.registry.labelmap import Entry, LabelMap, States
from isocenter.registry.labelmaps import find

BY_NAME = "by name"
SEPARATOR = "\x1f"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def boxed(source: Source, rule: BoxRule, facts: FileFacts, tokens: dict[str, str], finder: Finder) -> Iterator[tuple[SampleRow, list[Box]]]:
    """The samples of a box file with their boxes; a file that cannot be read is an issue of the samples it would be of."""
    if rule.form == "coco":
        for name, boxes in read_coco(source.root / facts.path).items():
            for row in finder.at(fill(rule.image or "{file_name}", tokens | {"file_name": name})) or finder.at(name):
                yield row, boxes
        return
    for row in finder.images(rule, tokens):
        try:
            yield row, read_boxes(source.root / facts.path)
        except Unreadable as error:
            row.issue(f"corrupted_file: {facts.path}: {error.what}")


def box_marks(rule: BoxRule, origin: str, uri: str, row: SampleRow, boxes: list[Box], own: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row per box, and one per outline. Without a map, a name means the term it names; what is not listed is absent only if the map is a `list`."""
    names = list(dict.fromkeys(box.name for box in boxes))
    mapping = rule.map or LabelMap(BY_NAME, tuple(Entry(name, (rule.term or term_of(name, own),)) for name in names))
    reading = LabelMap(mapping.name, mapping.entries, mapping.mode, SEPARATOR).read(SEPARATOR.join(names), ancestors)
    row.state(reading.states, uri, reading.unlisted)
    reader = Reader(origin, "box", mapping)
    row.said += [Said(reader, raw, None, raw not in reading.unknown) for raw in names]
    for raw in reading.unknown:
        row.issue(f"unknown_label: box {raw!r} in {uri} is not in its label map")
    found = [annotation(row, rule, uri, kind="box", term=term, raw=box.name, state="present", geometry=box.geometry, label_map=mapping.name)
             for box in boxes if box.corners[0] < box.corners[2] for term in (mapping.terms_of(box.name) or (None,))]
    outlined = Reader(origin, "mask", mapping)
    for box in boxes:
        if box.outline is not None and (runs := _outlined(box, uri, row, outlined)):
            written = json.dumps({"runs": runs, "form": "columns"} | ({"box": box.corners} if box.corners[0] < box.corners[2] else {}))
            found += [annotation(row, rule, None, kind="mask", term=term, raw=box.name, state="present", label_map=f"{mapping.name}: {box.name}", geometry=written)
                      for term in (mapping.terms_of(box.name) or (None,))]
    return found


def _outlined(box: Box, uri: str, row: SampleRow, reader: Reader) -> str:
    """The outline of an object as run lengths; empty, with the issue, where it does not fit its picture."""
    shape = list(row.values["shape"] or [])
    try:
        if len(shape) < 2:
            raise Unreadable("an outline of a picture without a shape")
        mask = outline_mask(box.outline, (shape[0], shape[1]))
    except Unreadable as error:
        row.issue(f"label_error: outline of {box.name!r} in {uri}: {error.what}")
        return ""
    row.said.append(Said(reader, box.name, int(mask.sum())))
    return runs_text(mask)


def table_marks(layout: Layout, rows: Iterable[SampleRow], own: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Annotation rows of boxes and run lengths that stand in tables."""
    boxes, runs = [rule for rule in layout.boxes if rule.table is not None], layout.runs
    for row in rows if boxes or runs else ():
        for rule in boxes:
            cells = row.cells.get(rule.table or "", [])
            yield from box_marks(rule, f"{rule.table}.{rule.raw or rule.term}", f"table {rule.table}", row, [box for one in cells for box in _cell_boxes(rule, one, row)], own)
        for run in runs:
            yield from _run_marks(run, layout, row, row.cells.get(run.table, []))


def _cell_boxes(rule: BoxRule, cells: Row, row: SampleRow) -> Iterator[Box]:
    """The boxes of one row; a row with empty cells has none, one whose numbers make no box is an issue."""
    columns = rule.corners or rule.size
    text = " ".join(cells.get(column, "") for column in columns)
    if not text.strip() or (len(columns) > 1 and not all(cells.get(column, "").strip() for column in columns)):
        return
    numbers = [float(one) for one in NUMBER.findall(text)]
    if len(numbers) % 4 or not numbers:
        row.issue(f"label_error: table {rule.table}: {text[:40]!r} is no box of four numbers")
        return
    for place in range(0, len(numbers), 4):
        x0, y0, x1, y1 = numbers[place:place + 4]
        corners = (x0, y0, x0 + x1, y0 + y1) if rule.size else (x0, y0, x1, y1)
        if corners[0] < corners[2] and corners[1] < corners[3]:
            yield Box(cells.get(rule.raw or "", "") or rule.term or "object", corners)
        else:
            row.issue(f"label_error: table {rule.table}: box {text[:40]!r} has no area")


def _run_marks(rule: RunRule, layout: Layout, row: SampleRow, cells: list[Row]) -> Iterator[dict[str, Any]]:
    """A mask per row of the table; a sample whose cells are all empty has none of the structure."""
    inline = {mapping.name: mapping for mapping in layout.maps}
    mapping = (inline.get(rule.labels) or find(rule.labels)) if rule.labels else LabelMap(f"{rule.table}.{rule.column}", (Entry("*", (rule.term,) if rule.term else ()),))
    reader, states = Reader(f"{rule.table}.{rule.column}", "mask", mapping), dict[str, Any]()
    for one in cells:
        raw, text = one.get(rule.raw, "") if rule.raw else "*", one.get(rule.column, "").strip()
        if raw.casefold() not in mapping.by_raw:
            row.issue(f"unknown_label: {rule.table}.{rule.raw} = {raw!r} is not in label map {mapping.name!r}")
            continue
        met = text not in rule.nothing
        voxels = 0
        if met:
            try:
                width, height = (int(side) for side in (row.values["shape"] or (0, 0))[:2])
                voxels = int(runs_mask(text, rule.form, (width, height)).sum())
            except (Unreadable, ValueError) as error:
                row.issue(f"corrupted_file: run lengths in {rule.table}.{rule.column}: {getattr(error, 'what', error)}")
                continue
        row.said.append(Said(reader, raw, voxels))
        for term in mapping.terms_of(raw):
            states[term] = "present" if met or states.get(term) == "present" else "absent"
            yield annotation(row, rule, None, kind="mask", term=term, raw=None if raw == "*" else raw, state="present" if met else "absent",
                             geometry=json.dumps({"runs": text, "form": rule.form}) if met else None, label_map=f"{mapping.name}: {raw}")
    row.state(_states(states), f"{rule.table}.{rule.column}")


def _states(found: dict[str, Any]) -> States:
    return found

"""Pair masks and boxes with their images: annotation rows come out, and the labels that they state go into the samples."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from isocenter.core.errors import BadInput, Unreadable
from isocenter.core.files import fingerprint
from isocenter.core.progress import track
from isocenter.harmonize.coco import read_coco
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.image import Pixels, load_pixels
from isocenter.harmonize.layout import BoxRule, Layout, MaskRule
from isocenter.harmonize.meaning import second_readings
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.readings import Reader, Said
from isocenter.harmonize.sample_rows import SampleRow
from isocenter.harmonize.source import Source
from isocenter.harmonize.voc import Box, read_boxes
from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry.labelconflicts import OWN_RULES, Contradiction
from isocenter.registry.labelmap import Entry, LabelMap, States
from isocenter.registry.labelmaps import find

Overlay = tuple[FileFacts, int, dict[str, str]]
BLOCK = 1 << 22


def attach(source: Source, layout: Layout, rows: list[SampleRow], masks: list[Overlay], boxes: list[Overlay]) -> tuple[list[dict[str, Any]], list[Contradiction]]:
    """Annotation rows of all masks and boxes, and mask values that can be read in two ways.

    A mask or box file without its image is noted on no sample and listed as unpaired.
    """
    finder = _Finder(rows)
    found: list[dict[str, Any]] = []
    seen: dict[tuple[int, str], set[str]] = defaultdict(set)
    stacks = _Stacks()
    for facts, number, tokens in track(masks, f"masks of {source.name}"):
        rule = layout.masks[number]
        for row in finder.images(rule, tokens):
            row.files = (*row.files, facts.path) if rule.array is None else row.files
            values, marks = _mask(source, layout, rule, facts, tokens, stacks.slice_of(row) if rule.slices else row)
            found += stacks.taken(row, facts, marks) if rule.slices else marks
            for name in rule.labels:
                seen[(number, fill(name, tokens))] |= values
    for facts, number, tokens in track(boxes, f"boxes of {source.name}"):
        for row, several in _boxed(source, layout.boxes[number], facts, tokens, finder):
            row.files = (*row.files, facts.path)
            found += _boxes(layout.boxes[number], facts, row, several)
    stacks.close()
    for number, one in enumerate(found):
        one["annotation_id"] = fingerprint([number, one["sample_id"], one["uri"], one.get("geometry"), one.get("raw")])
    return found, [clash for (number, name), values in seen.items() if name for clash in _clashes(source, layout, layout.masks[number], name, values)]


class _Finder:
    """Finds the samples of an overlay: by the filled template of the rule, or by equal values of the tokens both have."""

    def __init__(self, rows: list[SampleRow]) -> None:
        self.rows = [row for row in rows if not row.values.get("error")]
        self.by_path = {path: row for row in self.rows for path in row.files}
        self.by_names: dict[frozenset[str], list[SampleRow]] = defaultdict(list)
        for row in self.rows:
            self.by_names[frozenset(row.tokens)].append(row)
        self.by_tokens: dict[tuple[frozenset[str], tuple[str, ...]], dict[tuple[str, ...], list[SampleRow]]] = {}

    def images(self, rule: MaskRule | BoxRule, tokens: dict[str, str]) -> list[SampleRow]:
        if rule.image is not None:
            row = self.by_path.get(fill(rule.image, tokens))
            return [row] if row else []
        shared = {names: tuple(sorted(names & tokens.keys())) for names in self.by_names}
        if self.rows and not any(shared.values()):
            raise BadInput(f"{rule.pattern.text!r} shares no token with the image pattern", hint="use the same {token} in both, or `image = …`")
        return [row for names, common in shared.items() if common for row in self._with(names, common).get(tuple(tokens[name] for name in common), [])]

    def _with(self, names: frozenset[str], common: tuple[str, ...]) -> dict[tuple[str, ...], list[SampleRow]]:
        """Samples whose path has just these tokens, by the values of those in common."""
        if (names, common) not in self.by_tokens:
            index: dict[tuple[str, ...], list[SampleRow]] = defaultdict(list)
            for row in self.by_names[names]:
                index[tuple(row.tokens[name] for name in common)].append(row)
            self.by_tokens[(names, common)] = index
        return self.by_tokens[(names, common)]


class _Stacks:
    """Masks that come as one picture per slice: a slice states nothing of the sample, all of them together do."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[SampleRow, list[SampleRow]]] = {}

    def slice_of(self, row: SampleRow) -> SampleRow:
        """A stand-in of the sample for one more slice."""
        one = SampleRow({"sample_id": row.values["sample_id"], "shape": (row.values["shape"] or [])[:2], "labels": None, "issues": []}, ())
        self.of.setdefault(row.values["sample_id"], (row, []))[1].append(one)
        return one

    def taken(self, row: SampleRow, facts: FileFacts, marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Annotation rows of the slice, with its place in the stack."""
        number = len(self.of[row.values["sample_id"]][1]) - 1
        return [mark | {"geometry": json.dumps({"slice": number})} for mark in marks]

    def close(self) -> None:
        """Give every sample what its slices state: present in one is present, absent from all is absent."""
        for row, slices in self.of.values():
            states: States = {}
            for one in slices:
                for term, state in (one.values["labels"] or {}).items():
                    states[term] = "present" if "present" in (state, states.get(term)) else state
                for text in one.values["issues"]:
                    row.issue(text)
                row.said += one.said
            row.state(states, "slices of its mask")
            depth = (row.values["shape"] or [0, 0, 0])[2:3]
            if depth and depth[0] != len(slices):
                row.issue(f"mask_mismatch: {len(slices)} slices of a mask, the image has {depth[0]}")


def _annotation(row: SampleRow, rule: MaskRule | BoxRule, uri: str, **values: Any) -> dict[str, Any]:
    return {"sample_id": row.values["sample_id"], "uri": uri, "annotator": getattr(rule, "annotator", None),
            "machine_made": getattr(rule, "machine_made", False), "source": "as published", **values}


def _mask(source: Source, layout: Layout, rule: MaskRule, facts: FileFacts, tokens: dict[str, str], row: SampleRow) -> tuple[set[str], list[dict[str, Any]]]:
    """The raw values that were met and one row per term that the mask annotates, present or absent.

    A mask that cannot be read or contradicts its map states nothing: the sample gets the issue.
    """
    if rule.array is not None and facts.header is not None:
        shape, dtype = facts.header.facts.get("arrays", {}).get(rule.array, ([], ""))
        facts = replace(facts, path=f"{facts.path}::{rule.array}", header=replace(facts.header, shape=tuple(shape[::-1]), dtype=dtype))
    nothing: tuple[set[str], list[dict[str, Any]]] = (set(), [])
    if facts.error or facts.header is None:
        row.issue(f"corrupted_file: mask {facts.path}: {facts.error or 'not an image'}")
        return nothing
    try:
        counts = _counts(load_pixels(source.root / facts.path, facts.format or ""))
    except Unreadable as error:
        row.issue(f"corrupted_file: mask {facts.path}: {error.what}")
        return nothing
    mapping = _mask_map(layout, rule, tokens)
    met = {str(value) for value in counts if value}
    drawn = sum(number for value, number in counts.items() if value)
    if rule.raw is not None:
        said = {fill(rule.raw, tokens): drawn}
        met = {fill(rule.raw, tokens)} if met else set()
        unknown = [fill(rule.raw, tokens)] if fill(rule.raw, tokens).casefold() not in mapping.by_raw else []
    else:
        said = {"*": drawn} if mapping.entries[0].raw == "*" else {str(value): number for value, number in counts.items()}
        unknown = sorted(raw for raw in met if raw not in mapping.by_raw and mapping.entries[0].raw != "*")
    reader = Reader(rule.pattern.text, "mask", mapping, rule.encoding)
    row.said += [Said(reader, raw, number, not unknown) for raw, number in said.items()]
    if unknown:
        row.issue(f"label_error: mask {facts.path} holds {', '.join(unknown[:5])}, which label map {mapping.name!r} does not list")
        return nothing
    if tuple(facts.header.shape or ())[:3] != tuple(row.values["shape"] or ())[:3]:
        row.issue(f"mask_mismatch: mask {facts.path} has shape {facts.header.shape}, the image {row.values['shape']}")
    if rule.raw is not None:
        return set(), _structure(mapping, fill(rule.raw, tokens), bool(met), rule, facts, row)
    states: States = {}
    for entry in mapping.entries:
        is_met = bool(met) if entry.raw == "*" else entry.raw in met
        for term in entry.terms:
            states[term] = "present" if is_met or states.get(term) == "present" else "absent"
    row.state(states, facts.path)
    if not mapping.annotates:
        return met, [_annotation(row, rule, facts.path, kind="mask", term=None, state="present")]
    return met, [_annotation(row, rule, facts.path, kind="mask", term=term, state=state, label_map=mapping.name) for term, state in states.items()]


def _structure(mapping: LabelMap, raw: str, met: bool, rule: MaskRule, facts: FileFacts, row: SampleRow) -> list[dict[str, Any]]:
    """A file of one structure: its own term is there or not; a whole that it is part of can only be there."""
    entries = mapping.by_raw[raw.casefold()]
    own: States = {term: "present" if met else "absent" for entry in entries if entry.rule in OWN_RULES for term in entry.terms}
    wholes: States = {term: "present" for entry in entries if met for term in entry.terms}
    row.state(wholes | own, facts.path)
    return [_annotation(row, rule, facts.path, kind="mask", term=term, state=state, raw=raw, label_map=f"{mapping.name}: {raw}") for term, state in own.items()]


def _clashes(source: Source, layout: Layout, rule: MaskRule, name: str, values: set[str]) -> list[Contradiction]:
    return second_readings(source.slug, source.release, Reader(rule.pattern.text, "mask", _named_map(layout, name), rule.encoding), values, rule.settled)


def _counts(array: Pixels) -> dict[int, int]:
    """Voxels of every value that a mask holds; a mask with fractions is refused."""
    found: Counter[int] = Counter()
    flat = array.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        block = flat[start:start + BLOCK]
        whole = block if block.dtype.kind in "uib" else np.rint(block)
        if whole is not block and not np.array_equal(whole, block):
            raise Unreadable("a mask with fractional values")
        low, high = int(whole.min()), int(whole.max())
        if high - low > BLOCK:
            values, numbers = np.unique(whole, return_counts=True)
        else:
            numbers = np.bincount(whole.astype(np.int64) - low)
            values = np.flatnonzero(numbers)
            numbers, values = numbers[values], values + low
        found.update(dict(zip(values.tolist(), numbers.tolist())))
    return {int(value): number for value, number in found.items()}


def _mask_map(layout: Layout, rule: MaskRule, tokens: dict[str, str]) -> LabelMap:
    if rule.term is not None:
        return LabelMap(f"{rule.pattern.text} = {rule.term}", (Entry("*", (fill(rule.term, tokens),)),))
    maps = [_named_map(layout, fill(name, tokens)) for name in rule.labels]
    if not maps:
        return LabelMap(rule.pattern.text, (Entry("*", ()),))
    return maps[0] if len(maps) == 1 else replace(maps[0], name=" + ".join(one.name for one in maps), entries=tuple(entry for one in maps for entry in one.entries))


def _named_map(layout: Layout, name: str) -> LabelMap:
    inline = {mapping.name: mapping for mapping in layout.maps}
    return inline[name] if name in inline else find(name)


def _boxed(source: Source, rule: BoxRule, facts: FileFacts, tokens: dict[str, str], finder: _Finder) -> Iterator[tuple[SampleRow, list[Box]]]:
    """The samples of a box file with their boxes; a file that cannot be read is an issue of the samples it would be of."""
    if rule.form == "coco":
        for name, boxes in read_coco(source.root / facts.path).items():
            if row := finder.by_path.get(fill(rule.image or "{file_name}", tokens | {"file_name": name})):
                yield row, boxes
        return
    for row in finder.images(rule, tokens):
        try:
            yield row, read_boxes(source.root / facts.path)
        except Unreadable as error:
            row.issue(f"corrupted_file: {facts.path}: {error.what}")


def _boxes(rule: BoxRule, facts: FileFacts, row: SampleRow, boxes: list[Box]) -> list[dict[str, Any]]:
    """One row per box. What a box file does not list is absent only if its map is a `list`."""
    found = []
    names = list(dict.fromkeys(box.name for box in boxes))
    if rule.map is not None:
        separator = "\x1f"
        reading = LabelMap(rule.map.name, rule.map.entries, rule.map.mode, separator).read(separator.join(names), ancestors)
        row.state(reading.states, facts.path)
        reader = Reader(facts.path if rule.form == "coco" else rule.pattern.text, "box", rule.map)
        row.said += [Said(reader, raw, None, raw not in reading.unknown) for raw in names]
        for raw in reading.unknown:
            row.issue(f"unknown_label: box {raw!r} in {facts.path} is not in its label map")
    for box in boxes:
        terms: tuple[str | None, ...] = (rule.map.terms_of(box.name) or (None,)) if rule.map else (box.name,)
        found += [_annotation(row, rule, facts.path, kind="box", term=term, raw=box.name, state="present", geometry=box.geometry,
                              label_map=rule.map.name if rule.map else None) for term in terms]
    return found

"""Pair masks and boxes with their images: annotation rows come out, and the labels that they state go into the samples."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.core.files import fingerprint
from isocenter.core.progress import track
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.image import Pixels
from isocenter.harmonize.layout_rules import BoxRule, Layout, MaskRule
from isocenter.harmonize.mask_file import how_written, open_mask, raw_of
from isocenter.harmonize.mask_names import NOTHING, Unnamed, users_map, without_list
from isocenter.harmonize.meaning import fitting_maps, second_readings
from isocenter.harmonize.overlay_boxes import box_marks, boxed, table_marks
from isocenter.harmonize.overlay_pairing import Finder, Stacks, annotation
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.readings import Reader, Said
from isocenter.harmonize.sample_rows import SampleRow
from isocenter.harmonize.source import Source
from isocenter.harmonize.vocabulary import term_of
from isocenter.registry.labelconflicts import OWN_RULES, Contradiction
from isocenter.registry.labelmap import Entry, LabelMap, States
from isocenter.registry.labelmaps import find, knows

Overlay = tuple[FileFacts, int, dict[str, str]]
BLOCK = 1 << 22


def attach(source: Source, layout: Layout, rows: list[SampleRow], masks: list[Overlay], boxes: list[Overlay]) -> tuple[list[dict[str, Any]], list[Contradiction], Unnamed]:
    """Annotation rows of all masks and boxes, mask values that can be read in two ways, and those that nothing names.

    A mask or box file without its image is noted on no sample and listed as unpaired.
    """
    finder = Finder(rows)
    found: list[dict[str, Any]] = []
    seen: dict[tuple[int, str], set[str]] = defaultdict(set)
    stacks, unnamed = Stacks(), Unnamed()
    for facts, number, tokens in track(masks, f"masks of {source.name}"):
        rule = layout.masks[number]
        for row in finder.images(rule, tokens):
            row.files = (*row.files, *{facts.path.partition("::")[0]} - {path.partition("::")[0] for path in row.files})
            values, marks = _mask(source, layout, rule, facts, tokens, stacks.slice_of(row) if rule.slices else row, unnamed)
            found += stacks.taken(row, facts, marks) if rule.slices else marks
            for name in rule.labels:
                seen[(number, fill(name, tokens))] |= values
    for facts, number, tokens in track(boxes, f"boxes of {source.name}"):
        for row, several in boxed(source, layout.boxes[number], facts, tokens, finder):
            row.files = (*row.files, facts.path)
            found += box_marks(layout.boxes[number], _box_origin(layout.boxes[number], facts), facts.path, row, several, source.terms)
    found += table_marks(layout, finder.rows, source.terms)
    stacks.close()
    for number, one in enumerate(found):
        one["annotation_id"] = fingerprint([number, one["sample_id"], one["uri"], one.get("geometry"), one.get("raw")])
    return found, [clash for (number, name), values in seen.items() if name for clash in _clashes(source, layout, layout.masks[number], name, values)], unnamed


def _mask(source: Source, layout: Layout, rule: MaskRule, facts: FileFacts, tokens: dict[str, str], row: SampleRow,
          unnamed: Unnamed) -> tuple[set[str], list[dict[str, Any]]]:
    """The raw values that were met and one row per term that the mask annotates, present or absent.

    A mask that cannot be read or contradicts its map states nothing: the sample gets the issue.
    """
    nothing: tuple[set[str], list[dict[str, Any]]] = (set(), [])
    if facts.error or facts.header is None:
        row.issue(f"corrupted_file: mask {facts.path}: {facts.error or 'not an image'}")
        return nothing
    try:
        counts = _counts(open_mask(source.root / facts.path, facts.format or "", _geometry(rule)))
    except Unreadable as error:
        row.issue(f"corrupted_file: mask {facts.path}: {error.what}")
        return nothing
    mapping = _mask_map(source, layout, rule, tokens)
    if nameless := without_list(layout, rule, mapping):
        mapping = users_map(rule, source.terms)
    met = {raw_of(value, rule.colours) for value in counts if value}
    drawn = sum(number for value, number in counts.items() if value)
    if rule.raw is not None and mapping.entries[0].raw != "*":
        said = {fill(rule.raw, tokens): drawn}
        met = {fill(rule.raw, tokens)} if met else set()
        unknown = [fill(rule.raw, tokens)] if fill(rule.raw, tokens).casefold() not in mapping.by_raw else []
    else:
        said = {"*": drawn} if mapping.entries[0].raw == "*" else {raw_of(value, rule.colours): number for value, number in counts.items()}
        unknown = sorted(raw for raw in met if raw not in mapping.by_raw and mapping.entries[0].raw != "*")
    if nameless:
        unnamed.values[rule.pattern.text] |= set(unknown) if mapping.annotates else met
    reader = Reader(rule.pattern.text, "mask", mapping, rule.encoding)
    row.said += [Said(reader, raw, number, not unknown) for raw, number in said.items()]
    if unknown:
        row.issue(f"label_error: mask {facts.path} holds {', '.join(unknown[:5])}, which label map {mapping.name!r} does not list{fitting_maps(source.slug, reader, met)}")
        return nothing
    if tuple(facts.header.shape or ())[:3] != tuple(row.values["shape"] or ())[:3]:
        row.issue(f"mask_mismatch: mask {facts.path} has shape {facts.header.shape}, the image {row.values['shape']}")
    if rule.raw is not None and mapping.entries[0].raw != "*":
        return set(), _structure(mapping, fill(rule.raw, tokens), bool(met), rule, facts, row)
    states: States = {}
    for entry in mapping.entries:
        is_met = bool(met) if entry.raw == "*" else entry.raw in met
        for term in entry.terms:
            states[term] = "present" if is_met or states.get(term) == "present" else "absent"
    if any(entry.raw in met for entry in mapping.entries if entry.state == "uncertain"):          # a region that nobody annotated
        states = {term: state for term, state in states.items() if state == "present"}
    row.state(states, facts.path)
    if not mapping.annotates:
        return met, [annotation(row, rule, facts.path, kind="mask", term=None, state="present", geometry=_geometry(rule))]
    return met, [annotation(row, rule, facts.path, kind="mask", term=term, state=state, label_map=mapping.name, geometry=_geometry(rule)) for term, state in states.items()]


def _structure(mapping: LabelMap, raw: str, met: bool, rule: MaskRule, facts: FileFacts, row: SampleRow) -> list[dict[str, Any]]:
    """A file of one structure: its own term is there or not; a whole that it is part of can only be there."""
    entries = mapping.by_raw[raw.casefold()]
    own: States = {term: "present" if met else "absent" for entry in entries if entry.rule in OWN_RULES for term in entry.terms}
    wholes: States = {term: "present" for entry in entries if met for term in entry.terms}
    row.state(wholes | own, facts.path)
    return [annotation(row, rule, facts.path, kind="mask", term=term, state=state, raw=raw, label_map=f"{mapping.name}: {raw}", geometry=_geometry(rule)) for term, state in own.items()]


def _clashes(source: Source, layout: Layout, rule: MaskRule, name: str, values: set[str]) -> list[Contradiction]:
    reader = Reader(rule.pattern.text, "mask", _named_map(source, layout, name), rule.encoding)
    return second_readings(source.slug, source.release, reader, values, (*rule.settled, *source.maps))


def _geometry(rule: MaskRule) -> str | None:
    how = how_written(rule)
    return json.dumps(how) if how else None


def _box_origin(rule: BoxRule, facts: FileFacts) -> str:
    return facts.path if rule.form == "coco" or rule.pattern is None else rule.pattern.text


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


def _mask_map(source: Source, layout: Layout, rule: MaskRule, tokens: dict[str, str]) -> LabelMap:
    if rule.term is not None:
        return LabelMap(f"{rule.pattern.text} = {rule.term}", (Entry("*", (rule.term if "{" not in rule.term else term_of(fill(rule.term, tokens), source.terms),)),))
    maps = [_named_map(source, layout, fill(name, tokens)) for name in rule.labels]
    if not maps:
        return LabelMap(rule.pattern.text, (NOTHING,))
    return maps[0] if len(maps) == 1 else replace(maps[0], name=" + ".join(one.name for one in maps), entries=tuple(entry for one in maps for entry in one.entries))


def _named_map(source: Source, layout: Layout, name: str) -> LabelMap:
    """The layout's own map of that name, else the catalog's; a name that a list of the dataset gives and nobody knows says nothing."""
    name = source.maps.get(name, name)
    inline = {mapping.name: mapping for mapping in layout.maps}
    written = any(name in rule.labels for rule in layout.masks)
    return inline[name] if name in inline else find(name) if written or knows(name) else LabelMap(name, (NOTHING,))

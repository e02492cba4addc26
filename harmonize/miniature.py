"""Miniatures: from a layout, a synthetic tree of a few kilobytes in the true form, so that it can be tried without the data."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout import LIST_SEPARATOR, BoxRule, ImageRule, LabelRule, Layout, MaskRule, TableRule
from isocenter.harmonize.miniature_arrays import array_file
from isocenter.harmonize.miniature_files import DEPTH, SIDE, is_dicom, is_volume, write_array, write_image
from isocenter.harmonize.pattern_examples import example
from isocenter.harmonize.patterns import Pattern, fill
from isocenter.registry.labelmap import LabelMap
from isocenter.registry.labelmaps import all_maps

SLICES = 3
BLOBS = 8

__all__ = ["MiniSample", "miniature", "write_image"]


@dataclass(frozen=True, slots=True)
class MiniSample:
    """One made-up sample: the tokens of its path, that path, its shape where the path does not tell, and cells for the tables."""

    tokens: dict[str, str]
    path: str
    shape: tuple[int, ...] | None = None
    cells: dict[str, str] = field(default_factory=dict)


def miniature(layout: Layout, folder: Path, *, samples: int = 6, seed: int = 0, maps: dict[str, LabelMap] | None = None) -> list[MiniSample]:
    """Write a tree that the layout describes: images, masks, boxes and tables with every label value at least once.

    maps: label maps that the layout names and does not hold. Raises BadInput for a layout without image patterns.
    """
    if not layout.images:
        raise BadInput(f"layout {layout.name!r} has no image pattern to make a miniature of")
    rng = np.random.default_rng(seed)
    known = all_maps() | {mapping.name: mapping for mapping in layout.maps} | (maps or {})
    made: list[MiniSample] = []
    for number in range(max(samples, len(layout.images))):
        rule = layout.images[number % len(layout.images)]
        tokens = {name: _token(rule.pattern, name, number, layout) for name in rule.pattern.tokens}
        if rule.array is not None:
            if not any(one.path.startswith(f"{rule.pattern.path(tokens)}::") for one in made):
                made += [MiniSample(*one) for one in array_file(folder, layout, rule, tokens, rng)]
            continue
        made += _images(rule, tokens, folder, rng)
    for mask in (one for one in layout.masks if one.array is None):
        _masks(mask, known, made, folder, rng)
    for box in layout.boxes:
        _boxes(box, made, folder, rng)
    for table in layout.tables:
        _table(table, [label for label in layout.labels if label.table == table.name], made, folder)
    return made


def _images(rule: ImageRule, tokens: dict[str, str], folder: Path, rng: np.random.Generator) -> list[MiniSample]:
    """One image, or three slices of a DICOM series where the file's name is left open."""
    path = rule.pattern.path(tokens)
    if not (is_dicom(path) and "*" in rule.pattern.text.rsplit("/", 1)[-1]):
        write_image(folder / path, _field(rng, path))
        return [MiniSample(tokens, path)]
    for number in range(SLICES):
        write_image(folder / rule.pattern.path(tokens, star=f"x{number}"), _field(rng, path), series=path, position=float(number))
    return [MiniSample(tokens, path, (SIDE, SIDE, SLICES))]


def _token(pattern: Pattern, name: str, number: int, layout: Layout) -> str:
    """A value that the token's regex takes: one of a label token's values, or what the regex gives."""
    expression = pattern.expression(name)
    for label in layout.labels:
        if label.token == name:
            raws = [entry.raw for entry in label.map.entries if expression is None or re.fullmatch(expression, entry.raw)]
            return raws[number % len(raws)]
    return example(expression, number) if expression else f"{name[:1]}{number + 1:03d}"


def _field(rng: np.random.Generator, path: str) -> NDArray[np.float32]:
    """A smooth random picture or volume in 0..1."""
    field = gaussian_filter(rng.normal(size=_shape(path)), 3) + 0.02 * rng.normal(size=_shape(path))
    return ((field - field.min()) / np.ptp(field)).astype(np.float32)


def _shape(path: str) -> tuple[int, ...]:
    return (SIDE, SIDE, DEPTH) if is_volume(path) else (SIDE, SIDE)


def _masks(rule: MaskRule, known: dict[str, LabelMap], made: list[MiniSample], folder: Path, rng: np.random.Generator) -> None:
    """A mask per sample whose blobs take the map's values in turn; of one file per structure every structure once."""
    if rule.table is not None:
        for number, sample in enumerate(made):
            sample.cells[(rule.path or "").strip("{}")] = path = f"masks/{sample.path}"
            write_array(folder / path, _blobs([1], number, _shape(path), rng))
        return
    for number, sample in enumerate(made):
        tokens = dict(sample.tokens)
        for name in rule.pattern.tokens:
            tokens.setdefault(name, _token(rule.pattern, name, number, Layout("mask")))
        structures = [tokens | one for one in _structures(rule, tokens, known)] if rule.raw else [tokens]
        if len(structures) > len(made):
            structures = structures[number::len(made)]
        for one in structures:
            path = rule.pattern.path(one)
            if rule.pattern.match(path) is None or not _belongs(rule, one, sample):
                continue
            blobs = _blobs([1] if rule.raw else _values(rule, known, one), number, sample.shape or _shape(sample.path), rng)
            for place, plane in enumerate(np.moveaxis(blobs, -1, 0)) if rule.slices else ():
                write_array(folder / rule.pattern.path(one, star=str(place)), plane)
            if not rule.slices:
                write_array(folder / path, blobs)


def _belongs(rule: MaskRule, tokens: dict[str, str], sample: MiniSample) -> bool:
    """Whether the mask is of this sample, as its image template and the tokens they share say."""
    shared = sample.tokens.keys() & tokens.keys() & set(rule.pattern.tokens)
    return bool(shared or rule.image) and all(sample.tokens[name] == tokens[name] for name in shared) and (rule.image is None or fill(rule.image, tokens) == sample.path)


def _structures(rule: MaskRule, tokens: dict[str, str], known: dict[str, LabelMap]) -> list[dict[str, str]]:
    """Tokens of every structure file that the rule's maps name."""
    raws = dict.fromkeys(entry.raw for name in rule.labels for entry in known[fill(name, tokens)].entries)
    found = (Pattern(rule.raw or "").match(raw) for raw in raws)
    return [one for one in found if one is not None]


def _values(rule: MaskRule, known: dict[str, LabelMap], tokens: dict[str, str]) -> list[int]:
    mapping = known.get(fill(rule.labels[0], tokens)) if rule.labels else None
    if mapping is None:
        return [1]
    values = list(dict.fromkeys(int(entry.raw) for entry in mapping.entries if entry.raw.isdigit() and int(entry.raw) and entry.terms))
    return values[::max(1, len(values) // 40)] if len(values) > 150 else values


def _blobs(values: list[int], number: int, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.uint16]:
    """Squares of the values: a few anywhere, many side by side so that each is seen."""
    blobs = np.zeros(shape, np.uint16)
    if len(values) <= BLOBS:
        for value in values[number % len(values):] or values:
            x, y = rng.integers(4, SIDE - 12, 2)
            blobs[x:x + 8, y:y + 8, ...] = value
        return blobs
    across = int(np.ceil(np.sqrt(len(values))))
    side = SIDE // across
    for place, value in enumerate(values):
        x, y = divmod(place, across)
        blobs[x * side:(x + 1) * side, y * side:(y + 1) * side, ...] = value
    return blobs


def _boxes(rule: BoxRule, made: list[MiniSample], folder: Path, rng: np.random.Generator) -> None:
    names = [entry.raw for entry in rule.map.entries] if rule.map else ["object"]
    if rule.form == "coco":
        _coco(rule, names, made, folder)
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
        path = folder / rule.pattern.path(sample.tokens)
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(path)


def _coco(rule: BoxRule, names: list[str], made: list[MiniSample], folder: Path) -> None:
    """One file for all pictures, named as the rule's image template has them."""
    root = (rule.image or "{file_name}").removesuffix("{file_name}")
    body = {"categories": [{"id": place, "name": name} for place, name in enumerate(names)],
            "images": [{"id": place, "file_name": sample.path.removeprefix(root)} for place, sample in enumerate(made)],
            "annotations": [{"id": place, "image_id": place, "category_id": place % len(names), "bbox": [4, 6, 10, 8]} for place in range(len(made))]}
    path = folder / rule.pattern.path({name: _token(rule.pattern, name, 0, Layout("boxes")) for name in rule.pattern.tokens})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body), encoding="utf-8")


def _table(rule: TableRule, labels: list[LabelRule], made: list[MiniSample], folder: Path) -> None:
    """A table with a row per sample: the join column filled backwards, label columns with the map's values in turn."""
    rows = [_row(rule, labels, sample, number) for number, sample in enumerate(made)]
    path = folder / rule.file.path({name: _token(rule.file, name, 0, Layout("table")) for name in rule.file.tokens})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".json", ".jsonl")):
        path.write_text("\n".join(map(json.dumps, rows)) if path.name.endswith(".jsonl") else json.dumps({rule.rows: rows} if rule.rows else rows), encoding="utf-8")
        return
    header = list(rule.header or rows[0])
    with path.open("w", encoding=rule.encoding, newline="") as stream:
        writer = csv.DictWriter(stream, header, delimiter=rule.separator, extrasaction="ignore", restval="")
        if rule.header is None:
            writer.writeheader()
        writer.writerows(rows)


def _row(rule: TableRule, labels: list[LabelRule], sample: MiniSample, number: int) -> dict[str, str]:
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
    for label in labels:
        entries = label.map.entries
        raw = entries[number % len(entries)].raw
        row[label.column or ""] = repr([raw]) if label.map.separator == LIST_SEPARATOR else raw
    return row


def _cell(column: str, number: int) -> str:
    return {"age": str(30 + number), "sex": "FM"[number % 2], "split": ("train", "test")[number % 4 == 3], "patient": f"p{number // 2 + 1:03d}"}.get(column, f"{column}{number + 1}")

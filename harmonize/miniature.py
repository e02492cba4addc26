"""Miniatures: from a layout, a synthetic tree of a few kilobytes in the true form, so that it can be tried without the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout_rules import ImageRule, Layout, MaskRule
from isocenter.harmonize.mask_file import COLOUR
from isocenter.harmonize.miniature_arrays import array_file
from isocenter.harmonize.miniature_files import DEPTH, SIDE, is_dicom, is_volume, write_array, write_image, write_mask
from isocenter.harmonize.miniature_sample import MiniSample, token
from isocenter.harmonize.miniature_tables import legend_map, write_boxes, write_legends, write_table
from isocenter.harmonize.patterns import Pattern, fill
from isocenter.registry.labelmap import LabelMap
from isocenter.registry.labelmaps import all_maps

SLICES = 3
BLOBS = 8
A_DATASET = "ACDC"                     # stands where a list names datasets of the catalog

__all__ = ["MiniSample", "miniature", "write_image"]


def miniature(layout: Layout, folder: Path, *, samples: int = 6, seed: int = 0, maps: dict[str, LabelMap] | None = None) -> list[MiniSample]:
    """Write a tree that the layout describes: images, masks, boxes and tables with every label value at least once.

    maps: label maps that the layout names and does not hold. Raises BadInput for a layout without image patterns.
    """
    if not layout.images:
        raise BadInput(f"layout {layout.name!r} has no image pattern to make a miniature of")
    rng = np.random.default_rng(seed)
    known = all_maps() | {mapping.name: mapping for mapping in layout.maps} | {rule.name: legend_map(rule, layout) for rule in layout.legends} | (maps or {})
    legends = {rule.name for rule in layout.legends}
    made: list[MiniSample] = []
    for number in range(max(samples, len(layout.images))):
        rule = layout.images[number % len(layout.images)]
        tokens = {name: token(rule.pattern, name, number, layout) for name in rule.pattern.tokens}
        if rule.array is not None:
            if not any(one.path.startswith(f"{rule.pattern.path(tokens)}::") for one in made):
                made += [MiniSample(*one) for one in array_file(folder, layout, rule, tokens, rng)]
            continue
        made += _images(rule, tokens, folder, rng)
    for mask in (one for one in layout.masks if one.array is None):
        _masks(replace(mask, labels=tuple(name.strip("{}") if name.strip("{}") in legends else name for name in mask.labels)), known, made, folder, rng)
    for legend in layout.legends:
        write_legends(legend, layout, made, folder)
    for box in layout.boxes:
        if box.pattern is not None:
            write_boxes(box, made, folder, rng, outlined=layout.general)
    for table in layout.tables:
        write_table(table, layout, made, folder)
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
            sample.cells.update({name.strip("{}"): A_DATASET for name in rule.labels if name.startswith("{")})
            sample.cells[(rule.path or "").strip("{}")] = path = f"masks/{sample.path}"
            write_array(folder / path, _blobs([1], number, _shape(path), rng))
        return
    for number, sample in enumerate(made):
        tokens = dict(sample.tokens)
        for name in rule.pattern.tokens:
            tokens.setdefault(name, token(rule.pattern, name, number, Layout("mask")))
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
                write_mask(folder / path, rule, blobs)


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
    values += [int(entry.raw[1:], 16) for entry in mapping.entries if rule.colours and COLOUR.fullmatch(entry.raw)]
    return values[::max(1, len(values) // 40)] if len(values) > 150 else values


def _blobs(values: list[int], number: int, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.integer]:
    """Squares of the values: a few anywhere, many side by side so that each is seen."""
    blobs = np.zeros(shape, np.uint16 if max(values) < 1 << 16 else np.int32)
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

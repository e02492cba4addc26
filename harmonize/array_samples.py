"""Samples inside one file of arrays: an npz file and its image rule go in, an image per picture or per element comes out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from isocenter.core.files import blake2b
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.image import ImageHeader, load_pixels
from isocenter.harmonize.layout_rules import ImageRule
from isocenter.harmonize.patterns import Pattern, fill

NO_LABEL = "none"
MEDMNIST = ImageRule(Pattern("**/*.npz"), array="{split:train|val|test}_images", array_labels="{split}_labels", stacked=True)
"""Pictures and their labels, split by split, in one file. Source: MedMNIST/MedMNIST, medmnist/dataset.py (`{split}_images`, `{split}_labels`)."""


def in_medmnist_form(facts: FileFacts) -> bool:
    """Whether an npz file holds pictures in MedMNIST's form, whatever its name: arrays of pictures, each with as many labels beside it."""
    arrays: dict[str, tuple[list[int], str]] = facts.header.facts.get("arrays", {}) if facts.header and facts.format == "npz" else {}
    splits = {name.removesuffix("_images"): shape for name, (shape, _) in arrays.items() if Pattern(MEDMNIST.array or "").match(name) is not None}
    labels = {split: arrays.get(f"{split}_labels", ([], ""))[0] for split in splits}
    return bool(splits) and all(len(shape) >= 3 and labels[split][:1] == shape[:1] for split, shape in splits.items())


def unnamed_values(paths: list[str]) -> Iterator[str]:
    """What to say of files in that form which no layout names."""
    if paths:
        more = f" and {len(paths) - 1} more" if paths[1:] else ""
        yield f'{paths[0]}{more}: in MedMNIST\'s form, where nothing says what label values mean; a layout with [[labels]] of token = "label" does (docs/how-to/write-a-layout.md)'


def array_images(root: Path, facts: FileFacts, rule: ImageRule, tokens: dict[str, str]) -> Iterator[tuple[FileFacts, dict[str, str]]]:
    """Facts and tokens of each sample; its path is `file::array` or `file::array/index`, its token `label` what the label array says.

    A row of several label values is written as the places of its ones between bars, `none` when there are none.
    """
    arrays = facts.header.facts["arrays"] if facts.header else {}
    for name, (shape, dtype) in arrays.items():
        found = Pattern(rule.array or "").match(name)
        if found is None:
            continue
        known = tokens | found
        labels = load_pixels(root / f"{facts.path}::{fill(rule.array_labels, known)}", "npz") if rule.array_labels else None
        for index in range(shape[0]) if rule.stacked else (None,):
            selector = name if index is None else f"{name}/{index}"
            element = shape if index is None else shape[1:]
            size = int(np.prod(element)) * np.dtype(dtype).itemsize
            one = replace(facts, path=f"{facts.path}::{selector}", bytes=size, file_hash=blake2b(f"{facts.file_hash}::{selector}".encode()), header=_header(element, dtype))
            yield one, known | ({} if index is None else {"element": str(index)}) | ({} if labels is None or index is None else {"label": _label(labels[index])})


def _header(shape: list[int], dtype: str) -> ImageHeader:
    """A picture (rows, columns[, 3]) or a volume as it is stored."""
    if len(shape) == 3 and shape[-1] in (1, 3, 4):
        return ImageHeader("npz", (shape[1], shape[0]), dtype=dtype, channels=shape[2], frames=1)
    return ImageHeader("npz", tuple(shape[::-1]) if len(shape) == 2 else tuple(shape), dtype=dtype, channels=1, frames=1)


def _label(row: np.ndarray) -> str:
    values = np.atleast_1d(row)
    if len(values) == 1:
        return str(int(values[0]))
    return "|".join(str(place) for place in np.flatnonzero(values)) or NO_LABEL

"""Write a small npz file in the form that an image rule with arrays describes: pictures, their labels and masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.harmonize.layout_rules import ImageRule, Layout
from isocenter.harmonize.pattern_examples import example
from isocenter.harmonize.patterns import Pattern, fill

ELEMENTS, SIDE, NAMES = 2, 28, 3


def array_file(folder: Path, layout: Layout, rule: ImageRule, tokens: dict[str, str], rng: np.random.Generator) -> list[tuple[dict[str, str], str]]:
    """Write the file; returns tokens and path (`file::array[/index]`) of each picture in it."""
    path, pattern = rule.pattern.path(tokens), Pattern(rule.array or "")
    arrays: dict[str, NDArray[Any]] = {}
    made = []
    for number in range(NAMES if pattern.tokens else 1):
        known = tokens | {name: example(pattern.expression(name) or r"\w+", number) for name in pattern.tokens}
        name = pattern.path(known)
        shape = ((ELEMENTS,) if rule.stacked else ()) + (SIDE,) * (3 if "3d" in path else 2)
        arrays[name] = rng.integers(0, 255, shape).astype(np.uint8)
        if rule.array_labels:
            arrays[fill(rule.array_labels, known)] = _labels(layout, number)
        made += [(known, f"{path}::{name}/{index}") for index in range(ELEMENTS)] if rule.stacked else [(known, f"{path}::{name}")]
    for mask in layout.masks:
        if mask.array is not None:
            values = [int(entry.raw) for mapping in layout.maps if mapping.name in mask.labels for entry in mapping.entries if entry.terms]
            for known in [one for one, _ in made] if Pattern(mask.array).tokens else [{}]:
                name = Pattern(mask.array).path(known)
                arrays[name] = np.resize(np.asarray([0, *(values or [1])], np.int16), ((ELEMENTS,) if mask.stacked else ()) + (SIDE, SIDE))
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / path, **arrays)  # type: ignore[arg-type]
    return made


def _labels(layout: Layout, number: int) -> NDArray[np.uint8]:
    """Classes in turn, one per element; for a list of labels a row of zeros and ones."""
    rule = next(label for label in layout.labels if label.token == "label")
    classes = sorted(int(entry.raw) for entry in rule.map.entries if entry.raw.isdigit())
    chosen = [classes[(number * ELEMENTS + place) % len(classes)] for place in range(ELEMENTS)]
    if rule.map.separator is None:
        return np.asarray(chosen, np.uint8)[:, None]
    return np.asarray([[int(place == one) for place in range(max(classes) + 1)] for one in chosen], np.uint8)

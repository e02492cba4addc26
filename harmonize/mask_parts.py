"""Masks inside one file: a mask file and its rule go in, one mask per class of a sparse matrix or per element of an array comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.image import ImageHeader
from isocenter.harmonize.layout_rules import Layout, MaskRule
from isocenter.harmonize.patterns import Pattern, fill

SPARSE_SHAPE = re.compile(r"\((\d+), ?(\d+), ?(\d+)(?:, ?1)?,?\)\.npz$")


def mask_parts(rule: MaskRule, facts: FileFacts, tokens: dict[str, str], layout: Layout) -> Iterator[tuple[FileFacts, dict[str, str]]]:
    """Facts and tokens of every mask of a file: `file::sparse/2` with the token `class`, `file::array/7` with `element`, or the file itself."""
    if rule.sparse:
        yield from _sparse(rule, facts, tokens, layout)
    elif rule.array is not None and facts.header is not None:
        yield from _arrays(rule, facts, tokens)
    else:
        yield facts, tokens


def _sparse(rule: MaskRule, facts: FileFacts, tokens: dict[str, str], layout: Layout) -> Iterator[tuple[FileFacts, dict[str, str]]]:
    """A row per class. Whether the background has one, the number of rows tells; where neither fits, the file is not understood.

    Source: IMIS-Bench, dataset/BTCV and data_loader.py: a compressed sparse matrix of classes x pixels, its shape in the file's name.
    """
    shape = SPARSE_SHAPE.search(facts.path)
    if facts.error or shape is None:
        yield (facts if facts.error else replace(facts, error="its name does not state the shape, as in `name.(classes, rows, columns, 1).npz`")), tokens | {"class": ""}
        return
    classes, rows, columns = (int(text) for text in shape.groups())
    named = {entry.raw for name in rule.labels for mapping in layout.maps if mapping.name == fill(name, tokens) for entry in mapping.entries if entry.raw != "*"}
    values = sorted(named, key=int)
    if len(values) not in (classes, classes - 1):
        yield replace(facts, error=f"it holds {classes} classes, the legend names {len(values)}"), tokens | {"class": ""}
        return
    for place, value in enumerate(values, classes - len(values)):
        yield replace(facts, path=f"{facts.path}::sparse/{place}", header=ImageHeader("npz", (columns, rows), dtype="uint8", channels=1, frames=1)), tokens | {"class": value}


def _arrays(rule: MaskRule, facts: FileFacts, tokens: dict[str, str]) -> Iterator[tuple[FileFacts, dict[str, str]]]:
    """Arrays whose name the rule's pattern matches; stacked ones element by element."""
    assert facts.header is not None
    for name, (shape, dtype) in facts.header.facts.get("arrays", {}).items():
        if (found := Pattern(rule.array or "").match(name)) is None:
            continue
        for index in range(shape[0]) if rule.stacked else (None,):
            element = shape if index is None else shape[1:]
            selector = name if index is None else f"{name}/{index}"
            header = ImageHeader("npz", tuple(element[:2][::-1]) if len(element) == 2 or element[-1] in (1, 3, 4) else tuple(element), dtype=dtype, channels=1, frames=1)
            yield replace(facts, path=f"{facts.path}::{selector}", header=header), tokens | found | ({} if index is None else {"element": str(index)})

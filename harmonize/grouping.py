"""Which image files make one sample: a DICOM series (split into volumes by geometry), files that a layout joins, one file, or a piece of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isocenter.harmonize.array_samples import array_images
from isocenter.harmonize.dicom.samples import series_samples
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.layout_rules import ImageRule
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.pieces import pieces


@dataclass(frozen=True, slots=True)
class Image:
    """An image file with the rule that claimed it and the tokens of its path."""

    facts: FileFacts
    rule: ImageRule | None
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """The files of one sample, first in geometric order first; `doubled` are further files of the same DICOM instances."""

    key: str
    images: tuple[Image, ...]
    doubled: tuple[Image, ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    issues: tuple[str, ...] = ()


def group(images: Iterable[Image], root: Path) -> list[Group]:
    """Samples of a dataset, sorted by key; keys are unique. `columns` and `issues` are what a series' geometry says of its volume."""
    series: dict[str, list[Image]] = defaultdict(list)
    joined: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        header = image.facts.header
        if image.rule is not None and image.rule.array is not None:
            for facts, tokens in array_images(root, image.facts, image.rule, image.tokens):
                joined[facts.path].append(Image(facts, image.rule, tokens))
            continue
        if inside := list(pieces(image.facts, image.rule)):
            for facts, tokens in inside:
                joined[facts.path].append(Image(facts, image.rule, image.tokens | tokens))
            continue
        uid = header.facts.get("series_id") if header else None
        if header is not None and header.format == "dicom" and uid:
            series[uid].append(image)
        else:
            template = image.rule.sample if image.rule else None
            joined[fill(template, image.tokens) if template else image.facts.path].append(image)
    groups = [Group(key, tuple(sorted(members, key=lambda image: image.facts.path))) for key, members in joined.items()]
    groups += [volume for members in series.values() for volume in _volumes(members, root)]
    return sorted(groups, key=lambda one: one.key)


def _volumes(members: list[Image], root: Path) -> list[Group]:
    """A series as its volumes; files that repeat an instance go to the first of them."""
    files = {root / image.facts.path: image for image in members}
    samples = series_samples(sorted(files))
    used = {path for sample in samples for path in sample.files}
    doubled = tuple(image for path, image in sorted(files.items()) if path not in used)
    return [Group(sample.key, tuple(files[path] for path in sample.files), doubled if number == 0 else (), sample.columns, sample.issues)
            for number, sample in enumerate(samples)]


def slice_position(facts: Mapping[str, Any]) -> float:
    """Millimetres along the slice normal (DICOM PS3.3 C.7.6.2: the cross product of row and column direction), 0 if unknown."""
    position, orientation = facts.get("position") or [], facts.get("orientation") or []
    if len(position) != 3 or len(orientation) != 6:
        return 0.0
    return round(float(np.dot(np.cross(orientation[:3], orientation[3:]), position)), 4)

"""Which image files make one sample: a DICOM series (split into volumes by geometry), files that a layout joins, or one file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.layout import ImageRule
from isocenter.harmonize.patterns import fill


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


def group(images: Iterable[Image]) -> list[Group]:
    """Samples of a dataset, sorted by key; keys are unique."""
    series: dict[str, list[Image]] = defaultdict(list)
    joined: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        header = image.facts.header
        uid = header.facts.get("series_id") if header else None
        if header is not None and header.format == "dicom" and uid:
            series[uid].append(image)
        else:
            template = image.rule.sample if image.rule else None
            joined[fill(template, image.tokens) if template else image.facts.path].append(image)
    groups = [Group(key, tuple(sorted(members, key=lambda image: image.facts.path))) for key, members in joined.items()]
    groups += [volume for uid, members in series.items() for volume in _volumes(uid, members)]
    return sorted(groups, key=lambda one: one.key)


def _volumes(uid: str, members: list[Image]) -> list[Group]:
    """A series as volumes of one shape and orientation each; what has no place in space stands alone. `uid.2` is the second."""
    unique, doubled = _instances(members)
    volumes: dict[tuple[object, ...], list[Image]] = defaultdict(list)
    for image in unique:
        header = image.facts.header
        facts = header.facts if header else {}
        placed = header is not None and header.frames == 1 and len(facts.get("position", [])) == 3 and len(facts.get("orientation", [])) == 6
        kind = (header.shape, tuple(round(cosine, 3) for cosine in facts["orientation"])) if placed and header else image.facts.path
        volumes[(kind,)].append(image)
    ordered = sorted((sorted(files, key=_place) for files in volumes.values()), key=lambda files: (-len(files), _place(files[0])))
    return [Group(uid if number == 1 else f"{uid}.{number}", tuple(files), tuple(doubled) if number == 1 else ()) for number, files in enumerate(ordered, start=1)]


def _instances(members: list[Image]) -> tuple[list[Image], list[Image]]:
    """One file per SOP instance, and the files that repeat one (same instance, same bytes)."""
    seen: set[tuple[str, str | None]] = set()
    unique: list[Image] = []
    doubled: list[Image] = []
    for image in sorted(members, key=lambda image: image.facts.path):
        facts = image.facts.header.facts if image.facts.header else {}
        mark = (facts.get("sop_id") or image.facts.path, image.facts.file_hash)
        (doubled if mark in seen else unique).append(image)
        seen.add(mark)
    return unique, doubled


def _place(image: Image) -> tuple[float, int, str]:
    """Position along the slice normal, then instance number, then path."""
    facts = image.facts.header.facts if image.facts.header else {}
    return (slice_position(facts), facts.get("instance") or 0, image.facts.path)


def slice_position(facts: Mapping[str, Any]) -> float:
    """Millimetres along the slice normal (DICOM PS3.3 C.7.6.2: the cross product of row and column direction), 0 if unknown."""
    position, orientation = facts.get("position") or [], facts.get("orientation") or []
    if len(position) != 3 or len(orientation) != 6:
        return 0.0
    return round(float(np.dot(np.cross(orientation[:3], orientation[3:]), position)), 4)

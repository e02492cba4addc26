"""Which layout does a folder look like? Names of files go in, claims of layouts come out, the best first; nothing is opened."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from isocenter.harmonize import layout as layouts
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.patterns import Pattern
from isocenter.registry.labelmaps import all_maps

ANY = "folder"
"""The layout of a folder that is in no general form: every file is recognised by its content."""
LOOK_AT = 5000
ENOUGH, WHOLE = 0.5, 0.9
BESIDE = (".txt", ".md", ".pdf", ".json", ".csv", ".tsv", ".xlsx", ".html")     # need no rule: they lie beside the data of many sets


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """How well a layout explains a folder, better ones greater.

    rules: share of its rules that match a file; files: share of the folder's files that a rule explains;
    literals: characters that the matched patterns fix, the tie-break between a dataset's own layout and a generic one.
    """

    rules: float
    files: float
    literals: float
    layout: str


@dataclass(frozen=True, slots=True)
class Recognised:
    """The layout that a folder is read by when nobody names one: the general form that it is in, or ANY. looks_like: what else it may be, to be asked for by name."""

    layout: str
    looks_like: str | None = None


def recognise(root: Path) -> Recognised:
    """By the names of the files below a folder; a layout of one published dataset is only ever suggested, and only if most of its rules are met."""
    found = best(root)
    form = form_of(found)
    return Recognised(form) if form else Recognised(ANY, found[0].layout if found and found[0].rules > ENOUGH else None)


def claims(layout: Layout, root: Path | Iterable[str]) -> Claim | None:
    """The claim of one layout on a folder (or on POSIX paths below it); None when it has no image, a table is not there, or less than half the files are explained."""
    paths = list(_paths(root) if isinstance(root, Path) else root)
    images, others = [rule.pattern for rule in layout.images], [*(rule.file for rule in layout.tables if not rule.optional), *(rule.pattern for rule in layout.boxes if rule.pattern)]
    legends = tuple(dict.fromkeys(rule.file for rule in layout.legends if rule.file not in others))
    masks = {rule.pattern: _raws(rule.raw, rule.labels) for rule in layout.masks if rule.table is None}
    met: dict[Pattern, int] = {}
    explained, beside = 0, 0
    for path in paths:
        if any(pattern.match(path) is not None for pattern in layout.exclude):
            explained += 1
            continue
        if (legend := next((pattern for pattern in legends if pattern.match(path) is not None), None)) is not None:
            met[legend] = met.get(legend, 0) + 1                                  # a text beside the data, for every layout
            beside += 1
            continue
        if (found := next((pattern for pattern in (*masks, *others, *images) if _takes(pattern, path, masks.get(pattern))), None)) is not None:
            met[found] = met.get(found, 0) + 1
            explained += 1
        else:
            beside += path.lower().endswith(BESIDE)
    counted = len(paths) - beside
    if not any(pattern in met for pattern in images) or not all(rule.file in met for rule in layout.tables if not rule.optional) or explained < ENOUGH * counted:
        return None
    wanted = [*images, *masks, *others, *legends]
    return Claim(sum(pattern in met for pattern in wanted) / len(wanted), explained / counted,
                 sum(pattern.literals * count for pattern, count in met.items()) / sum(met.values()), layout.name)


def best(root: Path | Iterable[str]) -> list[Claim]:
    """Claims of all layouts that come with isocenter on a folder, the best first."""
    paths = list(_paths(root) if isinstance(root, Path) else root)
    return sorted(filter(None, (claims(layout, paths) for layout in _shipped())), reverse=True)


def form_of(found: list[Claim]) -> str | None:
    """The general form that a folder is in: the best claim, if it is a form and no dataset's own, all its rules match and nearly all files are explained."""
    general = {layout.name for layout in _shipped() if layout.general}
    first = found[0] if found else None
    return first.layout if first and first.layout in general and first.rules == 1 and first.files >= WHOLE else None


@cache
def _shipped() -> tuple[Layout, ...]:
    return tuple(layouts.load(layouts.HOME / f"{name}.toml") for name in layouts.names())


def _paths(root: Path) -> Iterator[str]:
    """The first files below a folder, links to folders not followed."""
    walk = (Path(folder, name).relative_to(root).as_posix() for folder, _, names in os.walk(root) for name in sorted(names))
    return islice(walk, LOOK_AT)


def _raws(raw: str | None, labels: tuple[str, ...]) -> tuple[Pattern, frozenset[str]] | None:
    """For one file per structure: the pattern of the raw values and those that the maps list."""
    if raw is None:
        return None
    return Pattern(raw), frozenset(entry.raw for name in labels if name in all_maps() for entry in all_maps()[name].entries)


def _takes(pattern: Pattern, path: str, raws: tuple[Pattern, frozenset[str]] | None) -> bool:
    """Whether a pattern matches a path; a structure that no map of the rule lists is not this dataset's."""
    tokens = pattern.match(path)
    if tokens is None:
        return False
    if raws is None or not raws[1] or not set(raws[0].tokens) <= tokens.keys():
        return True
    template, known = raws
    return template.path(tokens, star="*") in known

"""What a scan starts from and whether it was done before: an adopted dataset in, its layout, the key of its files, an earlier result or the work ahead out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from isocenter.core.errors import IsocenterError, NotFound
from isocenter.core.files import fingerprint
from isocenter.core.tables import read_header
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.file_facts import facts_folder, waiting
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.readings import READINGS
from isocenter.harmonize.readings import path_of as readings_of
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.source import Source, open_source

Listed = tuple[str, int, float]
"""Path, bytes and time of a file."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a scan found: counts by role, samples, samples in error, and findings that concern the dataset as a whole."""

    dataset: str
    files: int
    samples: int
    errors: int
    roles: dict[str, int]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a scan would do. to_read, bytes: of files that no earlier scan looked at; by_name: what the layout's rules make of the files' names,
    empty for a layout that recognises them by content; stands: nothing changed since the tables that are there were made."""

    dataset: str
    layout: str
    files: int
    to_read: int
    bytes: int
    by_name: dict[str, int]
    stands: bool


def ahead(workspace: Workspace, name: str, *, force: bool = False) -> Ahead:
    """Look at the names of the dataset's files; none is opened, nothing is written. Raises what `scan` raises before it reads."""
    source, path = described(workspace, name)
    layout = layouts.load(path)
    listed, fresh = waiting(source.root, facts_folder(workspace, name))
    fresh = listed if force else fresh
    stands = not force and known_scan(workspace, name, key_of(source, path, listed.iter_rows())) is not None
    by_name = Counter(_by_name(layout, one) for one in listed["path"]) if layout.images else {}
    return Ahead(name, source.layout, listed.height, fresh.height, int(fresh["bytes"].sum()), dict(sorted(by_name.items())), stands)


def described(workspace: Workspace, name: str) -> tuple[Source, Path]:
    """An adopted dataset and the file of its layout. Raises NotFound when it is not adopted, its folder is gone, or there is no such layout."""
    source = open_source(workspace, name)
    if not source.root.is_dir():
        raise NotFound(f"the folder of {name!r} is gone", where=str(source.root), hint=f"isocenter adopt {name} /path/you/have")
    return source, layouts.find(source.layout, workspace)


def key_of(source: Source, layout: Path, files: Iterable[Listed]) -> str:
    """What decides the tables of a scan: equal keys, equal tables."""
    return fingerprint([source.fingerprint, layout.read_text(encoding="utf-8"), list(files), version("isocenter")])


def known_scan(workspace: Workspace, name: str, key: str) -> Scanned | None:
    """The result of an earlier scan of the same files under the same layout, if its tables are all there."""
    try:
        header = read_header(workspace.samples(name), SAMPLES)
        read_header(workspace.inventory(name), INVENTORY)
        read_header(workspace.annotations(name), ANNOTATIONS)
        read_header(readings_of(workspace, name), READINGS)
    except IsocenterError:
        return None
    return Scanned(**{**header["scanned"], "warnings": tuple(header["scanned"]["warnings"])}) if header.get("key") == key else None


def _by_name(layout: Layout, path: str) -> str:
    """The rule that the name of a file meets first, as `scan` asks them."""
    rules = [("excluded", layout.exclude), ("mask", [one.pattern for one in layout.masks]), ("boxes", [one.pattern for one in layout.boxes if one.pattern]),
             ("table", [*(one.file for one in layout.tables), *(one.file for one in layout.legends)]), ("image", [one.pattern for one in layout.images])]
    return next((what for what, patterns in rules if any(pattern.match(path) is not None for pattern in patterns)), "no rule")

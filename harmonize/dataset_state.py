"""Whether a dataset is what it was: a scanned dataset in, a fingerprint of what its samples say out, and what has changed since it was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isocenter.core.errors import IsocenterError
from isocenter.core.files import fingerprint
from isocenter.core.tables import content_fingerprint, read_header, read_table, table_fingerprint
from isocenter.core.workspace import Workspace
from isocenter.harmonize.readings import path_of as readings_of
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.source import open_source

FOUND_LATER = ("pixel_hash", "issues")


def state_of(workspace: Workspace, dataset: str) -> str:
    """Fingerprint of what a scan read of the samples and their labels; not of what decoding finds later, nor of where the folder lies."""
    said = readings_of(workspace, dataset)
    return fingerprint([content_fingerprint(read_table(workspace.samples(dataset), SAMPLES).drop(FOUND_LATER)), table_fingerprint(said) if said.exists() else None])


def taken(workspace: Workspace, datasets: list[str]) -> dict[str, Any]:
    """What a cohort's header remembers of its datasets, for `changed`: their states, and the scans that these were read from."""
    return {"states": {name: state_of(workspace, name) for name in datasets}, "scans": {name: _scan(workspace, name) for name in datasets}}


def changed(workspace: Workspace, header: Mapping[str, Any]) -> list[str]:
    """Datasets of a cohort's header that say something else now; those that are not scanned any more are among them.

    The same scan is the same state; only after another one the tables are read.
    """
    scans = header.get("scans", {})
    return [name for name, state in header.get("states", {}).items()
            if (now := _scan(workspace, name)) is None or (now != scans.get(name) and state_of(workspace, name) != state)]


def adopted_anew(workspace: Workspace, dataset: str) -> bool:
    """Whether the dataset was adopted otherwise than when it was scanned; False if it was not scanned, or before scans noted it."""
    path, source = workspace.samples(dataset), open_source(workspace, dataset)
    header = read_header(path, SAMPLES) if path.exists() else {}
    return header.get("source", source.fingerprint) != source.fingerprint or header.get("layout", source.layout) != source.layout


def _scan(workspace: Workspace, dataset: str) -> str | None:
    try:
        key: str | None = read_header(workspace.samples(dataset), SAMPLES).get("key")
    except IsocenterError:
        return None
    return key

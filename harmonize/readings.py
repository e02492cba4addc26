"""The reading table of a scan: what every cell, name, box and mask of a dataset said, raw value by raw value, and the maps that read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow as pa

from isocenter.core.files import fingerprint
from isocenter.core.tables import Kind, read_header, read_table, write_table
from isocenter.core.workspace import Workspace
from isocenter.registry.labelconflicts import PUBLISHED, Contradiction
from isocenter.registry.labelmap import Entry, LabelMap, Reading

Medium = Literal["cell", "mask", "box"]

READINGS = Kind("readings", 1, pa.schema([
    ("sample_id", pa.string()), ("reader", pa.string()), ("raw_value", pa.string()), ("voxels", pa.int64()), ("used", pa.bool_()),
]))
"""One row per sample, reader and raw value that was met. reader: an id of `readers` in the header. voxels: of masks, null for the rest.
used: false where the cell or mask was not understood whole and so states nothing. An empty cell is the raw value ``""``."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A label map at work: where the raw values stand (`table.column`, a path pattern), in which encoding, read by which map."""

    origin: str
    medium: Medium
    map: LabelMap
    encoding: str = PUBLISHED

    @property
    def id(self) -> str:
        return fingerprint([self.origin, self.medium, self.map.name, self.encoding])


@dataclass(frozen=True, slots=True)
class Said:
    """One raw value that a reader met in a sample."""

    reader: Reader
    raw: str
    voxels: int | None = None
    used: bool = True


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of one dataset: the rows, who read them, and values that two maps read differently."""

    table: pl.DataFrame
    readers: Mapping[str, Reader] = field(default_factory=dict)
    contradictions: tuple[Contradiction, ...] = ()


_IN_CELLS: dict[tuple[int, str], tuple[Reader, dict[tuple[str, bool], Said]]] = {}
"""Readers of cells by map and origin, and what they said before: millions of cells say the same few things."""


def said_in_cell(mapping: LabelMap, origin: str, reading: Reading) -> list[Said]:
    """The raw values of a cell (or of a part of a path); one that states nothing said the empty value."""
    reader, before = _IN_CELLS.setdefault((id(mapping), origin), (Reader(origin, "cell", mapping), {}))
    found = []
    for raw in reading.values or ("",):
        key = (raw, raw not in reading.unknown)
        if key not in before:
            before[key] = Said(reader, raw, used=key[1])
        found.append(before[key])
    return found


def path_of(workspace: Workspace, dataset: str) -> Path:
    return workspace.root / "readings" / f"{dataset}.parquet"


def write_readings(workspace: Workspace, dataset: str, said: Iterable[tuple[str, Said]], clashes: Iterable[Contradiction]) -> None:
    """Write what was said: (sample id, said) pairs in any order."""
    ids: dict[int, str] = {}
    readers: dict[str, Reader] = {}
    columns: tuple[list[Any], ...] = ([], [], [], [], [])
    for sample, one in said:
        key = ids.get(id(one.reader))
        if key is None:
            key = ids[id(one.reader)] = one.reader.id
            readers[key] = one.reader
        for column, value in zip(columns, (sample, key, one.raw, one.voxels, one.used)):
            column.append(value)
    table = pa.table([pa.array(column, field.type) for column, field in zip(columns, READINGS.schema)], READINGS.schema)
    header = {"readers": {key: _plain(reader) for key, reader in sorted(readers.items())}, "contradictions": [asdict(clash) for clash in clashes]}
    write_table(path_of(workspace, dataset), table, READINGS, header)


def read_readings(workspace: Workspace, dataset: str) -> Readings:
    """Raises NotFound when the dataset was scanned by a version that kept no readings, or not at all."""
    path = path_of(workspace, dataset)
    header = read_header(path, READINGS)
    clashes = (Contradiction(**{**clash, "reading": tuple(clash["reading"]), "other_reading": tuple(clash["other_reading"])}) for clash in header["contradictions"])
    return Readings(read_table(path, READINGS), {key: _reader(body) for key, body in header["readers"].items()}, tuple(clashes))


def _plain(reader: Reader) -> dict[str, Any]:
    entries = [[entry.raw, list(entry.terms), entry.state, entry.name, entry.rule, entry.evidence] for entry in reader.map.entries]
    return {"origin": reader.origin, "medium": reader.medium, "encoding": reader.encoding,
            "map": {"name": reader.map.name, "mode": reader.map.mode, "dataset": reader.map.dataset, "release": reader.map.release,
                    "encoding": reader.map.encoding, "entries": entries}}


def _reader(body: dict[str, Any]) -> Reader:
    known = body["map"]
    entries = tuple(Entry(raw, tuple(terms), state, name, rule, evidence) for raw, terms, state, name, rule, evidence in known["entries"])
    mapping = LabelMap(known["name"], entries, known["mode"], None, known["dataset"], known["release"], known["encoding"])
    return Reader(body["origin"], body["medium"], mapping, body["encoding"])

"""Build sample rows: header facts, then what the path says, then what the dataset's own tables say; contradictions become issues."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.grouping import Group
from isocenter.harmonize.image import ImageHeader
from isocenter.harmonize.layout import LIST_SEPARATOR, SAMPLE_COLUMNS
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.readings import Said, said_in_cell
from isocenter.harmonize.sample import PATIENT_SEPARATOR, sample_id
from isocenter.harmonize.source import Source
from isocenter.harmonize.table_join import JoinTable, Row
from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry.labelmap import States, combine

COLUMN = {"patient": "patient_id", "study": "study_id", "series": "series_id", "split": "published_split", "view": "view_position"}
FROM_HEADER = ("patient_id", "study_id", "series_id", "series_number", "protocol", "body_part", "view_position", "sex", "age", "manufacturer")
SPLITS = {"training": "train", "tr": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test", "ts": "test"}


@dataclass(slots=True)
class SampleRow:
    """One row of the sample table, and the files that it stands for. cells: its rows in the dataset's tables. unlisted: terms that only the silence of its boxes denies."""

    values: dict[str, Any]
    files: tuple[str, ...]
    tokens: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    cells: dict[str, list[Row]] = field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()

    def issue(self, text: str) -> None:
        self.values["issues"] = [*self.values["issues"], text]

    def state(self, states: States, origin: str, unlisted: frozenset[str] = frozenset()) -> None:
        """Add what a source says of this sample; what it contradicts is withheld and noted. unlisted: see `Reading`."""
        before: States = self.values["labels"] or {}
        joined, conflicts = combine([before, states])
        self.values["labels"] = joined
        self.unlisted = (self.unlisted | (unlisted - before.keys())) - (states.keys() - unlisted)
        for term in conflicts:
            self.issue(f"label_error: {term} is both present and absent ({origin}); withheld")


def build_row(source: Source, layout: Layout, one: Group, tables: list[JoinTable]) -> SampleRow:
    """The sample row of one group of files."""
    first = one.images[0]
    facts, header, rule = first.facts, first.facts.header, first.rule
    assert header is not None
    values: dict[str, Any] = {
        "sample_id": sample_id(source.slug, source.release, one.key), "dataset": source.name, "release": source.release, "uri": facts.path,
        "format": facts.format, "shape": _shape(one), "spacing_mm": list(header.spacing_mm) if header.spacing_mm else None,
        "orientation": header.orientation, "dtype": header.dtype, "channels": header.channels, "frames": header.frames,
        "bytes": sum(image.facts.bytes for image in one.images), "file_hash": _hash(one), "license": source.license,
        "issues": sorted({text for image in one.images if image.facts.header for text in image.facts.header.issues}), "labels": None, "error": None,
        "modality": header.modality or (rule.modality if rule else None) or layout.modality,
        "published_split": (rule.split if rule else None) or layout.split,
    }
    values |= _header_facts(header)
    values |= dict(one.columns)
    values["issues"] += list(one.issues)
    row = SampleRow(values, tuple(image.facts.path for image in (*one.images, *one.doubled)), first.tokens)
    row.reasons = {image.facts.path: f"the same DICOM instance as in {facts.path}" for image in one.doubled}
    _take(row, {name: value for name, value in first.tokens.items() if name in SAMPLE_COLUMNS})
    _join(row, layout, one.key, tables)
    return row


def error_row(source: Source, facts: FileFacts) -> SampleRow:
    """The row of a file that cannot be read: it is counted, named by what its header still says, and never guessed at."""
    values: dict[str, Any] = {
        "sample_id": sample_id(source.slug, source.release, facts.path), "dataset": source.name, "release": source.release, "uri": facts.path,
        "format": facts.format, "bytes": facts.bytes, "file_hash": facts.file_hash, "license": source.license, "issues": [], "labels": None,
        "error": facts.error or "named like an image, but no reader knows its content",
    }
    if facts.header is not None:
        values |= {"modality": facts.header.modality, **_header_facts(facts.header)}
    return SampleRow(values, (facts.path,))


def _header_facts(header: ImageHeader) -> dict[str, Any]:
    return {name: header.facts[name] for name in FROM_HEADER if header.facts.get(name) is not None}


def _shape(one: Group) -> list[int] | None:
    header = one.images[0].facts.header
    if header is None or header.shape is None:
        return None
    stacked = header.format == "dicom" and len(one.images) > 1
    return [*header.shape, len(one.images)] if stacked else list(header.shape)


def _hash(one: Group) -> str | None:
    """The file's hash; of several files the hash of their hashes in order."""
    hashes = [image.facts.file_hash or "" for image in one.images]
    if len(hashes) == 1:
        return hashes[0]
    from isocenter.core.files import blake2b

    return blake2b("\n".join(hashes).encode())


def _join(row: SampleRow, layout: Layout, key: str, tables: list[JoinTable]) -> None:
    """Add what tables and path tokens say: columns first, then labels."""
    path = PurePosixPath(row.values["uri"])
    place = row.tokens | {"path": str(path), "name": path.name, "stem": path.name.split(".")[0], "key": key, "parent": path.parent.name}
    row.cells = rows = {table.rule.name: table.of(place) for table in tables}
    for table in tables:
        for name, template in table.rule.columns:
            texts = dict.fromkeys(text for found in rows[table.rule.name] if (text := _cell(template, found)))
            _take_all(row, name, list(texts), table.rule.name)
    for label in layout.labels:
        if label.token is not None:
            cells = [row.tokens[label.token]] if row.tokens.get(label.token) else []
        else:
            cells = [found.get(label.column or "", "") for found in rows[label.table or ""]]
            if rows[label.table or ""] and label.column not in rows[label.table or ""][0]:
                row.issue(f"missing_column: table {label.table} has no column {label.column!r}")
        for cell in cells:
            reading = label.map.read(_listed(cell) if label.listed else cell, ancestors)
            row.said += said_in_cell(label.map, f"{label.table}.{label.column}" if label.token is None else label.token, reading)
            row.state(reading.states, f"{label.table or 'path'}.{label.column or label.token}")
            for raw in reading.unknown:
                row.issue(f"unknown_label: {label.column or label.token} = {raw!r} is not in its label map")
        if row.values["labels"] is None:
            row.values["labels"] = {}


def _listed(cell: str) -> str:
    """A cell written like a list, `['a', "b"]` or `[a, b]`, as texts between list separators."""
    inner = cell.strip().removeprefix("[").removesuffix("]")
    quoted = re.findall(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", inner)
    return LIST_SEPARATOR.join([one or other for one, other in quoted] if quoted else [part.strip() for part in inner.split(",")])


def _cell(template: str, found: Row) -> str:
    try:
        return re.sub(r"\{([^{}:]+)\}", lambda match: found[match.group(1)], template).strip()
    except KeyError:
        return ""


def _take_all(row: SampleRow, name: str, texts: list[str], table: str) -> None:
    """Take what a table says of one column; several patients of one picture are all kept, other contradictions are noted."""
    if not texts:
        return
    if len(texts) > 1 and name == "patient":
        row.issue(f"patient_conflict: table {table} gives this picture to patients {', '.join(texts)}")
        _take(row, {name: PATIENT_SEPARATOR.join(sorted(texts))})
        return
    if len(texts) > 1:
        row.issue(f"metadata_conflict: table {table} says {name} = {' / '.join(texts)}; the first is used")
    _take(row, {name: texts[0]})


def _take(row: SampleRow, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        column = COLUMN.get(name, name)
        row.values[column] = _age(text) if name == "age" else SPLITS.get(text.lower(), text.lower()) if name == "split" else text


def _age(text: str) -> float | None:
    """Years from `63`, `63.5`, `063Y` or `18M`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([YMWDymwd])?", text)
    if not found:
        return None
    return float(found.group(1)) / {"Y": 1.0, "M": 12.0, "W": 52.18, "D": 365.25}[(found.group(2) or "Y").upper()]

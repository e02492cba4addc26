"""Audit an outside table of datasets: a list of rows and which column is which go in, every kind of defect with its count comes out."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from isocenter.registry.audit.defect import Defect, defect
from isocenter.registry.audit.impossible import contradictions
from isocenter.registry.cells import count, is_empty, read_cell
from isocenter.registry.license_parser import parse_license
from isocenter.registry.licenses import SILENT
from isocenter.registry.vocabulary import Vocabulary

Row = dict[str, Any]
Known = Callable[[str], Sequence[str]]       # a name → terms that the catalog believes of that dataset
PIECES = re.compile(r"[,/;]")
TRAINABLE = re.compile(r"\b(seg\w*|cls|classification|det\w*)\b", re.IGNORECASE)
FACETS = ("modality", "anatomy", "finding", "task", "dimension")
STATED = 100                              # a size from which a dataset without a published size is a loss


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a table is what; None: it has no such column."""

    name: str
    address: str | None = None
    modality: str | None = None
    anatomy: str | None = None
    finding: str | None = None
    task: str | None = None
    dimension: str | None = None
    samples: str | None = None            # the size, as published
    usable: str | None = None             # what the table's makers could use
    splits: tuple[str, ...] = ()
    labelled: str | None = None
    licence: str | None = None
    access: str | None = None
    same: tuple[str, ...] = ("name", "address")   # rows that agree in these are one dataset


def audit_table(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary, known: Known | None = None) -> list[Defect]:
    """Every kind of defect of the table, with its count; kinds that the table has no columns for are left out.

    With `known` (from `audit.known`), rows are also held against what the catalog believes about datasets of those names.
    """
    checks: tuple[Callable[[Sequence[Row], Columns, Vocabulary], list[Defect]], ...] = (
        _duplicates, _addresses, _spellings, _missing, _labels, _counts, _licences, _remnants,
    )
    found = [one for check in checks for one in check(rows, columns, vocabulary)]
    return [one for one in [*found, *_impossible(rows, columns, vocabulary, known)] if one.count]


def _duplicates(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(text(row, column) for role in columns.same if (column := getattr(columns, role)))].append(row)
    several = [group for group in groups.values() if len(group) > 1]
    by = " and ".join(columns.same)
    found = [
        defect("duplicate", f"distinct datasets by {by}, of {len(rows)} rows", (), len(groups)),
        defect("duplicate", f"{by} in several rows ({sum(map(len, several))} rows, {sum(len(group) - 1 for group in several)} too many)",
               (text(group[0], columns.name) for group in several)),
        defect("duplicate", "rows that repeat another row in every column", (), len(rows) - len({json.dumps(row, sort_keys=True, default=str) for row in rows})),
    ]
    for column in rows[0]:
        differing = [text(group[0], columns.name) for group in several if len({text(row, column) for row in group}) > 1]
        found.append(defect("contradiction", f"{column} differs between rows of one dataset", differing))
    return found


def _addresses(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    if columns.address is None:
        return []
    used = Counter(address for row in rows if (address := text(row, columns.address).rstrip("/")))
    shared = {address: times for address, times in used.items() if times > 1}
    found = [
        defect("link", f"distinct addresses; {len(shared)} are shared by {sum(shared.values())} rows", (), len(used)),
        defect("link", "addresses shared by several rows", (f"{times}× {address}" for address, times in sorted(shared.items(), key=lambda item: -item[1]))),
        defect("link", "no address", (text(row, columns.name) for row in rows if not text(row, columns.address))),
        defect("link", "not an address", (text(row, columns.address) for row in rows if (said := text(row, columns.address)) and not re.match(r"https?://\S+$", said))),
    ]
    if columns.access:
        unknown = [row for row in rows if text(row, columns.access) == "unknown"]
        hosts = {host for row in unknown if (host := urlparse(text(row, columns.address)).netloc)}
        answers = Counter(text(row, columns.access) for row in rows)
        found += [defect("access", f"access is {answer}", (), times) for answer, times in sorted(answers.items())]
        found.append(defect("access", "hosts of the rows whose access is unknown", sorted(hosts)))
        found.append(defect("access", "access unknown although the DOI resolves", (text(row, columns.name) for row in unknown if "doi.org" in text(row, columns.address))))
    return found


def _spellings(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    found = []
    for facet, column in _facets(columns):
        listed = any(isinstance(row[column], list) for row in rows)
        cells = {str(part) for row in rows for part in row[column]} if listed else {text(row, column) for row in rows}
        pieces = cells if listed else {piece.strip() for cell in cells for piece in PIECES.split(cell) if piece.strip()}
        folded, loose = {re.sub(r"[^\w]", "", cell.lower()) for cell in cells}, {piece.lower() for piece in pieces}
        found.append(defect("spelling", f"{column}: spellings of a cell ({len(folded)} without case and punctuation)", sorted(cells), len(cells)))
        found.append(defect("spelling", f"{column}: distinct pieces of cells ({len(loose)} without case)", sorted(pieces), len(pieces)))
        unread, ambiguous = Counter[str](), Counter[str]()
        for row in rows:
            for cell in row[column] if isinstance(row[column], list) else [text(row, column)]:
                reading = vocabulary.normalise(facet, str(cell))
                unread.update(reading.unknown)
                ambiguous.update(piece for piece, _ in reading.ambiguous)
        found.append(defect("vocabulary", f"{column}: pieces that are no term of the vocabulary", (f"{times}× {piece}" for piece, times in unread.most_common()), unread.total()))
        found.append(defect("vocabulary", f"{column}: pieces that may be several terms", (f"{times}× {piece}" for piece, times in ambiguous.most_common()), ambiguous.total()))
    return found


def _missing(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    found = []
    for column in rows[0]:
        empty = [text(row, columns.name) for row in rows if is_empty(text(row, column))]
        if column != columns.address and len(empty) < len(rows):
            found.append(defect("missing", f"{column}: nothing said", empty))
    return found


def _labels(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    if columns.labelled is None or columns.task is None:
        return []
    names = [(text(row, columns.name), row[columns.labelled], text(row, columns.task)) for row in rows]
    without = [(name, task) for name, labelled, task in names if labelled is False]
    return [
        defect("contradiction", "unlabelled rows", (name for name, _ in without)),
        defect("contradiction", "unlabelled, yet a task is stated", (name for name, task in without if not is_empty(task))),
        defect("contradiction", "unlabelled, yet a segmentation", (name for name, task in without if "seg" in task.lower())),
        defect("contradiction", "unlabelled, yet a segmentation, classification or detection", (name for name, task in without if TRAINABLE.search(task))),
        defect("contradiction", "labelled, yet without a task", (name for name, labelled, task in names if labelled is True and is_empty(task))),
    ]


def _counts(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    if columns.samples is None:
        return []
    sizes = [(text(row, columns.name), text(row, columns.samples), count(text(row, columns.samples))) for row in rows]
    first: dict[Hashable, int] = {}
    for row in rows:
        first.setdefault(tuple(text(row, column) for role in columns.same if (column := getattr(columns, role))), _leading(text(row, columns.samples)))
    found = [
        defect("count", "size is no number", (f"{name}: {cell}" for name, cell, size in sizes if size is None and cell and not re.search(r"\d.*\D{4}", cell))),
        defect("unit", "size cell adds different things", (f"{name}: {cell}" for name, cell, size in sizes if size is None and re.search(r"\d.*&.*\d", cell))),
        defect("count", "size is 0", (name for name, _, size in sizes if size and size[0] == 0)),
        defect("unit", "sum of all sizes, whatever their unit", (), sum(_leading(cell) for _, cell, _ in sizes)),
        defect("unit", "sum of sizes, each dataset once", (), sum(first.values())),
    ]
    if columns.usable:
        pairs = [(text(row, columns.name), count(text(row, columns.samples)), count(text(row, columns.usable))) for row in rows]
        found.append(defect("count", "published and usable size differ", (f"{name}: {a[0]} and {b[0]}" for name, a, b in pairs if a and b and a != b)))
        found.append(defect("count", f"no published size, yet {STATED} or more usable", (name for name, a, b in pairs if a is None and b and b[0] >= STATED)))
    if columns.splits:
        stated = [(text(row, columns.name), count(text(row, columns.samples)), [count(text(row, split)) for split in columns.splits]) for row in rows]
        found.append(defect("count", "splits do not add up to the size",
                            (name for name, size, parts in stated if size and any(parts) and sum(part[0] for part in parts if part) != size[0])))
    return found


def _leading(cell: str) -> int:
    """The number that a size cell begins with ("200+", "303,001 images & …"), 0 without one."""
    number = re.match(r"[\d.,]+\s*[kKmM]?(?![a-z])|[\d.,]+", cell)
    size = count(number[0]) if number else None
    return size[0] if size else 0


def _licences(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    if columns.licence is None:
        return []
    said = Counter(text(row, columns.licence) for row in rows if text(row, columns.licence))
    nothing = {licence: times for licence, times in said.items() if parse_license(licence).id in SILENT}
    return [
        defect("licence", "distinct licence strings", sorted(said), len(said)),
        defect("licence", f"strings that are no licence ({sum(nothing.values())} rows)", (f"{times}× {licence}" for licence, times in sorted(nothing.items()))),
        defect("licence", "licences without an SPDX id", sorted({licence for licence in said if parse_license(licence).id.startswith("LicenseRef-")} - set(nothing))),
    ]


def _remnants(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary) -> list[Defect]:
    return [defect("spelling", f"{column}: stray backslashes", (text(row, columns.name) for row in rows if "\\" in str(row[column] or ""))) for column in rows[0]
            if column not in (columns.address, "data_volume_raw")]


def _impossible(rows: Sequence[Row], columns: Columns, vocabulary: Vocabulary, known: Known | None) -> list[Defect]:
    inside: list[str] = []
    outside: list[str] = []
    for number, row in enumerate(rows):
        name = text(row, columns.name)
        cells = {facet: [term for _, term, _ in read_cell(facet, text(row, column), vocabulary)] for facet, column in _facets(columns)}
        for one in contradictions(cells, name, vocabulary, known(name) if known else ()):
            (outside if one.against == "the catalog" else inside).append(f"row {number} {name}: {one}")
    return [defect("impossible", "a finding or structure that the rest of the row rules out", inside),
            defect("impossible", "a finding or structure that the catalog rules out for a dataset of that name", outside)]


def _facets(columns: Columns) -> list[tuple[str, str]]:
    return [(facet, column) for facet in FACETS if (column := getattr(columns, facet))]


def text(row: Row, column: str | None) -> str:
    """A cell as text: lists joined, None and absent empty."""
    value = row.get(column) if column else None
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).strip()

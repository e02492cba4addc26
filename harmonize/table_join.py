"""Join the rows of a dataset's tables to its samples: one sample may have several rows, and a row may have no sample."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout_rules import TableRule
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.xlsx import sheet_rows

Row = dict[str, str]
csv.field_size_limit(1 << 24)


@dataclass(slots=True)
class JoinTable:
    """Rows of one table by their join text; remembers which were asked for."""

    rule: TableRule
    rows: dict[str, list[Row]]
    asked: set[str]

    def of(self, values: dict[str, str]) -> list[Row]:
        """Rows of the sample with these values (path, name, stem, key and tokens)."""
        key = fill(self.rule.to, values)
        self.asked.add(key)
        return self.rows.get(key, [])

    def unmatched(self) -> list[str]:
        """Join texts of rows that belong to no sample."""
        return sorted(self.rows.keys() - self.asked)


def read_join_table(rule: TableRule, root: Path, paths: list[str]) -> JoinTable:
    """Read every file that the rule names. Raises BadInput when none exists and the table is not optional, or a column is missing."""
    files = [path for path in paths if rule.file.match(path) is not None]
    if not files and not rule.optional:
        raise BadInput(f"table {rule.file.text!r} is not there", where=str(root), hint="check `file` in the layout, or the dataset's root")
    rows: dict[str, list[Row]] = defaultdict(list)
    for path in files:
        for row in read_rows(root / path, rule):
            rows[fill(rule.on, row)].append(row)
    return JoinTable(rule, dict(rows), set())


def read_rows(path: Path, rule: TableRule) -> Iterator[Row]:
    """Rows of a delimited, Excel or JSON file as column -> text; short rows are padded, surplus cells are dropped."""
    if path.name.endswith((".json", ".jsonl")):
        yield from _objects(path, rule)
        return
    lines = sheet_rows(path) if path.name.endswith(".xlsx") else csv.reader(io.StringIO(_text(path, rule.encoding), newline=""), delimiter=rule.separator)
    reader = islice(lines, rule.skip, None)
    header = list(rule.header) if rule.header else [cell.strip() for cell in next(reader, [])]
    missing = _columns_of(rule.on) - set(header)
    if missing:
        raise BadInput(f"table has no column {', '.join(sorted(missing))}", where=str(path), hint=f"columns: {', '.join(header)}")
    for cells in reader:
        if any(cells):
            yield dict(zip(header, [cell.strip() for cell in cells] + [""] * (len(header) - len(cells))))


def _objects(path: Path, rule: TableRule) -> Iterator[Row]:
    """Objects of JSON lists or of lines; an object that joins several files is several rows, a path that starts with `./` is written without it."""
    text = _text(path, rule.encoding)
    try:
        body = [json.loads(line) for line in text.splitlines() if line.strip()] if path.name.endswith(".jsonl") else json.loads(text)
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=str(path)) from error
    lists = {key: body[key] for key in rule.rows if isinstance(body.get(key), list)} if isinstance(body, dict) else {"": body}
    if not lists or not all(isinstance(found, list) for found in lists.values()):
        raise BadInput("the table holds no list of objects", where=str(path), hint='rows = "training", the key of the list')
    on = sorted(_columns_of(rule.on))
    for name, found in lists.items():
        for one in found:
            if isinstance(one, str) and len(on) == 1:
                one = {on[0]: one}                                     # a test list holds bare paths
            if isinstance(one, dict):
                files = one.get(on[0]) if len(on) == 1 else None
                for several in files if isinstance(files, list) else [files]:
                    yield {"list": name} | {key: _cell(several if key == on[0] and several is not None else value) for key, value in one.items()}


def _cell(value: object) -> str:
    return value.removeprefix("./") if isinstance(value, str) else "" if value is None else json.dumps(value)


def _text(path: Path, encoding: str) -> str:
    """The file's text, gzip unpacked; bytes that are not in the stated encoding are read as Latin-1, which cannot fail."""
    raw = path.read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _columns_of(template: str) -> set[str]:
    return set(re.findall(r"\{([^{}:]+)\}", template))

"""Write a layout for a folder of images and one table: the join column is found by content, label columns are as stated."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import tomli_w

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import write_text
from isocenter.core.near_names import advice
from isocenter.harmonize.layout_rules import TableRule
from isocenter.harmonize.patterns import Pattern
from isocenter.harmonize.table_join import read_rows
from isocenter.harmonize.vocabulary import term_of
from isocenter.registry.labelmap import Mode

PATIENT = ("patient_id", "patientid", "patient", "patient id", "subject", "subject_id", "participant_id")
PLAIN = {"sex": ("sex", "gender", "patient gender", "patient sex"), "age": ("age", "patient age"), "view": ("view", "view position", "viewposition"),
         "split": ("split", "partition"), "license": ("license", "licence")}
FORMS = ("path", "name", "stem")


def layout_for_table(folder: Path, name: str, root: Path, table: Path | None, labels: tuple[str, ...], layout: str | None) -> Path:
    """A layout file in a folder (the workspace's own `plugins/layouts/`), to be read and edited. Raises BadInput when nothing joins.

    labels: `COLUMN:MODE[:SEPARATOR]`; every value found becomes the term of the vocabulary that it names, else a term of its own.
    """
    if table is None:
        raise BadInput("--label needs --table", hint="--table metadata.csv")
    if layout is not None:
        raise BadInput("--table and --layout exclude each other", hint="add a [[tables]] section to the layout")
    inside = _below(root, table)
    rule = rule_for(root, inside)
    rows = list(read_rows(root / inside, rule))
    if not rows:
        raise BadInput("the table has no rows", where=str(root / inside))
    column, to = join_column((Path(folder, file).relative_to(root).as_posix() for folder, _, files in os.walk(root) for file in files), rows)
    found = {"name": "table", "file": inside.as_posix(), "on": f"{{{column}}}", "to": f"{{{to}}}", "separator": rule.separator, "columns": _plain_columns(list(rows[0]))}
    body = {"description": f"{name}: images and {inside.name}", "evidence": "written by adopt --table; the join column is the one whose values are file names",
            "tables": [found], "labels": [_label(text, rows) for text in labels]}
    path = folder / f"{name}.toml"
    write_text(path, tomli_w.dumps(body))
    return path


def rule_for(root: Path, inside: Path) -> TableRule:
    """The rule that reads a table below the root, its separator as its first line shows."""
    separator = "\t" if inside.suffix == ".tsv" else ";" if _semicolons(root / inside) else ","
    return TableRule("table", Pattern(inside.as_posix()), "", separator=separator)


def _below(root: Path, table: Path) -> Path:
    for candidate in (root / table, table):
        if candidate.is_file() and candidate.resolve().is_relative_to(root.resolve()):
            return candidate.resolve().relative_to(root.resolve())
    raise NotFound(f"no table {str(table)!r} below the dataset's folder", where=str(root), hint="--table takes a path below PATH")


def _semicolons(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        first = stream.readline()
    return first.count(";") > first.count(",")


def join_column(files: Iterable[str], rows: list[dict[str, str]]) -> tuple[str, str]:
    """The column and the part of a file's path (`path`, `name` or `stem`) that agree most often. files: POSIX paths below the root. Raises BadInput when none agrees."""
    if not rows:
        raise BadInput("the table has no rows")
    paths = [PurePosixPath(path) for path in files]
    known = {"path": {str(path) for path in paths}, "name": {path.name for path in paths}, "stem": {path.name.split(".")[0] for path in paths}}
    score, column, form = max(((sum(row[column] in known[form] for row in rows), column, form) for column in rows[0] for form in FORMS), key=lambda found: (found[0], -FORMS.index(found[2])))
    if score == 0:
        raise BadInput("no column of the table holds file names", hint=f"columns: {', '.join(rows[0])}; write a layout with [[tables]] on = …, to = …")
    return column, form


def _plain_columns(header: list[str]) -> dict[str, str]:
    """Columns with a name that means one thing everywhere."""
    lower = {column.lower(): column for column in header}
    wanted = {"patient": PATIENT, **PLAIN}
    return {key: f"{{{lower[alias]}}}" for key, aliases in wanted.items() for alias in aliases[::-1] if alias in lower}


def _label(text: str, rows: list[dict[str, str]]) -> dict[str, object]:
    column, _, rest = text.partition(":")
    mode, _, separator = rest.partition(":")
    if column not in rows[0]:
        raise BadInput(f"the table has no column {column!r}", hint=advice(column, rows[0]))
    modes = Mode.__args__  # type: ignore[attr-defined]
    if mode not in modes:
        raise BadInput(f"label column {column!r}: mode {mode!r}", hint="exclusive (others are absent), list (what is not listed is absent) or mentions (what is not listed is not annotated)")
    values = {part.strip() for row in rows for part in (row[column].split(separator) if separator else [row[column]]) if part.strip()}
    rule: dict[str, object] = {"table": "table", "column": column, "mode": mode, "values": {value: term_of(value) for value in sorted(values)}}
    return rule | ({"separator": separator} if separator else {})

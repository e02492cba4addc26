"""Label the reports of a scanned dataset: texts that its tables or text files hold go in, rows of its annotation table come out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from isocenter.core.errors import BadInput
from isocenter.core.progress import track
from isocenter.core.runs import ledger
from isocenter.core.tables import read_header, read_table, table_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.layout_rules import Layout, ReportRule
from isocenter.harmonize.patterns import Pattern
from isocenter.harmonize.reports import annotation_rows
from isocenter.harmonize.sample import INVENTORY, SAMPLES
from isocenter.harmonize.source import Source, open_source, scanned
from isocenter.harmonize.table_join import JoinTable, read_join_table

REPORT_COLUMNS = ("findings", "impression", "report", "report_text", "conclusion")
"""Columns that hold a report where a table has them, whatever their case; their texts are put together under their names."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """How many samples have a report, how many have none, and how many statements of each state were written."""

    dataset: str
    reports: int
    without: int
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """A text and where it stands: a text file, or table and columns."""

    text: str
    uri: str


def label_reports(workspace: Workspace, name: str, *, files: str | None = None, columns: Sequence[str] = (), backend: str = "rules", dry_run: bool = False) -> Labelled:
    """Label the report of every sample; rows of the same backend give way, all others stay.

    files: pattern of text files with tokens of the layout's images (`reports/{study}.txt`). Without it the tables of the layout are asked for `columns`.
    With neither, the layout's own [reports] says where they stand, else it is REPORT_COLUMNS. Raises NotFound when the dataset is not scanned, BadInput when there are no reports.
    """
    source, path = open_source(workspace, name), workspace.annotations(name)
    scanned(workspace, name)
    layout = layouts.load(layouts.find(source.layout, workspace))
    samples = read_table(workspace.samples(name), SAMPLES, ["sample_id", "uri", "error"]).filter(pl.col("error").is_null())
    paths = read_table(workspace.inventory(name), INVENTORY, ["path"])["path"].to_list()
    asked = ReportRule(Pattern(files) if files else None, tuple(columns)) if files or columns else layout.reports or ReportRule()
    found = _from_files(source, layout, samples, paths, asked.files) if asked.files else _from_tables(source, layout, samples, paths, asked.columns)
    with ledger(workspace, "reports", dataset=name, backend=backend, files=asked.files and asked.files.text, columns=list(asked.columns)) as run:
        rows: list[Row] = []
        for sample, report in track(sorted(found.items()), f"reports of {name}"):
            rows += annotation_rows(sample, report.text, backend, uri=report.uri, plugins=workspace.plugins)
        result = Labelled(name, len(found), samples.height - len(found), dict(sorted(Counter(row["state"] for row in rows).items())))
        if not dry_run:
            known = list(read_table(path, ANNOTATIONS).iter_rows(named=True)) if path.exists() else []
            made_by = f"isocenter report {backend}/"
            write_table(path, [row for row in known if not (row["annotator"] or "").startswith(made_by)] + rows, ANNOTATIONS, read_header(path, ANNOTATIONS) if path.exists() else {})
            run.outputs["annotations"] = table_fingerprint(path)
        run.counts |= {"reports": result.reports, "rows": len(rows)}
    return result


def _from_tables(source: Source, layout: Layout, samples: pl.DataFrame, paths: list[str], columns: Sequence[str]) -> dict[str, Report]:
    tables = [read_join_table(rule, source.root, paths) for rule in layout.tables]
    holding = [(table, names) for table in tables if (names := _report_columns(table, columns))]
    if not holding:
        known = sorted({column for table in tables for rows in table.rows.values() for column in rows[0]})
        raise BadInput("no table of this dataset holds reports", where=layout.name, hint=f"--column NAME, one of: {', '.join(known)}" if known else "--files 'reports/{study}.txt'")
    result = {}
    for sample, uri in samples.select("sample_id", "uri").iter_rows():
        place = _place(layout, sample, uri)
        for table, names in holding:
            texts = list(dict.fromkeys(text for row in table.of(place) if (text := _text(row, names))))
            if texts:
                result[sample] = Report("\n".join(texts), f"{table.rule.file.text}#{'+'.join(names)}")
                break
    return result


def _report_columns(table: JoinTable, columns: Sequence[str]) -> list[str]:
    """Columns of the table that hold reports, in the table's order."""
    first = next((rows[0] for rows in table.rows.values() if rows), {})
    wanted = [name.lower() for name in columns or REPORT_COLUMNS]
    return [column for column in first if column.lower() in wanted]


def _text(row: dict[str, str], names: list[str]) -> str:
    """The columns as sections of one report; a section that the row leaves empty is left out."""
    sections = [(name, text) for name in names if (text := row.get(name, "").strip()) and text.lower() != "nan"]
    return sections[0][1] if len(sections) == 1 else "\n".join(f"{name.upper()}: {text}" for name, text in sections)


def _from_files(source: Source, layout: Layout, samples: pl.DataFrame, paths: list[str], pattern: Pattern) -> dict[str, Report]:
    images = [(sample, _place(layout, sample, uri)) for sample, uri in samples.select("sample_id", "uri").iter_rows()]
    shared = sorted(set(pattern.tokens) & {token for _, place in images for token in place})
    texts = {tuple(tokens[token] for token in shared): path for path in paths if (tokens := pattern.match(path)) is not None}
    if not texts or not shared:
        raise BadInput(f"{pattern.text!r} shares no token with the images" if texts else f"no file matches {pattern.text!r}", where=str(source.root))
    paired = {sample: texts.get(tuple(place.get(token, "") for token in shared)) for sample, place in images}
    return {sample: Report((source.root / path).read_text(encoding="utf-8", errors="replace"), path) for sample, path in paired.items() if path is not None}


def _place(layout: Layout, sample: str, uri: str) -> dict[str, str]:
    """What a table's `to` may name: the tokens of the image's path, and the path in parts."""
    tokens = next((found for rule in layout.images if (found := rule.pattern.match(uri)) is not None), {})
    path = PurePosixPath(uri)
    return tokens | {"path": uri, "name": path.name, "stem": path.name.split(".")[0], "key": sample.partition("/")[2], "parent": path.parent.name}

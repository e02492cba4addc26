"""Study dates of a cohort's samples: DICOM headers, path tokens and the tables of the datasets go in, a date per sample comes out; none is ever stored."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.dicom.index import index_files
from isocenter.harmonize.sample import INVENTORY
from isocenter.harmonize.source import Source, open_source
from isocenter.harmonize.table_join import Row, read_join_table

WANTED = ("StudyDate", "AcquisitionDate")
NAMES = ("studydate", "date", "examdate", "acquisitiondate", "scandate", "imagedate")
"""What a column or a token of a path is called that holds a date, in small letters alone; the first that says something counts."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NUMBERS = re.compile(r"((?:18|19|20)\d\d)(?:[-/.]?(\d\d)(?:[-/.]?(\d\d))?)?(?!\d)")
WORDS = re.compile(rf"(?i)(?:(\d{{1,2}})\.?\s+)?({'|'.join(MONTHS)})[a-z]*\.?,?\s+(?:(\d{{1,2}}),?\s+)?(\d{{4}})\b")


def study_dates(workspace: Workspace, cohort: Cohort) -> NDArray[np.object_]:
    """A date per row of the cohort, as its header, its dataset's table or its path writes it; None where nothing states one.

    Headers count before tables, and tables before paths; of several rows of a table the latest day.
    """
    known: dict[str, str] = {}
    for (dataset,), rows in cohort.samples(workspace, ["uri"]).group_by(["dataset"], maintain_order=True):
        source = open_source(workspace, str(dataset))
        files = read_table(workspace.inventory(str(dataset)), INVENTORY, ["path", "sample_id", "format", "role"])
        known |= _from_layout(workspace, source, rows, files["path"].to_list()) | _from_headers(source, files)
    result = np.empty(len(cohort), object)
    result[:] = [known.get(sample) for sample in cohort.table["sample_id"].to_list()]
    return result


def day_of(value: object) -> str | None:
    """A date as text that sorts by time, as far as it is stated; day and month in numbers behind one another, as in 03/04/2020, are not guessed at.

    >>> [day_of(text) for text in ("20190307", "2019-03-07 11:20", "2019/03", "March 7, 2019", "7 Mar 2019", "March 2019", "2019", "07.03.2019")]
    ['2019-03-07', '2019-03-07', '2019-03', '2019-03-07', '2019-03-07', '2019-03', '2019', None]
    """
    text = "" if value is None else str(value).strip()
    if found := NUMBERS.match(text):
        return "-".join(part for part in found.groups() if part)
    if words := WORDS.match(text):
        before, month, after, year = words.groups()
        day = before or after
        return f"{year}-{MONTHS.index(month.lower()) + 1:02d}" + (f"-{int(day):02d}" if day else "")
    return None


def _from_headers(source: Source, files: pl.DataFrame) -> dict[str, str]:
    """Sample -> the date of its study, else of its acquisition."""
    first = files.filter((pl.col("format") == "dicom") & (pl.col("role") == "image") & pl.col("sample_id").is_not_null() & ~pl.col("path").str.contains("::")).unique(
        "sample_id", keep="first", maintain_order=True)
    headers = pl.from_arrow(index_files([Path(source.root) / path for path in first["path"]], WANTED)) if first.height else None
    return {sample: date for sample, date in zip(first["sample_id"], headers.select(pl.coalesce(*WANTED)).to_series()) if date} if isinstance(headers, pl.DataFrame) else {}


def _from_layout(workspace: Workspace, source: Source, samples: pl.DataFrame, paths: list[str]) -> dict[str, str]:
    """Sample -> what its rows in the layout's tables, else the tokens of its path, call a date."""
    layout = layouts.load(layouts.find(source.layout, workspace))
    tables = [read_join_table(rule, Path(source.root), paths) for rule in layout.tables]
    found: dict[str, str] = {}
    for sample, uri in samples.select("sample_id", "uri").iter_rows():
        path = PurePosixPath(uri)
        tokens = next((tokens for rule in layout.images if (tokens := rule.pattern.match(uri)) is not None), {})
        place = tokens | {"path": uri, "name": path.name, "stem": path.name.split(".")[0], "key": sample.partition("/")[2], "parent": path.parent.name}
        stated = [date for table in tables for row in table.of(place) if (date := _named(row))]
        if date := max(stated, key=lambda text: day_of(text) or "", default=None) or _named(tokens):
            found[sample] = date
    return found


def _named(row: Row) -> str | None:
    """The cell that is a date by its column's name and can be read."""
    cells = {re.sub(r"[^a-z]", "", name.lower()): value for name, value in row.items()}
    return next((cells[name] for name in NAMES if day_of(cells.get(name))), None)

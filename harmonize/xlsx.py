"""Excel workbooks (.xlsx): the cells of the first sheet come out as rows of text. Formats, formulas and dates are not interpreted."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from isocenter.core.errors import BadInput

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """Rows of the first sheet, empty ones too, as SpreadsheetML stores them (ECMA-376 part 1, 18.3). Raises BadInput."""
    try:
        with zipfile.ZipFile(path) as book:
            shared = _shared(book)
            sheet = min((name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)), key=_number)
            rows = {int(row.get("r") or 0): _cells(row, shared) for row in ElementTree.fromstring(book.read(sheet)).iter(f"{MAIN}row")}
    except (zipfile.BadZipFile, ElementTree.ParseError, ValueError, IndexError, OSError) as error:
        raise BadInput(f"not a readable Excel workbook: {error}", where=str(path), hint="save it as .xlsx or .csv") from error
    for number in range(1, max(rows, default=0) + 1):
        yield rows.get(number, [])


def _number(name: str) -> int:
    return int(re.sub(r"\D", "", name))


def _shared(book: zipfile.ZipFile) -> list[str]:
    """Texts that cells refer to by number."""
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_text(item) for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{MAIN}si")]


def _cells(row: ElementTree.Element, shared: list[str]) -> list[str]:
    """The texts of a row by their column; cells that are not stored are empty."""
    found: dict[int, str] = {}
    for cell in row.iter(f"{MAIN}c"):
        value = cell.findtext(f"{MAIN}v") or ""
        kind = cell.get("t")
        found[_column(cell.get("r") or "", len(found))] = shared[int(value)] if kind == "s" else _text(cell) if kind == "inlineStr" else _plain(value)
    return [found.get(place, "") for place in range(max(found, default=-1) + 1)]


def _column(reference: str, following: int) -> int:
    letters = re.match(r"[A-Z]+", reference)
    if letters is None:
        return following
    number = 0
    for letter in letters.group():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _text(node: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in node.iter(f"{MAIN}t"))


def _plain(value: str) -> str:
    """Whole numbers without `.0`, so that they join with names."""
    return value[:-2] if re.fullmatch(r"-?\d+\.0", value) else value

"""The table behind the Imaging-X portal (`cleaned_total.json`: `columns` and `rows`) → records.

`data_volume_total` is the published size, `images_valid` what the portal's makers could use: two fields, two claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.registry.audit.table import Columns
from isocenter.registry.cells import FacetTerm, is_empty, read_cell, web_address, year
from isocenter.registry.record import NO_OPTIONS, Claim, Options, Record, read_json
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "imaging-x-portal", "name": "Project Imaging-X portal table", "rank": 30, "url": "https://github.com/uni-medical/medical-dataset-browser",
          "note": "no licence given: facts only"}
UNIT = {"2d": "image", "3d": "volume", "video": "video"}
FIELDS = {"name", "slug", "images_valid", "tumor", "organ", "link"}
COLUMNS = Columns(name="name", address="link", modality="modality", anatomy="organ", finding="tumor", task="task", dimension="dimension",
                  samples="data_volume_total", usable="images_valid", splits=("data_volume_train", "data_volume_val", "data_volume_test"),
                  labelled="has_labels", licence="license", same=("name",))
FACETS = {"dimension": "dimension", "modality": "modality", "modality_secondary": "modality", "organ": "anatomy", "task": "task", "tumor": "finding"}


def records(path: Path, vocabulary: Vocabulary, options: Options = NO_OPTIONS) -> Iterator[Record]:
    """One record per row; raises BadInput when the file is not such a table."""
    for index, row in enumerate(rows(path)):
        yield _record(index, row, vocabulary)


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows as they are; raises BadInput when the file is not such a table."""
    table = read_json(path)
    found: Any = table.get("rows") if isinstance(table, dict) else table
    if not isinstance(found, list) or not found or not isinstance(found[0], dict) or not set(found[0]) >= FIELDS:
        raise BadInput("not a portal table (rows with name, slug, images_valid, tumor …)", where=str(path))
    rows_: list[dict[str, Any]] = found
    return rows_


def _record(index: int, row: dict[str, Any], vocabulary: Vocabulary) -> Record:
    name = str(row["name"])
    link = re.search(r"(https?://[^}\s]+)\}\{(.+)", name)          # a LaTeX \\href that was cut in two
    aliases = (name,) if link else ()
    claims = [Claim(f"{facet} cell", text) for field, facet in FACETS.items() if (text := _text(row[field]))]
    for field, target in (("organization", "organisation"), ("challenge_series", "challenge_series"), ("license", "licence string")):
        if text := _text(row[field]):
            claims.append(Claim(target, text))
    if address := web_address(str(row["link"] or (link and link[1]) or "")):
        claims.append(Claim("homepage", address))
    if (when := year(str(row["year"] or row["release_date"] or ""))) is not None:
        claims.append(Claim("year", str(when)))
    terms = _terms(row, vocabulary)
    for field, target in (("data_volume_total", "n_samples"), ("images_valid", "n_usable"), ("data_volume_train", "n_train"),
                          ("data_volume_val", "n_val"), ("data_volume_test", "n_test"), ("num_classes", "n_classes")):
        if isinstance(row[field], int) and row[field] > 0:
            claims.append(Claim(target, str(row[field])))
    if row.get("quality_flag"):
        claims.append(Claim("quality", str(row["quality_flag"])))
    unit = re.search(r"'(2D|3D|video)[^']*'\s*:", str(row["data_volume_raw"] or ""), re.IGNORECASE)
    if unit and row["data_volume_total"]:
        claims.append(Claim("sample_unit", UNIT[unit[1].lower()], note="from the size cell"))
    if isinstance(row["has_labels"], bool):
        claims.append(Claim("labelled", "true" if row["has_labels"] else "false"))
    return Record("imaging-x-portal", f"row {index} ({row['slug']})", name, tuple(claims), tuple(terms), aliases, licences=(Claim("licence", _text(row["license"])),) if _text(row["license"]) else ())


def _terms(row: dict[str, Any], vocabulary: Vocabulary) -> list[FacetTerm]:
    around = f"{row['name']} {row['link'] or ''}"
    cells = [(facet, str(atom)) for field, facet in FACETS.items() for atom in (row[field] if isinstance(row[field], list) else [row[field] or ""])]
    return [term for facet, cell in cells for term in read_cell(facet, cell, vocabulary, around)]


def _text(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    text = " ".join(text.replace("\\", " ").split())
    return "" if is_empty(text) else text

"""The survey table of Project Imaging-X (`datasets.json`, a list of rows with 14 fields) → records.

Counts in that table are mostly usable images, often rounded; its access column is guessed from the address. "Reg" may be registration
or regression: the row's own words decide, or it is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.registry.audit.table import Columns
from isocenter.registry.cells import FacetTerm, count, is_empty, read_cell, web_address, year
from isocenter.registry.record import NO_OPTIONS, Claim, Options, Record, read_json
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "imaging-x", "name": "Project Imaging-X survey table", "rank": 40, "license_id": "MIT",
          "url": "https://github.com/uni-medical/Project-Imaging-X"}
COLUMNS = Columns(name="name", address="url", modality="modality", anatomy="structure", finding="diseases", task="task", dimension="dim", samples="samples",
                  labelled="label", access="access")
FACETS = {"dim": "dimension", "modality": "modality", "structure": "anatomy", "task": "task", "diseases": "finding"}
UNIT = {"2d": "image", "3d": "volume", "video": "video"}
FIELDS = {"name", "url", "year", "dim", "modality", "structure", "samples", "label", "task", "diseases", "access", "section"}


def records(path: Path, vocabulary: Vocabulary, options: Options = NO_OPTIONS) -> Iterator[Record]:
    """One record per row; raises BadInput when the file is not such a table."""
    for index, row in enumerate(rows(path)):
        yield _record(index, row, vocabulary)


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows as they are; raises BadInput when the file is not such a table."""
    table = read_json(path)
    if not isinstance(table, list) or not table or not isinstance(table[0], dict) or not set(table[0]) >= FIELDS:
        raise BadInput("not an Imaging-X table (a list of rows with name, url, modality, structure …)", where=str(path))
    return table


def _record(index: int, row: dict[str, Any], vocabulary: Vocabulary) -> Record:
    evidence = f"row {index}"
    claims = [Claim(f"{facet} cell", str(row[field]).strip()) for field, facet in FACETS.items() if not is_empty(str(row[field]))]
    claims.append(Claim("section", str(row["section"]).replace("\u200d", "").strip()))
    if address := web_address(str(row["url"])):
        claims.append(Claim("homepage", address))
    if (when := year(str(row["year"]))) is not None:
        claims.append(Claim("year", str(when)))
    terms = _terms(row, vocabulary)
    samples = count(str(row["samples"]))
    if samples is None:
        claims.append(Claim("samples cell", str(row["samples"])))
    elif samples[0]:
        claims.append(Claim("n_samples", str(samples[0]), note=f"cell {row['samples']}" if samples[1] else ""))
        dimensions = {term for facet, term, _ in terms if facet == "dimension"}
        if len(dimensions) == 1 and (unit := UNIT.get(next(iter(dimensions)))):
            claims.append(Claim("sample_unit", unit, "inferred", "from the dimension"))
    if row["access"] not in ("unknown", ""):
        claims.append(Claim("access", str(row["access"]), "inferred", "guessed from the address"))
    if isinstance(row["label"], bool):
        claims.append(Claim("labelled", "true" if row["label"] else "false"))
    return Record("imaging-x", evidence, str(row["name"]), tuple(claims), tuple(terms))


def _terms(row: dict[str, Any], vocabulary: Vocabulary) -> list[FacetTerm]:
    around = f"{row['name']} {row['url']}"
    terms = [term for field, facet in FACETS.items() for term in read_cell(facet, str(row[field]), vocabulary, around)]
    if not any(facet == "modality" for facet, _, _ in terms):
        section = re.sub(r"(?i)datasets?|3d|\u200d", "", str(row["section"]))
        terms += [(facet, term, "section") for facet, term, _ in read_cell("modality", section, vocabulary)]
    return terms

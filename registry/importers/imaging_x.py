"""The survey table of Project Imaging-X (`datasets.json`, a list of rows with 14 fields) → records.

Counts in that table are mostly usable images, often rounded; its access column is guessed from the address. "Reg" may be registration
or regression: the row's own words decide, or it is left open.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.registry.cells import FacetTerm, count, is_empty, read_cell, year
from isocenter.registry.record import Claim, Record
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "imaging-x", "name": "Project Imaging-X survey table", "rank": 40, "license_id": "MIT",
          "url": "https://github.com/uni-medical/Project-Imaging-X"}
FACETS = {"dim": "dimension", "modality": "modality", "structure": "anatomy", "task": "task", "diseases": "finding"}
UNIT = {"2d": "image", "3d": "volume", "video": "video"}
FIELDS = {"name", "url", "year", "dim", "modality", "structure", "samples", "label", "task", "diseases", "access", "section"}


def records(path: Path, vocabulary: Vocabulary) -> Iterator[Record]:
    """One record per row; raises BadInput when the file is not such a table."""
    rows = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(rows, list) or not rows or not set(rows[0]) >= FIELDS:
        raise BadInput("not an Imaging-X table (a list of rows with name, url, modality, structure …)", where=str(path))
    for index, row in enumerate(rows):
        yield _record(index, row, vocabulary)


def _record(index: int, row: dict[str, Any], vocabulary: Vocabulary) -> Record:
    evidence = f"row {index}"
    claims = [Claim(f"{facet} cell", str(row[field]).strip()) for field, facet in FACETS.items() if not is_empty(str(row[field]))]
    claims.append(Claim("section", str(row["section"]).replace("\u200d", "").strip()))
    if row["url"]:
        claims.append(Claim("homepage", str(row["url"]).replace("\\", "").split()[0]))
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

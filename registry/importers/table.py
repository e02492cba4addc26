"""Any CSV (or TSV) with a header → records. Columns named as our fields are taken as they are; a mapping file names the others.

The mapping is TOML, our field = their column: `name = "Dataset"`, `modality = "Imaging type"`. Options: `map` (that file), `source` (an id
for where the claims come from; the file's name otherwise), `confidence`.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from isocenter.core.errors import BadInput
from isocenter.core.files import require_file
from isocenter.registry.audit.table import Columns
from isocenter.registry.cells import FacetTerm, count, is_empty, left_over, read_cell, year
from isocenter.registry.names import slug
from isocenter.registry.record import NO_OPTIONS, Claim, Options, Record
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "table", "name": "A table imported by the user", "rank": 5}
FACETS = ("modality", "anatomy", "finding", "task", "annotation", "dimension", "population")
TEXTS = ("homepage", "doi", "organisation", "country", "release", "access", "how_to_get", "sample_unit", "note")
COUNTS = ("n_samples", "n_subjects", "bytes")
FIELDS = ("name", "aliases", "year", "labelled", "licence", *FACETS, *TEXTS, *COUNTS)
YES, NO = frozenset({"yes", "true", "1", "y"}), frozenset({"no", "false", "0", "n"})
EXPECTED = {"year": "year", "labelled": "yes or no", "access": "access: open, registration, application or unknown"}
ACCESS = ("open", "registration", "application", "unknown")


def source(path: Path, options: Options) -> dict[str, object]:
    """The row of table `source` for this file: a user's own table is believed before the shipped ones of equal confidence."""
    return {**SOURCE, "source_id": options.get("source") or slug(path.stem), "name": f"{path.name}, imported by the user"}


def records(path: Path, vocabulary: Vocabulary, options: Options = NO_OPTIONS) -> Iterator[Record]:
    """One record per line. Raises BadInput when no column gives the name, or the mapping names a column or field that does not exist."""
    found, columns = rows(path), mapping(path, options)
    identity = str(source(path, options)["source_id"])
    ignored = [column for column in found[0] if column not in columns.values()]
    unread = (("header", f"not read, since no field is called so: {', '.join(ignored)}; --option map=FILE names them"),) if ignored else ()
    for line, row in enumerate(found, start=2):
        if name := row[columns["name"]].strip():
            record = _record(identity, f"{path.name} line {line}", name, {field: row[column].strip() for field, column in columns.items()}, vocabulary, options)
            yield replace(record, unread=(*unread, *record.unread))
            unread = ()


def rows(path: Path) -> list[dict[str, str]]:
    """The lines as they are; raises BadInput when it is no text table with a header."""
    try:
        text = require_file(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"not a text table ({error})", where=str(path)) from error
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    table = [{key: value or "" for key, value in row.items() if key} for row in csv.DictReader(text.splitlines(), delimiter=delimiter)]
    if not table or delimiter not in header:
        raise BadInput("a table has a header, at least two columns and one line", where=str(path))
    return table


def mapping(path: Path, options: Options = NO_OPTIONS) -> dict[str, str]:
    """Our field → their column, from the mapping file and from columns that are named as our fields."""
    header = list(rows(path)[0])
    named = {field: column for field in FIELDS for column in header if column.strip().casefold().replace(" ", "_") == field}
    if file := options.get("map"):
        try:
            given = tomllib.loads(Path(file).read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise BadInput(f"the mapping cannot be read: {error}", where=file) from error
        for field, column in given.items():
            if field not in FIELDS or column not in header:
                what = f"no field {field!r}; one of {', '.join(FIELDS)}" if field not in FIELDS else f"no column {column!r}; the table has {', '.join(header)}"
                raise BadInput(what, where=file)
        named |= given
    if "name" not in named:
        raise BadInput(f"no column gives the name of the dataset; the table has {', '.join(header)}", where=str(path), hint='write name = "Their column" into a TOML file, --option map=FILE')
    return named


def columns(path: Path, options: Options = NO_OPTIONS) -> Columns:
    """What `catalog audit` needs to know of the table."""
    named = mapping(path, options)
    return Columns(name=named["name"], address=named.get("homepage"), modality=named.get("modality"), anatomy=named.get("anatomy"), finding=named.get("finding"),
                   task=named.get("task"), dimension=named.get("dimension"), samples=named.get("n_samples"), licence=named.get("licence"), access=named.get("access"),
                   same=("name", "address") if "homepage" in named else ("name",))


def _record(identity: str, evidence: str, name: str, cells: dict[str, str], vocabulary: Vocabulary, options: Options) -> Record:
    confidence = options.get("confidence", "read")
    claims, terms, unread = [], list[FacetTerm](), []
    for field, cell in cells.items():
        if is_empty(cell) or field in ("name", "aliases", "licence"):
            continue
        if field in FACETS:
            row = f"{name} {cells.get('homepage', '')}"
            claims.append(Claim(f"{field} cell", cell, confidence))
            terms += read_cell(field, cell, vocabulary, row)
            unread += [(field, f"{atom!r}: the vocabulary has no such {field}, or several") for atom in left_over(field, cell, vocabulary, row)]
        elif value := _value(field, cell):
            claims.append(Claim(field, value, confidence, f"cell {cell}" if value != cell else ""))
        else:
            why = f"{cell!r} is no {EXPECTED.get(field, 'number')}"
            claims.append(Claim(f"{field} cell", cell, confidence, doubt=why))
            unread.append((field, why))
    aliases = tuple(alias.strip() for alias in cells.get("aliases", "").split(";") if alias.strip())
    licence = cells.get("licence", "")
    return Record(identity, evidence, name, tuple(claims), tuple(dict.fromkeys(terms)), aliases,
                  licences=(Claim("licence", licence, confidence),) if licence else (), unread=tuple(unread))


def _value(field: str, cell: str) -> str | None:
    """The cell as the text of a claim; None where it is no value of the field."""
    if field in COUNTS:
        size = count(cell)
        return str(size[0]) if size else None
    if field == "year":
        when = year(cell)
        return str(when) if when else None
    if field == "labelled":
        return "true" if cell.casefold() in YES else "false" if cell.casefold() in NO else None
    if field == "access":
        return cell.casefold() if cell.casefold() in ACCESS else None
    if field == "doi":
        return cell.casefold().removeprefix("https://doi.org/").removeprefix("doi:").strip()
    return cell

"""The index of NCI Imaging Data Commons (the Parquet inside the distribution `idc-index-data`) → one record per collection and analysis result.

`path` is the folder of that distribution, or its `idc_index.parquet`. Sizes and series counts are summed over the series index by DuckDB.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from isocenter.core.errors import BadInput
from isocenter.registry.cells import FacetTerm, read_cell
from isocenter.registry.names import name_key
from isocenter.registry.record import NO_OPTIONS, Claim, Options, Record
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "idc", "name": "NCI Imaging Data Commons index (idc-index-data)", "rank": 10, "url": "https://github.com/ImagingDataCommons/idc-index-data"}
SERIES = """
SELECT {key} AS id, list(DISTINCT Modality ORDER BY Modality) AS modalities, count(DISTINCT SeriesInstanceUID) AS series,
       count(DISTINCT PatientID) AS patients, round(sum(series_size_MB) * 1e6)::BIGINT AS bytes,
       list(DISTINCT license_short_name ORDER BY license_short_name) AS licences
FROM read_parquet(?) WHERE {where} GROUP BY 1
"""


def folder() -> Path:
    """Where the installed distribution keeps its tables; raises MissingExtra when it is not installed."""
    from importlib.util import find_spec

    from isocenter.core.errors import MissingExtra

    found = find_spec("idc_index_data")
    if found is None or found.origin is None:
        raise MissingExtra("the distribution idc-index-data is not installed", hint="pip install idc-index-data")
    return Path(found.origin).parent


def records(path: Path, vocabulary: Vocabulary, options: Options = NO_OPTIONS) -> Iterator[Record]:
    """Collections first, then analysis results; raises BadInput when a table is missing."""
    home = path if path.is_dir() else path.parent
    tables = {name: home / f"{name}.parquet" for name in ("idc_index", "collections_index", "analysis_results_index")}
    for table in tables.values():
        if not table.exists():
            raise BadInput("not the folder of idc-index-data", where=str(table))
    with duckdb.connect() as connection:
        own = _series(connection, tables["idc_index"], "collection_id", "analysis_result_id IS NULL")
        derived = _series(connection, tables["idc_index"], "analysis_result_id", "analysis_result_id IS NOT NULL")
        for row in _rows(connection, tables["collections_index"], "collection_id"):
            yield _collection(row, own.get(row["collection_id"]), vocabulary)
        for row in _rows(connection, tables["analysis_results_index"], "analysis_result_id"):
            yield _analysis(row, derived.get(row["analysis_result_id"]), vocabulary)


def _series(connection: duckdb.DuckDBPyConnection, table: Path, key: str, where: str) -> dict[str, dict[str, Any]]:
    found = connection.execute(SERIES.format(key=key, where=where), [str(table)]).to_arrow_table().to_pylist()
    return {row["id"]: row for row in found}


def _rows(connection: duckdb.DuckDBPyConnection, table: Path, order: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = connection.execute(f"SELECT * FROM read_parquet(?) ORDER BY {order}", [str(table)]).to_arrow_table().to_pylist()
    return rows


def _collection(row: dict[str, Any], series: dict[str, Any] | None, vocabulary: Vocabulary) -> Record:
    sources = [source for source in row["sources"] or [] if source]
    original = min(sources, key=lambda source: (source["source_type"] != "original_data", not str(source["source_doi"]).startswith("10.7937")), default=None)
    claims, terms = _measured(series, vocabulary)
    claims.append(Claim("n_subjects", str(row["subjects"]), "read"))
    if original and original["source_doi"]:
        claims.append(Claim("doi", original["source_doi"].lower(), "read"))
    if original and original["source_url"]:
        claims.append(Claim("homepage", original["source_url"], "read"))
    for field, facet in (("cancer_types", "finding"), ("tumor_locations", "anatomy")):
        if row[field]:
            claims.append(Claim(f"{facet} cell", row[field], "read"))
            terms += read_cell(facet, row[field], vocabulary)
    return Record("idc", f"collection {row['collection_id']}", row["collection_name"], tuple(claims), tuple(dict.fromkeys(terms)), (row["collection_id"],),
                  licences=_licences(series))


def _analysis(row: dict[str, Any], series: dict[str, Any] | None, vocabulary: Vocabulary) -> Record:
    claims, terms = _measured(series, vocabulary)
    claims.append(Claim("n_subjects", str(row["subjects"]), "read"))
    claims.append(Claim("title", row["analysis_result_title"], "read"))
    for field, target in (("source_DOI", "doi"), ("source_url", "homepage")):
        if row[field]:
            claims.append(Claim(target, row[field].lower() if target == "doi" else row[field], "read"))
    relations = tuple(("annotates", name.strip(), "an analysis result over its series") for name in (row["collections"] or "").split(",") if name.strip())
    identifier, title = row["analysis_result_id"], str(row["analysis_result_title"]).split(":")[0]
    name = title if name_key(title) == name_key(identifier) else identifier
    return Record("idc", f"analysis result {identifier}", name, tuple(claims), tuple(dict.fromkeys(terms)), (identifier,),
                  relations=relations, licences=_licences(series))


def _measured(series: dict[str, Any] | None, vocabulary: Vocabulary) -> tuple[list[Claim], list[FacetTerm]]:
    claims = [Claim("access", "open", "read"), Claim("how_to_get", "No account needed: s5cmd or the IDC portal copy the DICOM series from public cloud buckets.", "read")]
    if series is None:
        return claims, []
    claims += [Claim("n_series", str(series["series"]), "read"), Claim("n_samples", str(series["series"]), "inferred"), Claim("sample_unit", "series", "inferred"),
               Claim("bytes", str(series["bytes"]), "read"), Claim("modality cell", ", ".join(series["modalities"]), "read")]
    terms = [term for code in series["modalities"] for term in read_cell("modality", code, vocabulary)]
    return claims, terms


def _licences(series: dict[str, Any] | None) -> tuple[Claim, ...]:
    """The licence of all series, where it is one."""
    stated = series["licences"] if series else []
    return (Claim("licence", stated[0], "read"),) if len(stated) == 1 and stated[0] else ()

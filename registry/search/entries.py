"""Read the catalog for searching: one entry per dataset, with its names, facet terms and what its licences allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.registry.duckdb_file import open_duckdb
from isocenter.registry.licenses import Effective, effective
from isocenter.registry.lookup import all_statements
from isocenter.registry.vocabulary import Vocabulary, from_rows


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset as search sees it. `None` means that no source says."""

    slug: str
    name: str
    aliases: tuple[str, ...] = ()
    family: str | None = None
    year: int | None = None
    homepage: str | None = None
    organisation: str | None = None
    access: str | None = None
    n_samples: int | None = None
    sample_unit: str | None = None
    n_subjects: int | None = None
    labelled: bool | None = None
    note: str | None = None
    terms: Mapping[str, frozenset[str]] = field(default_factory=dict)      # stated term → the sources that state it
    labels: frozenset[str] = frozenset()                                   # terms of its label maps
    license: Effective = field(default_factory=lambda: effective("", ()))
    used: int = 0                      # papers, corpora, later publications and datasets made of it, together; good for an order only


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that a search reads; `fingerprint` changes with the facts."""

    entries: tuple[Entry, ...]
    vocabulary: Vocabulary
    fingerprint: str


USED = """
    SELECT slug, sum(n)::BIGINT FROM (
        SELECT slug, max(coalesce(n_cited, n_any, n_mentioned, 0)) AS n FROM citation GROUP BY slug
        UNION ALL SELECT slug, count(DISTINCT corpus_id) FROM corpus_member GROUP BY slug
        UNION ALL SELECT slug, count(DISTINCT artifact_id) FROM artifact_dataset GROUP BY slug
        UNION ALL SELECT object, count(DISTINCT subject) FROM relation GROUP BY object
    ) WHERE slug IS NOT NULL GROUP BY slug"""
COLUMNS = ("slug", "name", "family", "year", "homepage", "organisation", "access", "n_samples", "sample_unit", "n_subjects", "labelled", "note")


def read(path: Path) -> Catalog:
    """The searchable part of a catalog file. Raises NotFound when there is none, BadInput when it is no catalog of this version."""
    import duckdb

    with open_duckdb(path) as connection:
        try:
            return _read(connection)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise BadInput(f"not a catalog of this version ({error})", where=str(path), hint="isocenter catalog build") from error


def _read(connection: Any) -> Catalog:
    def rows(sql: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
        return found

    def named(sql: str) -> list[dict[str, Any]]:
        cursor = connection.execute(sql)
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row)) for row in cursor.fetchall()]

    aliases = _grouped(rows("SELECT slug, alias FROM dataset_alias ORDER BY slug, alias"))
    terms = _sources(rows("SELECT slug, term, source FROM dataset_term"))
    labels = _grouped(rows("SELECT DISTINCT m.slug, e.term FROM label_map m JOIN label_map_entry e USING (map_id) WHERE e.term <> ''"))
    used = dict(rows(USED))
    licenses = {slug: effective(slug, claims) for slug, claims in all_statements(named).items()}
    silent = effective("", ())
    entries = []
    for said in named(f"SELECT {', '.join(COLUMNS)} FROM dataset ORDER BY slug"):
        slug = said["slug"]
        others = tuple(alias for alias in aliases.get(slug, ()) if alias != said["name"])
        entries.append(Entry(**said, aliases=others, terms=terms.get(slug, {}), labels=frozenset(labels.get(slug, ())),
                             license=licenses.get(slug, silent), used=used.get(slug, 0)))
    return Catalog(tuple(entries), _vocabulary(named), dict(rows("SELECT item, value FROM catalog_info")).get("facts", ""))


def _vocabulary(named: Any) -> Vocabulary:
    return from_rows(named("SELECT term_id, facet, name, code_system, code FROM term"), named("SELECT term_id, synonym, scope FROM term_synonym"),
                     named("SELECT term_id, parent_id, relation FROM term_parent"))


def _sources(rows: list[tuple[Any, ...]]) -> dict[str, dict[str, frozenset[str]]]:
    """slug → term → the sources that state it."""
    found: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for slug, term, source in rows:
        found[slug].setdefault(term, set()).add(source)
    return {slug: {term: frozenset(sources) for term, sources in terms.items()} for slug, terms in found.items()}


def _grouped(pairs: list[tuple[Any, ...]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups

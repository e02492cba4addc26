"""Audit a built catalog: duplicates, contradictions, values outside the vocabulary, unit mixes, impossible pairs, links, licences, orphans."""

from __future__ import annotations

import re
from collections import defaultdict

from isocenter.registry.audit.defect import Defect, defect
from isocenter.registry.audit.impossible import contradictions
from isocenter.registry.audit.labels import displaced_labels
from isocenter.registry.license_parser import parse_license
from isocenter.registry.licenses import SILENT
from isocenter.registry.lookup import Query
from isocenter.registry.models import REFERENCES
from isocenter.registry.names import name_key
from isocenter.registry.vocabulary import Vocabulary, from_rows

HOSTS = ("tianchi", "heywhale", "opendatalab", "kaggle")     # sites that hand on other people's data


def audit_catalog(query: Query) -> list[Defect]:
    """Every kind of defect that the catalog still has, with its count."""
    vocabulary = from_rows(query("SELECT * FROM term"), query("SELECT * FROM term_synonym"), query("SELECT * FROM term_parent"))
    found = [*_identity(query), *_claims(query), *_terms(query), *_units(query), *_impossible(query, vocabulary), displaced_labels(query, vocabulary), *_links(query), *_licences(query), *_orphans(query)]
    return [one for one in found if one.count]


def _identity(query: Query) -> list[Defect]:
    datasets = query("SELECT slug, name, doi, family FROM dataset ORDER BY slug")
    keys: dict[str, list[str]] = defaultdict(list)
    dois: dict[str, list[str]] = defaultdict(list)
    for row in datasets:
        keys[name_key(row["name"])].append(row["slug"])
        if row["doi"]:
            dois[row["doi"]].append(row["slug"])
    linked = {frozenset((row["subject"], row["object"])) for row in query("SELECT subject, object FROM relation")}
    families = {row["slug"]: row["family"] for row in datasets}
    apart = [f"{doi}: {', '.join(slugs)}" for doi, slugs in sorted(dois.items())
             if len(slugs) > 1 and not all(_related(slugs[0], other, linked, families) for other in slugs[1:])]
    ambiguous = query("SELECT alias, count(*) AS n FROM dataset_alias WHERE ambiguous GROUP BY alias ORDER BY alias")
    unnoticed = query("SELECT lower(alias) AS alias, count(DISTINCT slug) AS n FROM dataset_alias WHERE NOT ambiguous GROUP BY 1 HAVING count(DISTINCT slug) > 1 ORDER BY 1")
    return [
        defect("duplicate", "datasets whose names agree", (", ".join(slugs) for slugs in keys.values() if len(slugs) > 1)),
        defect("duplicate", "datasets that share a DOI and are not related", apart),
        defect("duplicate", "names that several datasets claim without being marked ambiguous", (row["alias"] for row in unnoticed)),
        defect("ambiguous", "names that do not resolve without more context", (row["alias"] for row in ambiguous)),
    ]


def _related(one: str, other: str, linked: set[frozenset[str]], families: dict[str, str | None]) -> bool:
    return frozenset((one, other)) in linked or (families[one] is not None and families[one] == families[other])


def _claims(query: Query) -> list[Defect]:
    fields = query("SELECT field, count(*) AS n FROM conflict GROUP BY field ORDER BY field")
    doubted = query("SELECT slug, field, value FROM assertion WHERE doubt IS NOT NULL ORDER BY slug, field, value")
    said = "SELECT slug FROM assertion WHERE field = 'labelled' AND value = 'false' AND doubt IS NULL AND slug IN (SELECT slug FROM dataset_term WHERE facet = 'task') ORDER BY slug"
    return [
        *(defect("contradiction", f"{row['field']}: sources disagree", (), row["n"]) for row in fields),
        defect("doubt", "claims that are not believed", (f"{row['slug']} {row['field']} {row['value']!r}" for row in doubted)),
        defect("contradiction", "a source says unlabelled, yet a task is stated", sorted({row["slug"] for row in query(said)})),
    ]


def _terms(query: Query) -> list[Defect]:
    outside = query("SELECT DISTINCT d.term FROM dataset_term d LEFT JOIN term t ON t.term_id = d.term WHERE t.term_id IS NULL ORDER BY d.term")
    without = {facet: query(f"SELECT slug FROM dataset WHERE slug NOT IN (SELECT slug FROM dataset_term WHERE facet = '{facet}') ORDER BY slug")
               for facet in ("modality", "anatomy", "task")}
    open_reg = query("SELECT DISTINCT slug FROM assertion WHERE field = 'task cell' AND doubt IS NULL ORDER BY slug")
    cells = query("SELECT slug, value FROM assertion WHERE field = 'task cell' ORDER BY slug, value")
    decided = {row["slug"] for row in query("SELECT slug FROM dataset_term WHERE term IN ('registration', 'regression')")}
    reg = sorted({row["slug"] for row in cells if re.search(r"\breg\b", row["value"], re.IGNORECASE)} - decided & {row["slug"] for row in open_reg})
    return [
        defect("vocabulary", "terms that the vocabulary does not have", (row["term"] for row in outside)),
        *(defect("missing", f"datasets without {facet}", (row["slug"] for row in rows)) for facet, rows in without.items()),
        defect("ambiguous", 'task "Reg" that no evidence decides', reg),
    ]


def _units(query: Query) -> list[Defect]:
    mixed = query("SELECT slug, string_agg(DISTINCT value, ', ' ORDER BY value) AS units FROM assertion WHERE field = 'sample_unit' AND doubt IS NULL AND confidence <> 'inferred' "
                  "GROUP BY slug HAVING count(DISTINCT value) > 1 ORDER BY slug")
    bare = query("SELECT slug FROM dataset WHERE n_samples IS NOT NULL AND sample_unit IS NULL ORDER BY slug")
    return [
        defect("unit", "sources count in different units", (f"{row['slug']}: {row['units']}" for row in mixed)),
        defect("unit", "a number of samples without a unit", (row["slug"] for row in bare)),
        defect("missing", "datasets without a number of samples", (row["slug"] for row in query("SELECT slug FROM dataset WHERE n_samples IS NULL ORDER BY slug"))),
    ]


def _impossible(query: Query, vocabulary: Vocabulary) -> list[Defect]:
    names = {row["slug"]: row["name"] for row in query("SELECT slug, name FROM dataset")}
    cells: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in query("SELECT slug, source, facet, term FROM dataset_term WHERE facet IN ('modality', 'anatomy', 'finding') ORDER BY slug, source, facet, term"):
        cells[row["slug"], row["source"]][row["facet"]].append(row["term"])
    found = [f"{slug} [{source}]: {one}" for (slug, source), row in cells.items() for one in contradictions(row, names.get(slug, slug), vocabulary)]
    return [defect("impossible", "a finding or structure that the rest of a source's claims rules out", found)]


def _links(query: Query) -> list[Defect]:
    rows = query("SELECT slug, homepage, doi FROM dataset ORDER BY slug")
    dead = query("SELECT DISTINCT about, type FROM artifact_dataset WHERE type IN ('unavailable', 'withdrawal') ORDER BY about, type")
    shared: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["homepage"]:
            shared[row["homepage"].rstrip("/")].append(row["slug"])
    return [
        defect("link", "no homepage and no DOI", (row["slug"] for row in rows if not row["homepage"] and not row["doi"])),
        defect("link", "homepage is no address", (f"{row['slug']}: {row['homepage']}" for row in rows if row["homepage"] and not re.match(r"https?://\S+\.\S+$", row["homepage"]))),
        defect("link", "homepages shared by several datasets", (f"{len(slugs)}× {address}" for address, slugs in sorted(shared.items(), key=lambda item: -len(item[1])) if len(slugs) > 1)),
        defect("link", "copies on sites that hand on other people's data", (row["slug"] for row in rows if any(host in (row["homepage"] or "") for host in HOSTS))),
        defect("link", "reported as unavailable", (row["about"] for row in dead if row["type"] == "unavailable")),
        defect("link", "reported as withdrawn, in whole or in part", (row["about"] for row in dead if row["type"] == "withdrawal")),
        defect("access", "access unknown", (row["slug"] for row in query("SELECT slug FROM dataset WHERE access = 'unknown' ORDER BY slug"))),
    ]


def _licences(query: Query) -> list[Defect]:
    strings = query("SELECT value, count(DISTINCT slug) AS n FROM assertion WHERE field = 'licence string' GROUP BY value ORDER BY n DESC, value")
    without = query("SELECT slug FROM dataset WHERE slug NOT IN (SELECT slug FROM license_statement) ORDER BY slug")
    return [
        defect("licence", "strings that are no licence", (f"{row['n']}× {row['value']}" for row in strings if parse_license(row["value"]).id in SILENT)),
        defect("licence", "datasets without any statement", (row["slug"] for row in without)),
    ]


def _orphans(query: Query) -> list[Defect]:
    """Rows that point at nothing: what foreign keys refuse on PostgreSQL."""
    found = []
    for table, column, target, key in REFERENCES:
        rows = query(f"SELECT DISTINCT {column} AS value FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {target}) ORDER BY 1")
        found.append(defect("orphan", f"{table}.{column} without a row in {target}", (row["value"] for row in rows)))
    return found

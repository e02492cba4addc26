"""Everything the catalog knows about one dataset or corpus, by slug, name or alias: one JSON-like object."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from isocenter.core.errors import Conflict, NotFound
from isocenter.registry.licenses import PERMISSIONS, allows, effective, in_words, title
from isocenter.registry.lookup import Query, Row, read_statements
from isocenter.registry.names import name_key
from isocenter.registry.resolve import Names

FRAGMENTS = ("extra", "example", "demo", "evaluation", "downstream", "zero-shot")      # roles that are not among the members a corpus states
Entry = dict[str, Any]


def read_names(query: Query) -> Names:
    """Every name of every dataset in this catalog."""
    datasets = [(row["slug"], row["name"]) for row in query("SELECT slug, name FROM dataset")]
    return Names.of(datasets, [(row["alias"], row["slug"], row["ambiguous"]) for row in query("SELECT alias, slug, ambiguous FROM dataset_alias")])


def find_slug(text: str, names: Names) -> str:
    """The slug that a text means. Raises Conflict when the name is ambiguous, NotFound with close names."""
    match = names.find(text)
    if match.slug is not None:
        return match.slug
    if match.candidates:
        raise Conflict(f"{text!r} is an ambiguous name", where=", ".join(match.candidates), hint=f"isocenter search {shlex.quote(text)}")
    raise no_dataset(text, names.close(text))


def no_dataset(text: str, close: Sequence[str], what: str = "dataset") -> NotFound:
    """The refusal of an unknown name: what is spelled nearly so, or else a search for its words."""
    if not close:
        return NotFound(f"no {what} {text!r} in the catalog", hint=f"isocenter search {shlex.quote(text)}")
    return NotFound(f"no {what} {text!r} in the catalog; did you mean {' or '.join(close[:3])}?", hint=f"isocenter show {close[0]}")


def show(text: str, query: Query) -> Entry:
    """A dataset entry (`kind` "dataset") or a corpus entry (`kind` "corpus"). Raises as `find_slug`."""
    names = read_names(query)
    match = names.find(text)
    corpora = {name_key(name): row["corpus_id"] for row in query("SELECT corpus_id, name FROM corpus") for name in (row["corpus_id"], row["name"])}
    if match.slug is None and not match.candidates and (corpus := corpora.get(name_key(text))):
        return corpus_entry(corpus, query)
    slug = find_slug(text, names)
    entry = dataset_entry(slug, query)
    entry["also_called_so"] = list(names.also(slug))
    if corpus := corpora.get(name_key(slug)):
        entry["corpus"] = corpus
    return entry


def dataset_entry(slug: str, query: Query) -> Entry:
    """The row of `dataset` with aliases, terms, licences, artifacts, relations, citations, corpora, claims, conflicts and sources."""
    where = f"slug = {quoted(slug)}"
    dataset = query(f"SELECT * FROM dataset WHERE {where}")[0]
    claims = query(f"SELECT field, value, source, evidence, confidence, doubt, chosen FROM assertion WHERE {where} ORDER BY field, value, source")
    used = {claim["source"] for claim in claims}
    return {
        "kind": "dataset", **dataset,
        "aliases": [row["alias"] for row in query(f"SELECT alias FROM dataset_alias WHERE {where} AND NOT ambiguous ORDER BY alias") if row["alias"] != dataset["name"]],
        "ambiguous_aliases": [row["alias"] for row in query(f"SELECT alias FROM dataset_alias WHERE {where} AND ambiguous ORDER BY alias")],
        "terms": _terms(slug, query), "licence": licence_entry(slug, query),
        "artifacts": query(f"SELECT a.artifact_id, d.type, d.finding, d.scope, d.release, d.fixed_in, a.title, a.year, a.url, d.confidence, d.evidence_kind, d.evidence "
                           f"FROM artifact_dataset d JOIN artifact a USING (artifact_id) WHERE d.{where} ORDER BY d.type, a.year, a.artifact_id, d.finding"),
        "sample_issues": query(f"SELECT code, artifact_id, count(*) AS samples, string_agg(sample, ', ' ORDER BY sample) AS names FROM sample_issue WHERE {where} GROUP BY code, artifact_id ORDER BY code, artifact_id"),
        "relations": _relations(slug, query),
        "citations": _citations(query(f"SELECT * FROM citation WHERE {where} ORDER BY method, venue, period")),
        "corpora": [row["corpus_id"] for row in query(f"SELECT DISTINCT corpus_id FROM corpus_member WHERE {where} ORDER BY corpus_id")],
        "conflicts": query(f"SELECT field, claims FROM conflict WHERE {where} ORDER BY field"),
        "claims": claims,
        "sources": [row for row in query("SELECT source_id, name, url FROM source ORDER BY source_id") if row["source_id"] in used],
    }


def licence_entry(slug: str, query: Query) -> Entry:
    """What counts (the strictest of every flag), every statement, and what each use is allowed."""
    statements = read_statements(query, slug)
    found = effective(slug, statements)
    return {
        "id": found.license().id, "title": title(found), "flags": dict(found.flags), "conflict": found.conflict,
        "contested": {flag: {value: list(ids) for value, ids in said.items()} for flag, said in found.contested.items()},
        "allows": {what: allows(found, what) for what in PERMISSIONS}, "in_words": {what: in_words(found, what) for what in PERMISSIONS},
        "second_hand": found.second_hand,
        "statements": [{"statement": one.text, "license_id": one.license.id, "release": one.release, "source": one.source, "confidence": one.confidence} for one in statements],
    }


def corpus_entry(corpus: str, query: Query) -> Entry:
    """A corpus with its members. What it states and nobody could name is counted as missing, never invented."""
    row = query(f"SELECT * FROM corpus WHERE corpus_id = {quoted(corpus)}")[0]
    members = query(f"SELECT m.*, d.name AS dataset, d.access FROM corpus_member m LEFT JOIN dataset d USING (slug) WHERE corpus_id = {quoted(corpus)} ORDER BY role, member, subset")
    real = [member for member in members if member["role"] not in FRAGMENTS]
    return {"kind": "corpus", **row, "members": members, "named": len(real), "unidentified": sum(member["slug"] is None for member in real),
            "missing": max(0, (row["n_stated"] or 0) - len(real))}


def quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _terms(slug: str, query: Query) -> dict[str, list[Entry]]:
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for row in query("SELECT d.facet, d.term, t.name, t.code_system, t.code, d.source FROM dataset_term d LEFT JOIN term t ON t.term_id = d.term "
                     f"WHERE d.slug = {quoted(slug)} ORDER BY d.facet, d.term, d.source"):
        term = found[row["facet"]].setdefault(row["term"], {"term": row["term"], "name": row["name"], "code": None, "sources": []})
        term["code"] = f"{row['code_system']}:{row['code']}" if row["code"] else None
        term["sources"].append(row["source"])
    return {facet: list(terms.values()) for facet, terms in found.items()}


def _citations(rows: Sequence[Row]) -> list[Entry]:
    """Papers by counting method and venue: the row of the longest span of years, which holds those of its single years."""
    whole: dict[tuple[str, str], Row] = {}
    for row in rows:
        kept = whole.get((row["method"], row["venue"]))
        if kept is None or len(row["period"]) > len(kept["period"]):
            whole[row["method"], row["venue"]] = row
    return [{"method": method, "venue": venue, "period": row["period"], "cited": row["n_cited"], "mentioned": row["n_mentioned"], "either": row["n_any"]}
            for (method, venue), row in whole.items()]


def _relations(slug: str, query: Query) -> list[Entry]:
    return query(f"""
        SELECT r.predicate, 'to' AS direction, r.object AS slug, d.name, r.detail, r.source, r.confidence, r.evidence
        FROM relation r JOIN dataset d ON d.slug = r.object WHERE r.subject = {quoted(slug)}
        UNION ALL
        SELECT r.predicate, 'from', r.subject, d.name, r.detail, r.source, r.confidence, r.evidence
        FROM relation r JOIN dataset d ON d.slug = r.subject WHERE r.object = {quoted(slug)}
        ORDER BY 1, 2, 3""")

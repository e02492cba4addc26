"""What a plan reads of the catalog, once: candidates with their facets, claims about licences, label maps, artifacts, relations, corpora."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from isocenter.registry.entry import read_names
from isocenter.registry.licenses import Effective, Statement, effective
from isocenter.registry.lookup import Query, Row, access_by_rules, all_statements
from isocenter.registry.resolve import Names
from isocenter.registry.vocabulary import Vocabulary, from_rows

QUALITY = ("high", "medium", "low")


@dataclass(frozen=True)
class Snapshot:
    """Rows of one catalog, grouped by dataset."""

    datasets: Mapping[str, Row]
    facets: Mapping[str, Mapping[str, frozenset[str]]]          # slug -> facet -> terms
    statements: Mapping[str, Sequence[Statement]]
    names: Names
    artifacts: Mapping[str, Sequence[Row]]
    relations: Sequence[Row]
    label_maps: Mapping[str, Sequence[Row]]
    label_entries: Mapping[str, Sequence[Row]]
    access_rules: Sequence[Row]
    corpora: Mapping[str, Row]
    corpus_members: Mapping[str, Sequence[Row]]
    quality: Mapping[str, str]
    vocabulary: Vocabulary
    _effective: dict[str, Effective] = field(default_factory=dict)

    def licence(self, slug: str) -> Effective:
        """What counts for a dataset, over all releases."""
        if slug not in self._effective:
            self._effective[slug] = effective(slug, self.statements.get(slug, ()))
        return self._effective[slug]

    def terms(self, slug: str, facet: str) -> frozenset[str]:
        return self.facets.get(slug, {}).get(facet, frozenset())

    @cached_property
    def bytes_per_sample(self) -> Mapping[str, float]:
        """Median bytes of one sample by unit, over the datasets that state both; used only for estimates that say so."""
        ratios: dict[str, list[float]] = defaultdict(list)
        for row in self.datasets.values():
            if row["bytes"] and row["n_samples"] and row["sample_unit"]:
                ratios[row["sample_unit"]].append(row["bytes"] / row["n_samples"])
        return {unit: sorted(values)[len(values) // 2] for unit, values in ratios.items() if len(values) >= 3}

    def how_to_get(self, slug: str) -> tuple[str, str]:
        """(access, steps) of a dataset, from its own row or the rule of its host."""
        return access_by_rules(self.datasets[slug], self.access_rules)


def take(query: Query) -> Snapshot:
    """Read everything that plans need; about a tenth of a second for the shipped catalog."""
    facets: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in query("SELECT DISTINCT slug, facet, term FROM dataset_term"):
        facets[row["slug"]][row["facet"]].add(row["term"])
    datasets = {row["slug"]: row for row in query("SELECT * FROM dataset ORDER BY slug")}
    return Snapshot(
        datasets, {slug: {facet: frozenset(terms) for facet, terms in found.items()} for slug, found in facets.items()},
        all_statements(query), read_names(query),
        _group(query("SELECT d.*, a.title, a.year, a.url FROM artifact_dataset d JOIN artifact a USING (artifact_id) ORDER BY slug, artifact_id"), "slug"),
        query("SELECT * FROM relation ORDER BY subject, predicate, object"),
        _group(query("SELECT * FROM label_map ORDER BY map_id"), "slug"), _group(query("SELECT * FROM label_map_entry ORDER BY map_id, raw_value"), "map_id"),
        query("SELECT * FROM access_rule ORDER BY pattern"), {row["corpus_id"]: row for row in query("SELECT * FROM corpus ORDER BY corpus_id")},
        _group(query("SELECT * FROM corpus_member ORDER BY corpus_id, member, subset"), "corpus_id"),
        _quality(query("SELECT slug, value FROM assertion WHERE field = 'quality' AND doubt IS NULL")),
        from_rows(query("SELECT * FROM term ORDER BY term_id"), query("SELECT * FROM term_synonym ORDER BY term_id, synonym"),
                  query("SELECT * FROM term_parent ORDER BY term_id, parent_id")),
    )


def _quality(rows: Sequence[Row]) -> dict[str, str]:
    """The lowest quality that some source states, by dataset."""
    found: dict[str, str] = {}
    for row in rows:
        if row["value"] in QUALITY:
            found[row["slug"]] = max(row["value"], found.get(row["slug"], QUALITY[0]), key=QUALITY.index)
    return found


def _group(rows: Sequence[dict[str, Any]], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[key]].append(row)
    return found

"""The shipped catalog answers judged queries as researchers judged them, and quickly."""

from __future__ import annotations

import csv
import json
import os
import re
import statistics
import time
from pathlib import Path

import pytest

from isocenter.registry.catalog import packaged
from isocenter.registry.search.engine import Engine, make_engine
from isocenter.registry.search.entries import read

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("ISOCENTER_SHARED") or ROOT.parent / "shared") / "facts"
TOP = 10


@pytest.fixture(scope="module")
def engine() -> Engine:
    return make_engine(read(packaged()))


def figures(ranked: list[list[bool]], relevant: list[int]) -> tuple[float, float, float]:
    """Recall@10 (capped at 10), mean reciprocal rank, precision@10."""
    recall = statistics.mean(sum(found[:TOP]) / min(TOP, number) for found, number in zip(ranked, relevant))
    first = statistics.mean(next((1 / rank for rank, good in enumerate(found, 1) if good), 0.0) for found in ranked)
    return recall, first, statistics.mean(sum(found[:TOP]) / TOP for found in ranked)


def test_our_own_judged_queries_are_answered(engine):
    with (ROOT / "benchmarks/search_queries.csv").open(encoding="utf-8", newline="") as stream:
        queries = list(csv.DictReader(stream))
    assert len(queries) >= 60
    relevant = [set(row["relevant"].split()) for row in queries]
    ranked = [[hit.entry.slug in wanted for hit in engine.search(row["query"], limit=TOP).hits] for row, wanted in zip(queries, relevant)]
    recall, first, _ = figures(ranked, [len(wanted) for wanted in relevant])
    assert recall >= 0.90
    assert first >= 0.95


def test_the_slugs_of_the_judged_queries_exist(engine):
    known = {entry.slug for entry in engine.catalog.entries}
    with (ROOT / "benchmarks/search_queries.csv").open(encoding="utf-8", newline="") as stream:
        assert not {slug for row in csv.DictReader(stream) for slug in row["relevant"].split()} - known


@pytest.mark.skipif(not (SHARED / "search_queries_dev.csv").exists(), reason="the judged queries of the peer's table are not here")
def test_queries_judged_on_the_peers_table_reach_the_figures(engine):
    def key(name: str) -> str:
        return re.sub(r"[^a-z0-9]", "", name.lower())

    judged_on = {key(row["name"]) for row in json.loads((SHARED / "upstream/imagingx_datasets.json").read_text(encoding="utf-8"))}
    ranked, relevant = [], []
    for row in csv.DictReader((SHARED / "search_queries_dev.csv").read_text(encoding="utf-8").splitlines()):
        wanted, marginal = ({key(name) for name in row[column].split("|") if name} for column in ("relevant_names", "marginal_names"))
        names = [{key(name) for name in (hit.entry.name, *hit.entry.aliases)} for hit in engine.search(row["query"], limit=60).hits]
        ranked.append([bool(found & wanted) for found in names if found & judged_on and (found & wanted or not found & marginal)])
        relevant.append(len(wanted))
    recall, first, precision = figures(ranked, relevant)
    assert (recall, first, precision) >= (0.92, 0.0, 0.0)
    assert first >= 0.95
    assert precision >= 0.55


@pytest.mark.parametrize(("query", "slugs"), [
    ("BraTS2021", {"brats-2021"}), ("KiTS 2019", {"kits19"}), ("TotalSegmentater", {"totalsegmentator"}), ("mimic cxr", {"mimic-cxr"}), ("LIDC", {"lidc-idri"}),
    ("hepatic", {"lits", "msd03-liver"}), ("localization", {"rsna-intracranial-hemorrhage-detection"}), ("mammography", {"vindr-mammo", "cmmd", "mias-mammography"}),
])
def test_what_a_researcher_expects_is_among_the_hits(engine, query, slugs):
    assert slugs <= {hit.entry.slug for hit in engine.search(query, limit=200).hits}


def test_a_query_takes_milliseconds(engine):
    spent = []
    for query in ("liver ct segmentation", "mammography", "brain mri glioma", "BraTS2021", "open access retina", "lung nodule detection") * 3:
        start = time.perf_counter()
        engine.search(query)
        spent.append(time.perf_counter() - start)
    assert statistics.median(spent) < 0.05          # ten times the figure: a busy machine is no failure


def test_reviewed_facts_name_datasets_and_terms_that_exist(engine):
    known = {entry.slug for entry in engine.catalog.entries}
    facts = ROOT / "registry/facts"
    with (facts / "dataset_term-reviewed.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert not {row["slug"] for row in rows} - known
    assert all(engine.catalog.vocabulary.terms[row["term"]].facet == row["facet"] for row in rows)
    with (facts / "dataset_alias-reviewed.csv").open(encoding="utf-8", newline="") as stream:
        assert not {row["slug"] for row in csv.DictReader(stream)} - known

"""What the shipped facts promise: every dataset once, every name an alias, ambiguous names left ambiguous, wrong cells not believed."""

from __future__ import annotations

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from isocenter.core.errors import Conflict, NotFound
from isocenter.registry.catalog import HERE, catalog_query
from isocenter.registry.entry import find_slug, read_names, show
from isocenter.registry.lookup import Query
from isocenter.registry.models import REFERENCES
from isocenter.registry.names import clean_name, name_key
from isocenter.registry.related import related
from isocenter.registry.resolve import Names

SHARED = Path(os.environ.get("ISOCENTER_SHARED", HERE.parent.parent / "shared")) / "facts"
needs_survey = pytest.mark.skipif(not SHARED.exists(), reason="the surveys' tables are not here (ISOCENTER_SHARED)")
MERGED = {"APTOS 2019", "APTOS2019", "National Lung Screening Trial", "PCam"}      # two rows of the surveys that are one dataset here


@pytest.fixture(scope="module")
def query() -> Iterator[Query]:
    with catalog_query() as run:
        yield run


@pytest.fixture(scope="module")
def names(query: Query) -> Names:
    return read_names(query)


def survey(name: str) -> list[dict[str, str]]:
    with (SHARED / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_there_are_at_least_1200_datasets(query: Query) -> None:
    assert query("SELECT count(*) AS n FROM dataset")[0]["n"] >= 1200


def test_no_two_datasets_share_a_name(query: Query) -> None:
    keys: dict[str, list[str]] = defaultdict(list)
    for row in query("SELECT slug, name FROM dataset"):
        keys[name_key(row["name"])].append(row["slug"])
    assert [slugs for slugs in keys.values() if len(slugs) > 1] == []


def test_no_unambiguous_alias_belongs_to_two_datasets(query: Query) -> None:
    keys: dict[str, set[str]] = defaultdict(set)
    for row in query("SELECT alias, slug FROM dataset_alias WHERE NOT ambiguous"):
        keys[name_key(row["alias"])].add(row["slug"])
    assert {key: slugs for key, slugs in keys.items() if len(slugs) > 1} == {}


def test_datasets_of_one_doi_are_related(query: Query) -> None:
    dois: dict[str, list[str]] = defaultdict(list)
    for row in query("SELECT slug, doi FROM dataset WHERE doi IS NOT NULL ORDER BY slug"):
        dois[row["doi"]].append(row["slug"])
    for doi, slugs in dois.items():
        for other in slugs[1:]:
            assert other in {one.slug for one in related(slugs[0], query, depth=2)}, (doi, slugs)


@pytest.mark.parametrize(("table", "column", "target", "key"), REFERENCES, ids=lambda value: str(value))
def test_no_row_points_at_nothing(table: str, column: str, target: str, key: str, query: Query) -> None:
    orphans = query(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {target})")
    assert orphans == []


def test_editions_are_related_and_not_merged(query: Query, names: Names) -> None:
    editions = [find_slug(f"BraTS {year}", names) for year in range(2012, 2025)]
    assert len(set(editions)) == 13
    for earlier, later in pairwise(editions):
        assert later in {one.slug for one in related(earlier, query, depth=1)}


def test_a_slug_means_its_dataset_although_its_name_is_ambiguous(query: Query) -> None:
    entry = show("kvasir", query)
    assert entry["slug"] == "kvasir"
    assert entry["also_called_so"] == ["kvasir-seg"]


@pytest.mark.parametrize(("spelling", "slug"), [("BraTS2021", "brats-2021"), ("brats 2021", "brats-2021"), ("lits", "lits"), ("M&Ms-2", "m-and-ms-2"), ("Kavsir", "kvasir"),
                                                ("Fizpatrick 17k", "fitzpatrick17k"), ("NLST", "national-lung-screening-trial-nlst")])
def test_spellings_find_their_dataset(spelling: str, slug: str, names: Names) -> None:
    assert find_slug(spelling, names) == slug


@needs_survey
def test_every_name_of_the_survey_table_is_a_name_here(names: Names) -> None:
    rows = json.loads((SHARED / "upstream" / "imagingx_datasets.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows if names.find(clean_name(row["name"])).slug is None] == []


@needs_survey
def test_every_name_of_the_portal_table_is_a_name_here(names: Names) -> None:
    rows = json.loads((SHARED / "upstream" / "imagingx_portal_cleaned_total.json").read_text(encoding="utf-8"))["rows"]
    assert [row["name"] for row in rows if names.find(row["name"]).slug is None] == []


@needs_survey
def test_ambiguous_aliases_never_resolve_silently(names: Names) -> None:
    for row in survey("licences/aliases.csv"):
        if row["ambiguous"] == "yes" and row["alias"] not in MERGED and row["alias"] not in names.slugs:
            with pytest.raises((Conflict, NotFound)):
                find_slug(row["alias"], names)


@needs_survey
def test_aliases_of_the_survey_resolve_to_their_dataset(names: Names) -> None:
    wrong = [row["alias"] for row in survey("licences/aliases.csv")
             if row["ambiguous"] != "yes" and (match := names.find(row["alias"])).slug != names.find(row["canonical"]).slug and match.slug is not None]
    assert wrong == ["FDG-PET-CT-Lesions"]          # the collection that AutoPET is derived from: a dataset of its own, and related


@needs_survey
def test_wrong_cells_are_kept_as_claims_and_not_believed(query: Query, names: Names) -> None:
    fields = {"diseases": "finding cell", "structure": "anatomy cell"}
    doubted = {(row["slug"], row["field"], row["value"]) for row in query("SELECT slug, field, value FROM assertion WHERE source = 'imaging-x' AND doubt IS NOT NULL")}
    repeated = {(row["slug"], row["field"], row["value"]) for row in query("SELECT slug, field, value FROM assertion WHERE source = 'imaging-x' AND doubt IS NULL")}
    for row in survey("licences/wrong_cells.csv"):
        if row["field"] in fields and row["wrong_value"]:
            claim = (names.find(clean_name(row["name"])).slug, fields[row["field"]], row["wrong_value"])
            assert claim in doubted or claim in repeated, row        # repeated: another row of the merged dataset says it rightly


def test_the_wrong_cell_of_isic19_does_not_make_it_a_set_of_cells(query: Query) -> None:
    terms = {row["term"] for row in query("SELECT term FROM dataset_term WHERE slug = 'isic19'")}
    assert "cell" not in terms
    assert "skin lesion" in terms


def test_reg_is_decided_by_evidence_or_left_open(query: Query) -> None:
    def tasks(slug: str) -> set[str]:
        return {row["term"] for row in query(f"SELECT term FROM dataset_term WHERE slug = '{slug}' AND facet = 'task'")}

    assert "registration" in tasks("learn2reg-lung-ct")
    assert "regression" in tasks("aasce")
    assert not {"registration", "regression"} & tasks("phantom-fda")


@needs_survey
def test_every_relation_artifact_and_member_of_the_surveys_is_kept(query: Query) -> None:
    assert query("SELECT count(*) AS n FROM artifact_dataset")[0]["n"] == len(survey("findings/artifacts.csv"))
    assert query("SELECT count(*) AS n FROM citation")[0]["n"] == len(survey("findings/citations.csv"))
    members = [row for name in ("corpus_members", "corpora_extra") for row in survey(f"corpora/{name}.csv") if row["role"] != "count only"]
    assert query("SELECT count(*) AS n FROM corpus_member")[0]["n"] == len(members)

"""A rule over the catalog: every field is honoured, every exclusion names its rule, nothing is invented."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

import isocenter.registry
from isocenter.core.errors import NotFound
from isocenter.registry.build import build, write_facts
from isocenter.registry.fusion import plan_corpus, plan_names, plan_rule
from isocenter.registry.fusion.render import show
from isocenter.registry.fusion.rule import parse_rule

SHIPPED = Path(next(iter(isocenter.registry.__path__))) / "facts"
GB = 10**9
DATASETS = [  # slug, year, organisation, samples, unit, bytes, labelled, modality, task, anatomy, dimension, licence
    ("alpha", 2019, "A", 1000, "image", 4 * GB, True, "ct", "segmentation", "liver", "2d", "CC BY 4.0"),
    ("beta", 2021, "B", 500, "image", 3 * GB, False, "ct", "classification", "lung", "2d", "CC BY-SA 4.0"),
    ("gamma", 2021, "C", 200, "volume", 20 * GB, True, "diffusion mr", "segmentation", "brain", "3d", "CC BY-NC-SA 4.0"),
    ("delta", None, None, None, None, None, None, "fundus photography", "classification", "retina", "2d", "tcia"),
    ("echo", 2015, "A", 50, "image", GB, True, "ct", "segmentation", "liver", "2d", "CC BY 4.0"),
    ("gone", 2018, "D", 900, "image", GB, True, "ct", "segmentation", "liver", "2d", "CC BY 4.0"),
]
CLAIMS = ("year", "organisation", "n_samples", "sample_unit", "bytes", "labelled")


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    folder = tmp_path_factory.mktemp("facts")
    for table in ("term", "term_synonym", "term_parent", "license", "source"):
        shutil.copy(SHIPPED / f"{table}.csv", folder)
    for table, rows in tables().items():
        write_facts(table, rows, folder / f"{table}.csv")
    build([folder], folder / "catalog.duckdb")
    connection = duckdb.connect(str(folder / "catalog.duckdb"), read_only=True)

    def run(sql: str) -> list[dict[str, Any]]:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]

    yield run
    connection.close()


def tables() -> dict[str, list[dict[str, Any]]]:
    from isocenter.registry.license_parser import parse_license

    facets = ("modality", "task", "anatomy", "dimension")
    return {
        "dataset": [{"slug": row[0], "name": row[0].title()} for row in DATASETS],
        "assertion": [{"slug": row[0], "field": field, "value": str(value).lower() if isinstance(value, bool) else str(value), "source": "isocenter",
                       "confidence": "read", "chosen": False} for row in DATASETS for field, value in zip(CLAIMS, row[1:7]) if value is not None]
        + [{"slug": slug, "field": "quality", "value": value, "source": source, "confidence": "read", "chosen": False}
           for slug, value, source in (("alpha", "low", "isocenter"), ("alpha", "high", "other"), ("beta", "high", "isocenter"))]
        + [{"slug": "delta", "field": "homepage", "value": "https://zenodo.org/records/1", "source": "isocenter", "confidence": "read", "chosen": False}],
        "dataset_term": [{"slug": row[0], "facet": facet, "term": term, "source": "isocenter"} for row in DATASETS for facet, term in zip(facets, row[7:11])],
        "license_statement": [{"slug": row[0], "release": "", "statement": row[11], "source": "isocenter", "evidence": "page", "license_id": parse_license(row[11]).id,
                               "confidence": "read"} for row in DATASETS],
        "artifact": [{"artifact_id": "a1", "title": "Recount", "url": "10.1/x"}, {"artifact_id": "a2", "title": "Notice"}],
        "artifact_dataset": [
            {"artifact_id": "a1", "slug": "alpha", "type": "duplicate-report", "finding": "21 % appear twice", "scope": "dataset", "release": "1", "fixed_in": "2"},
            {"artifact_id": "a2", "slug": "gone", "type": "withdrawal", "finding": "withdrawn by its authors", "scope": "dataset"}],
        "relation": [{"subject": "beta", "predicate": "derived-from", "object": "alpha", "source": "isocenter", "detail": "same scans"}],
        "label_map": [{"map_id": "alpha", "slug": "alpha", "encoding": "as published"}, {"map_id": "alpha-v2", "slug": "alpha", "release": "2"},
                      {"map_id": "gamma", "slug": "gamma", "encoding": "as published"}],
        "label_map_entry": [
            {"map_id": "alpha", "raw_value": "1", "raw_name": "liver", "term": "liver", "rule": "identity"},
            {"map_id": "alpha-v2", "raw_value": "1", "raw_name": "spleen", "term": "spleen", "rule": "identity"},
            {"map_id": "gamma", "raw_value": "1", "raw_name": "liver", "term": "liver", "rule": "identity"}],
        "corpus": [{"corpus_id": "atlas", "name": "Atlas", "n_stated": 5}],
        "corpus_member": [
            {"corpus_id": "atlas", "member": "ALPHA", "subset": "ct", "role": "member", "slug": "alpha", "modality": "CT", "n_samples": 300, "sample_unit": "scan"},
            {"corpus_id": "atlas", "member": "ALPHA", "subset": "mr", "role": "member", "slug": "alpha", "modality": "MRI", "n_samples": 60, "sample_unit": "scan"},
            {"corpus_id": "atlas", "member": "Private", "subset": "", "role": "member", "slug": None},
            {"corpus_id": "atlas", "member": "Beta", "subset": "", "role": "example", "slug": "beta"}],
        "access_rule": [{"pattern": "zenodo.org", "access": "open", "steps": "download the files listed on the record"}],
    }


def plan(query, **rule):
    return plan_rule(parse_rule(rule), query)


def members(found) -> list[str]:
    return [member.slug for member in found.members]


def out(found) -> dict[str, tuple[str, str]]:
    return {one.slug: (one.rule, one.why) for one in found.excluded}


def test_a_word_of_the_rule_means_its_synonyms_and_everything_below_it(query):
    assert members(plan(query, modalities=["MRI", "Fundus"])) == ["gamma", "delta"]
    assert "alpha" in members(plan(query, anatomy_whitelist=["Abdomen"]))


def test_every_dataset_that_stays_out_names_the_rule_and_the_value(query):
    found = out(plan(query, dimension="2D", modalities=["CT"], min_valid_image_n_per_dataset=100, release_date_min="2018-05"))
    assert found == {
        "gamma": ("dimension", "3d"), "delta": ("modalities", "fundus photography"), "echo": ("min_valid_image_n_per_dataset", "50 images"),
        "gone": ("withdrawn", "withdrawn by its authors"),
    }


def test_an_unknown_count_is_said_to_be_unknown_not_zero(query):
    assert out(plan(query, min_valid_image_n_per_dataset=1))["delta"] == ("min_valid_image_n_per_dataset", "number of samples not known")


def test_licences_are_compared_as_licences_not_as_strings(query):
    assert members(plan(query, license_allowlist=["Creative Commons Attribution 4.0 International"])) == ["echo", "alpha"]


def test_preferring_labels_orders_the_members_and_spends_the_storage_budget_on_them(query):
    found = plan(query, modalities=["CT"], prefer_labeled=True, selection={"storage_budget_gb": 6})
    assert members(found) == ["echo", "alpha"]
    assert out(found)["beta"] == ("selection.storage_budget_gb", "3.0 GB, 1.0 GB left")
    assert {one.field for one in found.differences} >= {"prefer_labeled", "storage_budget_gb", "withdrawn"}


def test_stated_quality_orders_the_members_and_the_lowest_claim_counts(query):
    assert members(plan(query, modalities=["CT"])) == ["beta", "echo", "alpha"]


def test_unlabelled_datasets_can_be_left_out_by_their_flag(query):
    assert out(plan(query, include_unlabeled=False))["beta"] == ("include_unlabeled", "unlabelled")


def test_too_few_datasets_or_organisations_take_a_modality_out(query):
    found = plan(query, modalities=["CT", "MR"], selection={"enable": True, "min_datasets_per_modality": 2, "min_orgs_per_modality": 2})
    assert out(found)["gamma"] == ("selection.min_per_modality", "MR has 1 datasets of 1 known organisations")


def test_counts_keep_units_apart_and_say_what_is_not_known(query):
    total = plan(query).total
    assert (total.datasets, dict(total.samples), total.samples_unknown) == (5, {"image": 1550, "volume": 200}, 1)
    assert (total.bytes, total.bytes_known) == (28 * GB, 4)


def test_the_licence_verdict_names_who_forbids_each_use(query):
    verdicts = plan(query).licence.verdicts
    assert {use: one.answer for use, one in verdicts.items()} == {"local": "unknown", "share": "no", "commercial": "no"}
    assert {reason.dataset for reason in verdicts["share"].reasons if "share-alike" in reason.why} == {"beta", "gamma"}


def test_cautions_name_findings_with_their_release_and_members_that_share_images(query):
    texts = [(one.slug, one.text) for one in plan(query, modalities=["CT"]).cautions]
    assert ("alpha", "21 % appear twice [release 1] [fixed in 2] (10.1/x)") in texts
    assert ("beta", "derived from alpha: same scans") in texts


def test_label_maps_give_coverage_and_conflicts_between_releases(query):
    labels = plan(query).labels
    assert labels.terms["liver"] == ("alpha", "gamma")
    assert "beta" in labels.without_map
    assert labels.conflicts == ("alpha: value 1 means liver (as published); spleen (2, as published)",)


def test_how_to_obtain_falls_back_on_the_rule_of_the_host(query):
    delta = next(member for member in plan(query).members if member.slug == "delta")
    assert (delta.access, delta.how_to_get) == ("open", "download the files listed on the record")


def test_a_corpus_lists_members_once_and_says_what_is_missing(query):
    found = plan_corpus("atlas", query)
    assert [(member.slug, [share.named for share in member.shares]) for member in found.members] == [("alpha", ["ALPHA (ct)", "ALPHA (mr)"])]
    assert [one.named for one in found.missing] == ["Private", "2 more"]
    assert found.notes == ("ALPHA (mr): the corpus says MR, the catalog ct", "Beta: named in an example only")


def test_a_corpus_is_counted_by_what_it_took_not_by_whole_datasets(query):
    found = plan_corpus("Atlas", query)
    assert {name: dict(one.samples) for name, one in found.by_modality.items()} == {"CT": {"scan": 300}, "MR": {"scan": 60}}
    assert dict(found.total.samples) == {"scan": 360}


def test_datasets_by_name_are_planned_together_with_what_they_share(query):
    found = plan_names(["Beta", "ALPHA"], query)
    assert members(found) == ["beta", "alpha"]
    assert ("beta", "derived from alpha: same scans") in {(one.slug, one.text) for one in found.cautions}
    assert plan_names(["atlas"], query) == plan_corpus("atlas", query)
    with pytest.raises(NotFound):
        plan_names(["alpha", "nowhere"], query)


def test_an_unknown_corpus_is_answered_with_those_that_exist(query):
    with pytest.raises(NotFound, match="atlas"):
        plan_corpus("atlass", query)


def test_the_text_of_a_plan_says_members_exclusions_and_verdicts(query):
    text = show(plan(query, modalities=["CT"]))
    for words in ("Alpha", "1,000 image", "withdrawn", "share", "commercial", "how to get"):
        assert words in text


def test_scans_that_two_members_hold_are_counted_once_in_the_smaller_number(query):
    total = plan_names(["alpha", "beta"], query).total
    assert (dict(total.samples), dict(total.samples_least)) == ({"image": 1500}, {"image": 1000})
    text = show(plan_names(["alpha", "beta"], query))
    assert "all together             2 datasets, 1,000 to 1,500 images" in text
    assert "some members hold the same images or patients" in text
    alone = plan_names(["alpha", "echo"], query).total
    assert alone.samples == alone.samples_least == {"image": 1050}


def test_bytes_that_nobody_states_are_not_zero(query):
    assert "bytes not stated" in show(plan_names(["delta"], query))

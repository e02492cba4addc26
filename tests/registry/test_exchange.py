"""The catalog goes out as Croissant, CSV and JSON, and comes in from Croissant and dataset cards."""

from __future__ import annotations

import csv
import io
import json

import pytest

from isocenter.core.errors import BadInput, NotFound
from isocenter.registry.catalog import catalog_query
from isocenter.registry.exporters import EXPORTERS, export_dataset, export_plan
from isocenter.registry.fusion import plan_corpus
from isocenter.registry.fusion.plan import FusionPlan
from isocenter.registry.importers import IMPORTERS, croissant, hf_card
from isocenter.registry.license_parser import parse_license
from isocenter.registry.vocabulary import load

FILE = {"slug": "acdc", "release": "", "path": "data/acdc.zip", "url": "https://example.org/acdc.zip", "bytes": 7, "checksum": "sha256:" + "0" * 64, "evidence": None}
CARD = """---
pretty_name: Tiny Liver CT
license: other
license_name: cc-by-nc-4.0
task_categories:
- image-segmentation
tags: [liver, "modality:image", medical, ct]
size_categories: [n<1K]
extra_gated_prompt: Please agree.
dataset_info:
  download_size: 1200
  splits:
  - {name: train, num_examples: 30}
  - {name: test, num_examples: 10}
---
# Dataset Card for Tiny Liver CT
- **Homepage:** https://example.org/liver
- paper: https://doi.org/10.1000/ABC.
"""


@pytest.fixture(scope="module")
def query():
    with catalog_query() as found:
        yield found


@pytest.fixture(scope="module")
def corpus(query) -> FusionPlan:
    return plan_corpus("sat-ds", query)


def with_file(query):
    """The catalog with one open file of ACDC."""
    return lambda sql: [dict(FILE)] if "FROM download" in sql else query(sql)


def validated(text: str):
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=json.loads(text))
    assert not dataset.metadata.ctx.issues.errors
    return dataset


def claims(record) -> dict[str, str]:
    return {claim.field: claim.value for claim in record.claims}


def test_a_dataset_is_valid_croissant_1_1_with_every_licence_claimed(query):
    metadata = validated(export_dataset("lits", "croissant", query)).metadata
    assert metadata.conforms_to == ["http://mlcommons.org/croissant/1.1"]
    assert {one.rstrip("/").rpartition("/licenses/")[2] for one in metadata.license} == {"by-nc-nd/4.0", "by-nc-sa/4.0", "by-sa/4.0"}


def test_open_files_are_listed_with_their_sum(query):
    body = validated(export_dataset("acdc", "croissant", with_file(query))).metadata.to_json()
    assert body["distribution"][0]["sha256"] == "0" * 64
    assert body["distribution"][0]["encodingFormat"] in ("application/zip", ["application/zip"])


def test_a_plan_is_valid_croissant_whose_members_are_records(corpus):
    dataset = validated(export_plan(corpus, "croissant"))
    slugs = [record["members/slug"] for record in dataset.records("members")]
    assert len(slugs) == len(corpus.members)
    assert "acdc" in {slug.decode() if isinstance(slug, bytes) else slug for slug in slugs}


def test_every_dataset_of_a_sample_of_the_catalog_exports_in_every_form(query):
    slugs = [row["slug"] for row in query("SELECT slug FROM dataset ORDER BY slug")][::120]
    for form in EXPORTERS.names():
        for slug in slugs:
            assert export_dataset(slug, form, query)


def test_csv_lists_members_exclusions_and_what_is_missing(corpus):
    rows = list(csv.DictReader(io.StringIO(export_plan(corpus, "csv"))))
    assert {row["in"] for row in rows} == {"yes", "missing"}
    assert sum(row["in"] == "yes" for row in rows) == len(corpus.members)


def test_a_cell_that_a_spreadsheet_would_run_is_shown_as_text():
    from isocenter.registry.exporters.csv import _cell

    assert [_cell(text) for text in ("=HYPERLINK(1)", "@x", "-5", "+a", None, True)] == ["'=HYPERLINK(1)", "'@x", "-5", "'+a", "", "true"]


def test_json_holds_the_plan_with_its_counts(corpus):
    body = json.loads(export_plan(corpus, "json"))
    assert (body["rows"], body["title"]) == (len(corpus.members), "SAT-DS")


def test_an_unknown_form_is_answered_with_those_that_exist(query):
    with pytest.raises(NotFound, match="croissant"):
        export_dataset("lits", "croisant", query)


def test_our_own_croissant_comes_back_as_the_same_claims(query, tmp_path):
    (tmp_path / "acdc.json").write_text(export_dataset("acdc", "croissant", with_file(query)))
    (record,) = croissant.records(tmp_path / "acdc.json", load())
    assert (record.name, parse_license(record.licences[0].value).id) == ("ACDC", "CC-BY-NC-SA-4.0")
    assert claims(record)["bytes"] == "7"
    assert {("task", "segmentation", "keyword")} <= set(record.terms)


def test_an_exported_dataset_that_is_imported_again_says_what_it_said(workspace, query, tmp_path):
    from isocenter.registry.entry import dataset_entry
    from isocenter.registry.importing import import_source

    (tmp_path / "lits.json").write_text(export_dataset("lits", "croissant", query))
    done = import_source(workspace, "croissant", tmp_path / "lits.json", {})
    assert (done.new, done.known) == ([], ["lits"])
    with catalog_query(workspace) as own:
        before, after = (dataset_entry("lits", one) for one in (query, own))
    assert after["licence"]["title"] == before["licence"]["title"]
    assert after["licence"]["flags"] == before["licence"]["flags"]
    assert {name: after[name] for name in ("homepage", "year", "organisation", "n_samples", "access")} == {
        name: before[name] for name in ("homepage", "year", "organisation", "n_samples", "access")}


def test_wrapped_values_of_foreign_croissant_are_read(tmp_path):
    body = {"@type": "https://schema.org/Dataset", "name": {"en": "Eyes"}, "license": [{"@type": "CreativeWork", "url": "https://creativecommons.org/licenses/by/4.0/"}],
            "creator": [{"@type": "Person", "name": "A. Author"}], "datePublished": "2021-03-01", "keywords": ["fundus photography", "medical"],
            "citeAs": "@article{x, doi={10.1000/Eyes.1}}", "distribution": [{"@type": "cr:FileObject", "contentSize": "1.5 GB"}, {"@type": "cr:FileSet", "containedIn": {"@id": "a"}}]}
    (tmp_path / "eyes.json").write_text(json.dumps(body))
    (record,) = croissant.records(tmp_path / "eyes.json", load())
    assert (record.name, record.source, parse_license(record.licences[0].value).id) == ("Eyes", "croissant-eyes", "CC-BY-4.0")
    found = claims(record)
    assert (found["year"], found["organisation"], found["doi"], found["bytes"]) == ("2021", "A. Author", "10.1000/eyes.1", "1500000000")
    assert [term[1] for term in record.terms] == ["fundus photography"]


def test_a_dataset_card_gives_counts_licence_gate_and_terms(tmp_path):
    (tmp_path / "README.md").write_text(CARD)
    (record,) = hf_card.records(tmp_path / "README.md", load())
    assert (record.name, parse_license(record.licences[0].value).id) == ("Tiny Liver CT", "CC-BY-NC-4.0")
    found = claims(record)
    assert (found["n_samples"], found["bytes"], found["access"], found["homepage"], found["doi"]) == ("40", "1200", "registration", "https://example.org/liver", "10.1000/abc")
    assert {("anatomy", "liver", "keyword"), ("modality", "ct", "keyword"), ("task", "segmentation", "keyword")} <= set(record.terms)


@pytest.mark.parametrize(("importer", "text"), [
    (croissant, "[]"), (croissant, '{"@type": "sc:Dataset"}'), (croissant, "no json"), (hf_card, "# only a heading"), (hf_card, "---\n: :\n- [\n---\n"), (hf_card, ""),
    (hf_card, "---\n!!python/object/apply:os.system ['id']\n---\n"),
])
def test_what_is_no_metadata_is_refused(tmp_path, importer, text):
    (tmp_path / "file").write_text(text)
    with pytest.raises(BadInput):
        list(importer.records(tmp_path / "file", load()))


def test_both_importers_are_found_by_name():
    assert {"croissant", "hf-card"} <= set(IMPORTERS.names())

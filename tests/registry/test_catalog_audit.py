"""The audit finds every kind of defect, by rules that know no dataset, and reproduces the known counts of two public tables."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.registry.audit import audit_file, audit_here
from isocenter.registry.audit.impossible import contradictions, lies_elsewhere
from isocenter.registry.audit.table import Columns, audit_table
from isocenter.registry.catalog import HERE
from isocenter.registry.cells import count, read_cell
from isocenter.registry.importers import IMPORTERS
from isocenter.registry.vocabulary import Vocabulary, load

SHARED = Path(os.environ.get("ISOCENTER_SHARED", HERE.parent.parent / "shared")) / "facts"
needs_survey = pytest.mark.skipif(not SHARED.exists(), reason="the surveys' tables are not here (ISOCENTER_SHARED)")
SURVEY = SHARED / "upstream" / "imagingx_datasets.json"
PORTAL = SHARED / "upstream" / "imagingx_portal_cleaned_total.json"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load()


def counts(path: Path) -> Counter[str]:
    return Counter({one.what: one.count for one in audit_file(path)})


@needs_survey
def test_the_counts_of_the_survey_table() -> None:
    found = counts(SURVEY)
    assert {what: found[what] for what in EXPECTED_SURVEY} == EXPECTED_SURVEY


@needs_survey
def test_the_counts_of_the_portal_table() -> None:
    found = counts(PORTAL)
    assert {what: found[what] for what in EXPECTED_PORTAL} == EXPECTED_PORTAL


EXPECTED_SURVEY = {
    "distinct datasets by name and address, of 1151 rows": 993,
    "name and address in several rows (270 rows, 158 too many)": 112,
    "section differs between rows of one dataset": 110, "modality differs between rows of one dataset": 90, "dim differs between rows of one dataset": 22,
    "diseases differs between rows of one dataset": 21, "task differs between rows of one dataset": 13, "samples differs between rows of one dataset": 10,
    "structure differs between rows of one dataset": 8, "year differs between rows of one dataset": 5, "label differs between rows of one dataset": 2,
    "distinct addresses; 147 are shared by 394 rows": 901, "no address": 3,
    "access is open": 439, "access is registration": 395, "access is unknown": 310, "access is application": 7,
    "hosts of the rows whose access is unknown": 152, "access unknown although the DOI resolves": 34,
    "modality: spellings of a cell (120 without case and punctuation)": 136, "modality: distinct pieces of cells (59 without case)": 63,
    "task: distinct pieces of cells (34 without case)": 35, "structure: distinct pieces of cells (141 without case)": 143,
    "diseases: spellings of a cell (415 without case and punctuation)": 452, "dim: spellings of a cell (9 without case and punctuation)": 14,
    "year: nothing said": 31, "structure: nothing said": 96, "task: nothing said": 55, "diseases: nothing said": 134,
    "unlabelled rows": 249, "unlabelled, yet a task is stated": 203, "unlabelled, yet a segmentation": 27, "labelled, yet without a task": 9,
    "size is 0": 31, "size cell adds different things": 2,
    "sum of all sizes, whatever their unit": 13_382_888, "sum of sizes, each dataset once": 12_430_904,
}
EXPECTED_PORTAL = {
    "distinct datasets by name, of 1156 rows": 975, "name in several rows (293 rows, 181 too many)": 112, "rows that repeat another row in every column": 128,
    "modality differs between rows of one dataset": 23, "tumor differs between rows of one dataset": 18, "organ differs between rows of one dataset": 8,
    "task differs between rows of one dataset": 6, "year differs between rows of one dataset": 5, "dimension differs between rows of one dataset": 3,
    "no address": 331, "license: nothing said": 580, "organization: nothing said": 553, "num_classes: nothing said": 964, "quality_flag: nothing said": 320,
    "impact: nothing said": 320, "data_volume_total: nothing said": 465, "no published size, yet 100 or more usable": 218,
    "published and usable size differ": 228, "splits do not add up to the size": 71, "distinct licence strings": 55,
    "modality: spellings of a cell (46 without case and punctuation)": 46, "task: spellings of a cell (40 without case and punctuation)": 40,
    "task: pieces that may be several terms": 48, "tumor: stray backslashes": 307, "name: stray backslashes": 42,
}


@needs_survey
def test_the_rule_for_impossible_pairs_on_a_table_whose_wrong_cells_are_known(vocabulary: Vocabulary) -> None:
    rows = json.loads(SURVEY.read_text(encoding="utf-8"))
    fields = {"modality": "modality", "structure": "anatomy", "diseases": "finding"}
    flagged = {number for number, row in enumerate(rows)
               if contradictions({facet: [term for _, term, _ in read_cell(facet, row[column], vocabulary)] for column, facet in fields.items()}, row["name"], vocabulary)}
    with (SHARED / "licences" / "wrong_cells.csv").open(encoding="utf-8", newline="") as stream:
        wrong = {int(row["row_index"]) for row in csv.DictReader(stream) if row["field"] in ("diseases", "structure")}
    assert len(flagged & wrong) / len(flagged) >= 0.75
    assert len(flagged & wrong) / len(wrong) >= 0.6


@pytest.mark.parametrize(("name", "modality", "anatomy", "finding", "field"), [
    ("a", "Dermoscopy", "Skin", "Cells", "finding"), ("b", "X-Ray", "Lung", "Diabetic retinopathy", "finding"), ("c", "Fundus", "Retina", "Breast cancer", "finding"),
    ("d", "CT", "Liver", "Glaucoma", "finding"), ("e", "Mammography", "Brain", "", "anatomy"), ("f", "MR", "Brain", "Skin lesion", "finding"),
    ("Alzheimer challenge", "Others", "", "Lung adenocarcinoma", "finding"), ("g", "US", "Thyroid", "Leukemia", "finding"),
])
def test_what_cannot_go_together_is_found(name: str, modality: str, anatomy: str, finding: str, field: str, vocabulary: Vocabulary) -> None:
    cells = {facet: [term for _, term, _ in read_cell(facet, cell, vocabulary)] for facet, cell in (("modality", modality), ("anatomy", anatomy), ("finding", finding))}
    assert [one.field for one in contradictions(cells, name, vocabulary)] == [field]


@pytest.mark.parametrize(("name", "modality", "anatomy", "finding"), [
    ("CheXpert", "X-Ray", "Chest", "Pneumonia, Pneumothorax"), ("LiTS", "CT", "Liver", "Liver tumor"), ("PatchCamelyon", "Histopathology (Patch)", "Lymph Node", "Metastatic Tissue"),
    ("BraTS 2021", "MR", "Brain", "Glioma"), ("whole body", "CT/PET", "Whole-body", "Melanoma"), ("REFUGE", "Fundus", "Retina", "Glaucoma"),
    ("ACDC", "MR", "Heart", "Myocardial infarction"), ("HErlev", "Microscopy", "Cell", "Cervical cancer"), ("brain metastases", "MR", "Brain", "Brain metastasis"),
    ("Anti-PD-1 Melanoma", "CT/MR/PT", "Skin", "Melanoma"), ("nothing", "", "", ""),
])
def test_what_goes_together_is_left_alone(name: str, modality: str, anatomy: str, finding: str, vocabulary: Vocabulary) -> None:
    cells = {facet: [term for _, term, _ in read_cell(facet, cell, vocabulary)] for facet, cell in (("modality", modality), ("anatomy", anatomy), ("finding", finding))}
    assert contradictions(cells, name, vocabulary) == []


def test_a_table_never_seen_before_is_audited_by_its_own_columns(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("name,modality,anatomy,finding,n_samples,licence\nOne,CT,Liver,Liver tumor,100,CC BY 4.0\nTwo,Dermoscopy,Skin,Cells,many,free\nTwo,Dermoskopy,Skin,Cells,many,free\n")
    found = {one.what: one for one in audit_file(table)}
    assert found["distinct datasets by name, of 3 rows"].count == 2
    assert found["a finding or structure that the rest of the row rules out"].where[0].startswith("row 1 Two")
    assert found["size is no number"].count == 2
    assert found["strings that are no licence (2 rows)"].where == ("2× free",)
    assert "1× Dermoskopy" in found["modality: pieces that are no term of the vocabulary"].where


def test_a_known_dataset_is_held_against_what_the_catalog_believes(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("name,modality,finding\nCheXpert,Others,Glioma\nLiTS,Others,Liver tumor\nSome other set,Others,Glioma\n")
    found = {one.what: one for one in audit_file(table)}["a finding or structure that the catalog rules out for a dataset of that name"]
    assert [place.split(":")[0] for place in found.where] == ["row 0 CheXpert"]


def test_a_table_without_those_columns_is_audited_for_what_it_has(vocabulary: Vocabulary) -> None:
    found = audit_table([{"n": "a", "x": ""}, {"n": "a", "x": "1"}], Columns(name="n", same=("name",)), vocabulary)
    assert {one.kind for one in found} == {"duplicate", "contradiction", "missing"}


def test_what_no_importer_can_read_is_refused_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\xff\xfe\x00\x01")
    done = CliRunner().invoke(cli, ["catalog", "audit", str(tmp_path / "x.bin")])
    assert "no importer can read this table" in str(done.exception)


def test_the_audit_of_the_catalog_prints_kinds_and_counts() -> None:
    done = CliRunner().invoke(cli, ["catalog", "audit", "--json"], catch_exceptions=False)
    defects = json.loads(done.stdout)["defects"]
    assert {one["kind"] for one in defects} >= {"ambiguous", "contradiction", "doubt", "unit", "impossible", "link", "licence"}
    assert not [one for one in defects if one["kind"] in ("orphan", "duplicate", "vocabulary")]
    assert all(one["count"] > 0 for one in defects)


@pytest.mark.parametrize(("cell", "number"), [("2.7k", (2700, True)), ("1,151", (1151, False)), ("1.2M", (1_200_000, True)), ("Neck", None), ("", None), ("200+", None), (".", None)])
def test_counts_are_read_with_their_rounding(cell: str, number: tuple[int, bool] | None) -> None:
    assert count(cell) == number


@pytest.mark.parametrize("name", IMPORTERS.names())
def test_every_importer_names_its_source(name: str) -> None:
    plugin = IMPORTERS.get(name)
    assert {"source_id", "name", "rank"} <= set(plugin.SOURCE)


def test_a_homonym_of_another_region_is_displaced_and_a_neighbour_of_the_same_is_not(vocabulary: Vocabulary) -> None:
    assert lies_elsewhere("dental caries", ["heart ventricle", "myocardium"], vocabulary)
    assert not lies_elsewhere("left heart ventricle", ["heart ventricle", "myocardium"], vocabulary)
    assert not lies_elsewhere("spleen", ["multi-organ"], vocabulary)


def test_every_label_that_lies_elsewhere_than_its_dataset_was_looked_at() -> None:
    with (Path(__file__).parent / "displaced_labels.csv").open(encoding="utf-8", newline="") as stream:
        reviewed = [row["label"] for row in csv.DictReader(stream)]
    found = [one for one in audit_here() if one.what == "labels that lie elsewhere than what their dataset shows"]
    assert sorted(found[0].where) == sorted(reviewed)

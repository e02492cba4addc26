"""The vocabulary reads the field's many spellings as one term, and its facts hold together."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from isocenter.core.errors import NotFound
from isocenter.registry import vocabulary
from isocenter.registry.vocabulary import FACETS, load
from isocenter.registry.vocabulary_text import words

SHARED = Path(os.environ.get("ISOCENTER_SHARED") or Path(__file__).parents[2].parent / "shared")
WORDS = load()


@pytest.mark.parametrize(("facet", "cell", "terms"), [
    ("modality", "CT/ PET", ("ct", "pet")),
    ("modality", "PET/CT", ("pet-ct",)),
    ("modality", "HistoPathology?", ("histopathology",)),
    ("modality", "CR, DX", ("computed radiography", "digital radiography")),
    ("modality", "Fundus (CFP)", ("fundus photography",)),
    ("modality", "CT/ MR/ PT", ("ct", "mr", "pet")),
    ("dimension", "2D/ 3D", ("2d", "3d")),
    ("dimension", "4D(3D + time)", ("4d",)),
    ("task", "Seg/ Cls", ("segmentation", "classification")),
    ("task", "Trk", ("tracking",)),
    ("task", "Reg/lmk", ("landmark detection",)),
    ("anatomy", "Lungs", ("lung",)),
    ("anatomy", "Breast (Thorax)", ("breast",)),
    ("anatomy", "Head–Neck/ Kidney/ Leg/ ...", ("head and neck", "kidney", "leg")),
    ("finding", "Alzheimer’s disease", ("alzheimer's disease",)),
    ("finding", "COVID-19, Pneumonia", ("covid-19 infection", "pneumonia")),
    ("finding", "NA \\", ()),
])
def test_a_raw_cell_is_read_as_terms(facet, cell, terms):
    assert WORDS.normalise(facet, cell).terms == terms


def test_reg_is_left_ambiguous_between_registration_and_regression():
    reading = WORDS.normalise("task", "Seg/ Reg")
    assert reading.terms == ("segmentation",)
    assert reading.ambiguous == (("Reg", ("registration", "regression")),)


def test_what_belongs_to_another_facet_is_handed_over_and_the_rest_is_listed():
    assert WORDS.normalise("anatomy", "Polyp").elsewhere == ("polyp",)
    assert WORDS.normalise("finding", "Colon Nuclei").elsewhere == ("colon", "cell nucleus")
    assert WORDS.normalise("anatomy", "Liver, Quux").unknown == ("Quux",)


@pytest.mark.parametrize(("phrase", "term"), [
    ("hepatic", "liver"), ("cardiac", "heart"), ("renal", "kidney"), ("cerebral", "brain"), ("pulmonary", "lung"), ("oesophagus", "esophagus"),
    ("Esophageal", "esophagus"), ("tumour", "tumor"), ("haemorrhage", "hemorrhage"), ("foetal", "fetus"), ("vertebrae", "vertebra"), ("teeth", "tooth"),
    ("mammogram", "mammography"), ("magnetic resonance imaging", "mr"), ("X-rays", "x-ray"), ("xray", "x-ray"), ("optical coherence tomography", "oct"),
    ("localisation", "localization"), ("GBM", "glioblastoma"), ("heart attack", "myocardial infarction"), ("Barrett's oesophagus", "barrett's esophagus"),
])
def test_spellings_lay_words_latin_and_abbreviations_name_one_term(phrase, term):
    assert WORDS.find(phrase) == (term,)


def test_a_short_code_counts_in_a_cell_and_not_in_free_text():
    assert WORDS.find("Seg") == ()
    assert WORDS.normalise("task", "Seg").terms == ("segmentation",)


def test_the_longest_phrase_wins():
    found = WORDS.scan(words("age related macular degeneration in oct"))
    assert [terms for _, terms in found] == [("macular degeneration",), ("oct",)]


def test_closures_follow_is_a_and_part_of():
    assert {"mr", "angiography"} <= WORDS.ancestors("mr angiography")
    assert "mammography" in WORDS.descendants("x-ray")
    assert "retina" in WORDS.descendants("eye", ("is-a", "part-of"))
    assert "retina" not in WORDS.descendants("eye")
    assert WORDS.sites("glioblastoma") == {"brain"}


def test_an_unknown_term_is_refused_with_the_next_step():
    with pytest.raises(NotFound, match="no term 'quux'"):
        WORDS.term("quux")


def test_every_term_has_a_known_facet_and_every_relation_two_ends():
    assert {term.facet for term in WORDS.terms.values()} <= set(FACETS)
    for child, parents in WORDS.parents.items():
        for parent, relation in parents:
            assert child in WORDS.terms
            assert parent in WORDS.terms
            if relation in ("is-a", "part-of"):
                assert WORDS.terms[child].facet == WORDS.terms[parent].facet, (child, relation, parent)
            if relation == "site":
                assert WORDS.terms[parent].facet == "anatomy", (child, parent)


def test_no_term_is_its_own_ancestor():
    assert not [term for term in WORDS.terms if term in WORDS.ancestors(term, ("is-a", "part-of"))]


def test_the_facts_are_sorted_and_without_repeats():
    for table in ("term", "term_synonym", "term_parent"):
        lines = (vocabulary.FACTS / f"{table}.csv").read_text(encoding="utf-8").splitlines()
        assert len(set(lines)) == len(lines), table


def test_modality_codes_are_those_of_dicom():
    from pydicom.sr._concepts_dict import concepts

    published = {code for meanings in concepts["DCM"].values() for code in meanings}
    codes = {term.code for term in WORDS.of_facet("modality") if term.code_system == "DCM"}
    assert codes <= published
    assert {"MR", "CT", "US", "MG", "CR", "DX", "PT", "NM", "SM", "ES", "OP", "DMS"} <= codes


def test_snomed_codes_are_those_that_dicom_carries():
    from pydicom.sr._concepts_dict import concepts

    published = {code for meanings in concepts["SCT"].values() for code in meanings}
    codes = {term.code for term in WORDS.terms.values() if term.code_system == "SCT"}
    assert len(codes) > 200
    assert codes <= published


@pytest.mark.skipif(not (SHARED / "facts/upstream/imagingx_datasets.json").exists(), reason="the upstream table is not here")
@pytest.mark.parametrize(("column", "facet"), [("modality", "modality"), ("task", "task"), ("dim", "dimension")])
def test_every_cell_of_the_upstream_table_is_read(column, facet):
    rows = json.loads((SHARED / "facts/upstream/imagingx_datasets.json").read_text(encoding="utf-8"))
    unread = {atom for row in rows for atom in WORDS.normalise(facet, row[column]).unknown} - {"Text", "-"}
    assert not unread - {"Rest"}                             # "Rest": resting state or restoration, nobody can tell

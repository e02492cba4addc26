"""A query in words is understood as wishes, and what was understood can be taken off."""

from __future__ import annotations

import itertools

import pytest

from isocenter.registry.search.engine import make_engine
from isocenter.registry.search.entries import Catalog, Entry
from isocenter.registry.search.explain import shown
from isocenter.registry.vocabulary import IN_TEXT, load

SIZES = ("samples", "subjects", "year")
ENTRIES = (Entry("brats-2021", "BraTS 2021", aliases=("BraTS21",), year=2021), Entry("brats-2023", "BraTS 2023", year=2023),
           Entry("totalsegmentator", "TotalSegmentator"), Entry("brain-mri", "Brain-MRI"), Entry("kaggle-hpa", "Kaggle-HPA"))
READER = make_engine(Catalog(ENTRIES, load(), "test")).reader


def understood(text: str, **options: object) -> list[str]:
    return [f"{wish['facet']}: {wish['value']}" for wish in (shown(wish, READER.vocabulary) for wish in READER.read(text, **options).wishes)]


@pytest.mark.parametrize(("query", "wishes"), [
    ("brain mri glioma segmentation", ["anatomy: Brain", "modality: MR", "finding: Glioma", "task: Segmentation"]),
    ("hepatic CT", ["anatomy: Liver", "modality: CT"]),
    ("ultrasound or MRI of the fetus", ["modality: Ultrasound or MR", "anatomy: Fetus"]),
    ("skin lesions, more than 100 cases", ["finding: Skin lesion", "samples: > 100"]),
    ("lung ct > 1,500 scans", ["anatomy: Lung", "modality: CT", "samples: > 1500"]),
    ("at least 2k patients retina", ["anatomy: Retina", "subjects: >= 2000"]),
    ("3D ultrasound since 2020", ["dimension: 3D", "modality: Ultrasound", "year: >= 2020"]),
    ("knee x-ray between 2015 and 2019", ["anatomy: Knee", "modality: X-ray", "year: >= 2015", "year: <= 2019"]),
    ("covid-19 lung CT, open access", ["finding: COVID-19", "anatomy: Lung", "modality: CT", "access: open"]),
    ("open-angle glaucoma", ["finding: Glaucoma"]),
    ("mammography for commercial use", ["modality: Mammography", "allows: commercial"]),
    ("CC BY chest", ["anatomy: Thorax", "license: CC-BY"]),
    ("multiple sclerosis lesions", ["finding: Multiple sclerosis"]),
    ("annotated endoscopy", ["modality: Endoscopy", "labelled: yes"]),
    ("left atrium", ["anatomy: Heart atrium"]),
    ("COVID-19 chest x-ray", ["finding: COVID-19", "modality: Chest X-ray"]),
    ("COVID 19 x-rays, 500 cases", ["finding: COVID-19", "modality: X-ray", "samples: >= 500"]),
    ("SARS-CoV-2 chest radiographs", ["finding: COVID-19", "modality: Chest X-ray"]),
    ("T2 MRI of the prostate, T1", ["modality: T2-weighted MR", "modality: T1-weighted MR", "anatomy: Prostate"]),
    ("T2 bladder CT", ["anatomy: Urinary bladder", "modality: CT"]),
    ("MPOX-2 images", ["finding: Monkeypox"]),
    ("more than 1000 chest x-rays", ["modality: Chest X-ray", "samples: > 1000"]),
    ("at least 2k whole slide images", ["modality: Whole-slide image", "samples: >= 2000"]),
    ("500 x-rays of the hand", ["modality: X-ray", "anatomy: Hand", "samples: >= 500"]),
    ("500 chest CT scans", ["anatomy: Thorax", "modality: CT", "samples: >= 500"]),
    ("BraTS 2021 MRI scans", ["name: brats 2021", "modality: MR"]),
    ("liver segmentation in no more than 50 patients", ["anatomy: Liver", "task: Segmentation", "subjects: <= 50"]),
])
def test_words_become_wishes(query, wishes):
    assert sorted(understood(query)) == sorted(wishes)


@pytest.mark.parametrize("query", ["BraTS2021", "brats 2021", "BRATS-21", "BraTS21"])
def test_a_name_is_known_in_any_spelling(query):
    wish = READER.read(query).wishes[0]
    assert dict(wish.datasets)[0] == 1.0


def test_a_generic_name_does_not_hide_the_facets_in_it():
    assert understood("brain mri") == ["anatomy: Brain", "modality: MR"]
    assert READER.read("brain mri").named == (3,)


def test_a_quoted_phrase_is_taken_as_it_stands():
    query = READER.read('"brain" mri')
    assert [wish.facet for wish in query.wishes] == ["modality"]
    assert query.literal == ("brain",)


def test_plain_words_and_dropped_facets_are_not_understood():
    assert understood("brain mri", plain_words=True) == []
    assert understood("brain mri", without=("anatomy",)) == ["modality: MR"]


@pytest.mark.parametrize(("typed", "meant"), [
    ("pnuemonia xray", "pneumonia xray"), ("TotalSegmentater", "totalsegmentator"), ("mri hart", "mri heart"), ("lungct", "lung ct"), ("glioam", "glioma"),
])
def test_typing_errors_are_put_right_and_shown(typed, meant):
    assert READER.read(typed).corrected == meant


@pytest.mark.parametrize("word", ["magnification", "proton", "unstained", "registered"])
def test_words_of_the_trade_are_no_typing_errors(word):
    assert READER.read(f"{word} ct").corrected is None


def test_what_is_not_wanted_is_excluded():
    query = READER.read("brain mri not glioma")
    assert [wish.terms for wish in query.excluded] == [("glioma",)]
    assert all(wish.phrase != "glioma" for wish in query.wishes)


@pytest.mark.parametrize(("query", "left_out"), [
    ("COVID-19 chest x-ray not CT", [("ct", False)]),
    ("chest x-ray not CT or MRI", [("ct", False), ("mr", False)]),
    ("chest x-ray not chest CT", [("thorax", False), ("ct", True)]),
    ("brain tumor not glioma MRI", [("glioma", False)]),
    ("chest x-ray excluding COVID-19 and phantoms", [("covid-19 infection", False), ("phantom", False)]),
    ("chest x-ray without pneumonia or phantoms", [("pneumonia", False), ("phantom", False)]),
    ("brain MRI without glioma and segmentation", [("glioma", False)]),
])
def test_what_is_left_out_reaches_as_far_as_it_repeats_what_was_asked_for(query, left_out):
    read = READER.read(query)
    assert [(wish.terms[0], wish.both) for wish in read.excluded] == left_out
    assert {wish.facet for wish in read.wishes} >= {"modality"}
    assert read.text == ()


@pytest.mark.parametrize(("query", "facet", "value"), [("brain MRI not BraTS 2021", "name", "brats 2021"), ("dermoscopy not CC0", "license", "CC0"), ("ct, not annotated", "labelled", "yes"),
                                                       ("ct, not open access", "access", "open")])
def test_names_licences_and_access_can_be_left_out_too(query, facet, value):
    (refused,) = READER.read(query).excluded
    assert (shown(refused, READER.vocabulary)["facet"], shown(refused, READER.vocabulary)["value"]) == (facet, value)
    assert all(wish.facet != facet for wish in READER.read(query).wishes)


@pytest.mark.parametrize("query", ["CA 19-9 CT images", "grade 3 glioma MRI scans", "BI-RADS 4 mammography images", "PI-RADS at least 3", "type 2 diabetes patients", "1.5 T MRI scans",
                                   "CT slices of 5 mm", "slice thickness under 3 mm", "gleason 7 slides", "trisomy 21 ultrasound images", "12 lead ECG records", "mpox 2 images", "fundus 45 degree images", "MICCAI 2018 images"])
def test_a_number_that_ranks_measures_or_dates_is_no_size(query):
    assert not [wish for wish in understood(query) if wish.startswith(SIZES)]


def test_a_quantity_that_no_dataset_states_is_said_not_to_be_looked_for():
    assert READER.read("grade 3 glioma MRI with 5 mm slices").ignored[:2] == ("grade 3", "5 mm")


NUMBERED = [" ".join(phrase) for phrase, terms in READER.vocabulary.phrases.items() if any(scope in IN_TEXT for _, scope in terms) and any(map(str.isdigit, "".join(phrase)))]


@pytest.mark.parametrize("size", ["more than 500 cases", "2000 images", "at least 1k patients"])
def test_a_term_with_a_number_reads_alike_before_and_behind_modality_and_size(size):
    assert len(NUMBERED) > 100
    for term in [*NUMBERED[::3], "covid-19", "sars-cov-2", "brats 2021"]:
        apart = {*understood(term), *understood("chest x-ray"), *understood(size)}
        for order in itertools.permutations((term, "chest x-ray", size)):
            wishes = set(understood(" ".join(order)))
            assert {wish for wish in wishes if wish.startswith(SIZES)} == {wish for wish in apart if wish.startswith(SIZES)}, order
            assert any(wish.startswith("modality") for wish in wishes), order


def test_words_that_nothing_has_are_named():
    assert READER.read("brain mri xqzzv").ignored == ("xqzzv",)


@pytest.mark.parametrize("query", ["", " ", "''; drop table dataset; --", "((((", "a" * 5000, "\x00", '"', "🫀 heart", "100", "> > >", "not", "or"])
def test_hostile_and_empty_queries_are_only_words(query):
    read = READER.read(query)
    assert all(wish.phrase in query.casefold() for wish in read.wishes)
    assert all(word in query.casefold() for word in read.ignored)

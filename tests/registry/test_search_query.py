"""A query in words is understood as wishes, and what was understood can be taken off."""

from __future__ import annotations

import pytest

from isocenter.registry.search.engine import make_engine
from isocenter.registry.search.entries import Catalog, Entry
from isocenter.registry.search.explain import shown
from isocenter.registry.vocabulary import load

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


def test_what_is_not_wanted_is_excluded():
    query = READER.read("brain mri not glioma")
    assert [wish.terms for wish in query.excluded] == [("glioma",)]
    assert all(wish.phrase != "glioma" for wish in query.wishes)


def test_words_that_nothing_has_are_named():
    assert READER.read("brain mri xqzzv").ignored == ("xqzzv",)


@pytest.mark.parametrize("query", ["", " ", "''; drop table dataset; --", "((((", "a" * 5000, "\x00", '"', "🫀 heart", "100", "> > >", "not", "or"])
def test_hostile_and_empty_queries_are_only_words(query):
    read = READER.read(query)
    assert all(wish.phrase in query.casefold() for wish in read.wishes)
    assert all(word in query.casefold() for word in read.ignored)

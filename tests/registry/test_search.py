"""Search finds what was asked for, says why, sets near misses apart, and never says yes to an unknown licence."""

from __future__ import annotations

import pytest

from isocenter.core.errors import NotFound
from isocenter.registry.licenses import License, Statement, effective
from isocenter.registry.search.engine import make_engine
from isocenter.registry.search.entries import Catalog, Entry
from isocenter.registry.search.options import wishes
from isocenter.registry.vocabulary import load

FREE = License("CC-BY-4.0", "yes", "yes", "yes", "yes", "no", "yes")
NOT_SOLD = License("CC-BY-NC-4.0", "yes", "no", "yes", "yes", "no", "yes")


def entry(slug: str, name: str, *terms: str, licenses: tuple[License, ...] = (), **values: object) -> Entry:
    claims = [Statement(slug, licence.id, licence, f"source {n}") for n, licence in enumerate(licenses)]
    return Entry(slug, name, terms={term: frozenset({"table"}) for term in terms}, license=effective(slug, claims), **values)


ENTRIES = (
    entry("liver-ct", "LiverBench", "ct", "liver", "liver tumor", "segmentation", "3d", licenses=(FREE,), n_samples=201, sample_unit="volume", access="open", year=2017),
    entry("hepato", "Hepato", "ct", "liver", "classification", licenses=(NOT_SOLD,), n_samples=50, access="registration", year=2021),
    entry("disputed", "DisputedLiver", "ct", "liver", "segmentation", licenses=(FREE, NOT_SOLD), n_samples=900, access="open"),
    entry("silent", "Silent", "ct", "liver", "segmentation", n_samples=40),
    entry("mg", "MammoOne", "mammography", "breast cancer", "detection", n_subjects=1200, n_samples=4800, year=2020),
    entry("breast-film", "Films", "x-ray", "breast", "classification"),
    entry("retina-oct", "OCT Retina", "oct", "retina", "macular degeneration"),
    entry("fundus", "Fundus Set", "fundus photography", "glaucoma", "classification", n_samples=12000),
    entry("brain", "Gliomas", "mr", "brain", "glioma", "segmentation", "3d", year=2023),
    entry("gbm", "GBM Collection", "mr", "glioblastoma", "brain", "classification", year=2014),
    entry("multi", "Everything", "ct", "liver", "kidney", "spleen", "pancreas", "segmentation"),
)
ENGINE = make_engine(Catalog(ENTRIES, load(), "test"))


def slugs(query: str, **options: object) -> list[str]:
    return [hit.entry.slug for hit in ENGINE.search(query, **options).hits]


def options(**facets: object) -> list:
    named = {name: [value] for name, value in facets.items() if name in ("modality", "anatomy", "task", "finding", "dimension")}
    rest = {name: value for name, value in facets.items() if name not in named}
    return wishes(load(), named, **rest)


def test_synonyms_find_the_term_and_the_focused_set_comes_first():
    found = slugs("hepatic segmentation")
    assert set(found[:3]) == {"liver-ct", "disputed", "silent"}
    assert found[3] == "multi"


def test_what_is_a_kind_or_a_part_is_found():
    assert {"mg", "breast-film"} <= set(slugs("x-ray breast"))
    assert {"retina-oct", "fundus"} <= set(slugs("eye"))
    assert slugs("brain mri glioma") == ["brain", "gbm"]


def test_an_x_ray_of_the_breast_is_mammography():
    assert slugs("mammography") == ["mg", "breast-film"]


def test_every_hit_says_why():
    hit = ENGINE.search("brain mri glioma").hits[1]
    assert hit.why == ("anatomy: Brain", "modality: MR", "finding: Glioma (Glioblastoma is a kind of it)")


def test_a_near_miss_stands_apart_with_the_wish_it_misses():
    result = ENGINE.search("liver ct segmentation")
    assert "hepato" not in [hit.entry.slug for hit in result.hits]
    assert [(hit.entry.slug, hit.misses) for hit in result.near] == [("hepato", ("task: Segmentation (has Classification)",))]


@pytest.mark.parametrize(("query", "found"), [
    ("liver more than 100 cases", {"liver-ct", "disputed"}), ("liver fewer than 45 volumes", {"silent"}), ("liver since 2020", {"hepato"}),
    ("more than 1000 patients", {"mg", "fundus"}), ("liver, open access", {"liver-ct", "disputed"}),
])
def test_numbers_years_and_access_are_bounds(query, found):
    assert set(slugs(query)) == found


def test_allows_commercial_is_never_yes_for_unknown_or_contested_licences():
    assert slugs("liver for commercial use") == ["liver-ct"]
    assert slugs("", wishes=options(allows=["commercial"])) == ["liver-ct"]
    misses = {hit.entry.slug: hit.misses[0] for hit in ENGINE.search("liver for commercial use").near}
    assert misses["silent"] == "allows: commercial (not stated, licence not stated)"
    assert misses["disputed"] == "allows: commercial (no (sources disagree), licence CC-BY-4.0 AND CC-BY-NC-4.0 (second-hand))"


def test_a_licence_is_certain_where_the_strictest_claim_is_it_and_disputed_ones_follow():
    found = ENGINE.search("liver CC BY").hits
    assert [(hit.entry.slug, hit.certain) for hit in found] == [("liver-ct", True), ("disputed", False)]
    assert found[1].why[-1] == "license: CC-BY-4.0 AND CC-BY-NC-4.0 (second-hand) (sources disagree)"
    assert {hit.entry.slug: hit.certain for hit in ENGINE.search("liver CC BY-NC").hits} == {"hepato": True, "disputed": True}


def test_people_come_before_phantoms_and_animals_unless_those_were_asked_for():
    people, mice = entry("people", "People", "mr", "brain", n_samples=10), entry("mice", "Mice", "mr", "brain", "animal", n_samples=10_000, used=9)
    engine = make_engine(Catalog((people, mice), load(), "humans"))
    assert [hit.entry.slug for hit in engine.search("brain mri").hits] == ["people", "mice"]
    assert [hit.entry.slug for hit in engine.search("mouse brain mri").hits] == ["mice"]


def test_options_are_asked_for_beside_the_words_and_only_certain_fits_count():
    assert set(slugs("ct", wishes=options(anatomy="hepatic", task="Seg", min_samples=100))) == {"disputed", "liver-ct"}
    assert "gbm" not in slugs("", wishes=options(modality="mra"))


def test_an_unknown_option_value_is_refused_with_close_names():
    with pytest.raises(NotFound, match="no modality is called 'mamography'") as refusal:
        options(modality="mamography")
    assert "Mammography" in str(refusal.value)


def test_what_only_may_fit_is_counted_apart_and_follows():
    regions = entry("regions", "Regions", "head and neck", "segmentation")
    engine = make_engine(Catalog((entry("hip", "Hippo", "mr", "hippocampus", "segmentation"), regions), load(), "may"))
    result = engine.search("hippocampus segmentation")
    assert [(hit.entry.slug, hit.certain) for hit in result.hits] == [("hip", True), ("regions", False)]
    assert (result.total, result.may) == (1, 1)
    assert result.facets["anatomy"] == {"Hippocampus": 1}


def test_a_set_that_shares_only_the_task_is_no_near_miss():
    skin = entry("skin", "SkinSet", "dermoscopy", "skin", "segmentation")
    engine = make_engine(Catalog((entry("hip", "Hippo", "mr", "hippocampus", "classification"), skin), load(), "near"))
    assert [hit.entry.slug for hit in engine.search("hippocampus segmentation").near] == ["hip"]


def test_every_near_miss_says_what_it_misses_also_when_an_option_asked():
    near = ENGINE.search("", wishes=options(modality="mra", anatomy="brain")).near
    assert {hit.entry.slug: hit.misses for hit in near} == dict.fromkeys(("brain", "gbm"), ("modality: MR angiography (has MR)",))


def test_a_name_that_repeats_the_query_does_not_outrank_a_set_that_is_used():
    terms = ("mr", "brain", "glioma", "segmentation")
    named, known = entry("brain-mri", "Brain-MRI", *terms, n_samples=3929, labelled=True), entry("brats", "BraTS", *terms, n_samples=1470, labelled=True, used=40)
    engine = make_engine(Catalog((named, known), load(), "used"))
    assert [hit.entry.slug for hit in engine.search("brain mri glioma segmentation").hits] == ["brats", "brain-mri"]


def test_facets_count_the_hits():
    facets = ENGINE.search("liver").facets
    assert facets["task"] == {"Segmentation": 4, "Classification": 1}
    assert facets["commercial use"] == {"unknown": 2, "yes": 1, "no": 1, "contested": 1}


def test_what_was_asked_for_is_counted_as_it_fits():
    assert ENGINE.search("mri glioma").facets["finding"] == {"Glioma": 2, "Glioblastoma": 1}


def test_a_quoted_phrase_must_stand_there():
    assert slugs('"GBM Collection"') == ["gbm"]


def test_words_without_a_facet_are_looked_up_in_names():
    assert slugs("collection gbm")[0] == "gbm"
    assert slugs("xyzzy") == []


def test_an_excluded_term_is_kept_out():
    assert slugs("brain mri not glioblastoma") == ["brain"]


def test_two_terms_that_are_left_out_together_leave_out_only_what_has_both():
    both = entry("both", "Both", "mr", "brain", "ct", "abdomen")
    engine = make_engine(Catalog((*ENTRIES, both, entry("head-ct", "HeadCT", "mr", "brain", "ct")), load(), "both"))
    assert {hit.entry.slug for hit in engine.search("brain mri not abdominal ct").hits} == {"brain", "gbm", "head-ct"}


def test_a_finding_that_cannot_sit_there_is_hardly_believed():
    odd = Entry("odd", "Gallbladder Videos", terms={"gallbladder": frozenset({"a", "b"}), "endoscopy": frozenset({"a", "b"}), "tuberculosis": frozenset({"b"})})
    engine = make_engine(Catalog((odd, *ENTRIES), load(), "odd"))
    assert "odd" not in [hit.entry.slug for hit in engine.search("tuberculosis").hits]


def test_the_same_query_gives_the_same_order():
    assert slugs("liver ct") == slugs("liver ct")

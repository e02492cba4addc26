"""Licences: wording becomes flags, claims are weighed, combinations are judged."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from isocenter.registry import license_parser
from isocenter.registry.license_parser import known, parse_license
from isocenter.registry.licenses import License, Statement, allows, combine, effective, in_words, title

SHARED = Path(os.environ.get("ISOCENTER_SHARED", Path(__file__).parents[2].parent / "shared")) / "facts" / "licences"
shared = pytest.mark.skipif(not SHARED.exists(), reason="the shared fact tables are not here (ISOCENTER_SHARED)")


def claims(dataset: str, *texts: str) -> list[Statement]:
    return [Statement(dataset, text, parse_license(text), f"source {n}") for n, text in enumerate(texts)]


@pytest.mark.parametrize(("text", "spdx"), [
    ("CC BY 4.0", "CC-BY-4.0"), ("cc_by_nc_4.0", "CC-BY-NC-4.0"), ("ccby4.0", "CC-BY-4.0"), ("CC BY v4", "CC-BY-4.0"), ("CC BY 4,0", "CC-BY-4.0"),
    ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0 International (CC BY-NC-ND 4.0)", "CC-BY-NC-ND-4.0"),
    ("Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"), ("CC 4.0 (by-nc-sa/4.0)", "CC-BY-NC-SA-4.0"),
    ("https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode", "CC-BY-NC-SA-4.0"), ("CC BY-SA-NC 4.0", "CC-BY-NC-SA-4.0"),
    ("http://creativecommons.org/licenses/by/3.0/us/", "CC-BY-3.0-US"), ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
    ("tcia, Creative Commons Attribution 4.0 International Public License", "CC-BY-4.0"), ("CC0: Public Domain", "CC0-1.0"),
    ("apache license, version 2.0", "Apache-2.0"), ("https://opensource.org/licenses/MIT", "MIT"), ("GPLv2+", "GPL-2.0-or-later"),
    ("GNU General Public License v3.0", "GPL-3.0-only"), ("Open Data Commons Open Database License v1.0", "ODbL-1.0"),
    ("Creative Commons Attribution Share Alike (CC-BY-SA) 4.0", "CC-BY-SA-4.0"),
])
def test_every_spelling_of_a_known_licence_gets_its_spdx_id(text, spdx):
    assert parse_license(text).id == spdx


@pytest.mark.parametrize("text", ["", "-", None, "unknown", "Not stated", "N/A", "Does not have copyright information", "nan"])
def test_a_licence_that_is_not_stated_stays_unknown(text):
    licence = parse_license(text)
    assert licence.id == "NOASSERTION"
    assert set(licence.flags().values()) == {"unknown"}


@pytest.mark.parametrize("text", ["tcia", "The Cancer Imaging Archive", "public", "pubilc", "free", "Open Access", "IBM", "foo bar licence 7",
                                  "<script>alert(1)</script>", "'; DROP TABLE license; --", "commercial use is permitted", "Provided by 4 hospitals"])
def test_a_host_a_word_or_an_unheard_of_text_permits_nothing(text):
    licence = parse_license(text)
    assert "yes" not in (licence.use, licence.commercial, licence.redistribution)
    assert licence.id.startswith("LicenseRef-")


def test_a_version_that_does_not_exist_is_dropped_and_said():
    licence = parse_license("CC BY-NC-ND 6.0")
    assert (licence.id, licence.commercial, licence.derivatives) == ("LicenseRef-CC-BY-NC-ND-unversioned", "no", "no")
    assert parse_license("CC BY-SA 5.0").note == "Creative Commons has no version 5.0"


@pytest.mark.parametrize(("text", "flag"), [
    ("Non commercial research use only, redistribution prohibited", "commercial"), ("no redistributing", "redistribution"),
    ("仅供科研使用，禁止商用", "commercial"), ("Competition rules, non-commercial", "commercial"), ("CC BY 4.0, non-commercial use only", "commercial"),
    ("Academic use", "commercial"), ("commercial use prohibited", "commercial"),
])
def test_a_prohibition_in_words_is_kept(text, flag):
    assert getattr(parse_license(text), flag) == "no"


@pytest.mark.parametrize("text", ["CC BY 4.0, CC BY-NC 4.0", "CC BY 4.0 (masks); images under source terms", "MIT and CC BY 4.0", "Per image: CC BY or CC0"])
def test_licences_that_differ_by_item_permit_nothing_as_a_whole(text):
    assert parse_license(text).commercial == "unknown"


@shared
def test_every_licence_string_met_gets_the_reviewed_id_and_never_more_permission():
    rows = list(csv.DictReader((SHARED / "licence_strings.csv").open(encoding="utf-8")))
    assert len(rows) == 108
    for row in rows:
        licence = parse_license("" if row["licence_string"] == "(empty)" else row["licence_string"])
        assert licence.id == row["normalised_id"], row
        for flag in ("commercial", "derivatives", "redistribution"):
            assert getattr(licence, flag) == row[flag] or getattr(licence, flag) == "no", (row, flag)


@shared
def test_the_parser_alone_agrees_with_the_review_on_99_of_108_strings(monkeypatch):
    monkeypatch.setattr(license_parser, "_reviewed", dict)
    rows = list(csv.DictReader((SHARED / "licence_strings.csv").open(encoding="utf-8")))
    same = sum(parse_license("" if row["licence_string"] == "(empty)" else row["licence_string"]).id == row["normalised_id"] for row in rows)
    assert same >= 99


@shared
def test_the_61_known_conflicts_are_found_from_the_statements_with_their_kind():
    statements: dict[str, list[Statement]] = {}
    for row in csv.DictReader((SHARED / "licence_statements.csv").open(encoding="utf-8")):
        statements.setdefault(row["dataset"], []).append(Statement(row["dataset"], row["statement"], known(row["normalised_id"]), row["source"]))
    found = {name: effective(name, said).conflict for name, said in statements.items()}
    expected = {row["dataset"]: row["kind"] for row in csv.DictReader((SHARED / "licence_conflicts.csv").open(encoding="utf-8"))}
    assert {name: kind for name, kind in found.items() if kind and kind != "unread terms beside a licence"} == expected
    assert sum(kind == "differs in commercial use" for kind in expected.values()) == 35
    for name, kind in expected.items():
        if kind == "differs in commercial use":
            assert allows(effective(name, statements[name]), "commercial") == "contested"


def test_the_strictest_claim_counts_and_the_conflict_stays_visible():
    found = effective("lits", claims("lits", "CC BY-NC-SA 4.0", "CC BY-SA 4.0", "CC BY-NC-ND 4.0"))
    assert (found.flags["commercial"], found.flags["derivatives"], found.flags["share_alike"]) == ("no", "no", "yes")
    assert found.contested["commercial"] == {"no": ("CC-BY-NC-ND-4.0", "CC-BY-NC-SA-4.0"), "yes": ("CC-BY-SA-4.0",)}
    assert allows(found, "commercial") == "contested"


@pytest.mark.parametrize(("texts", "answer"), [
    (("CC BY 4.0",), "yes"), (("CC BY 4.0", "tcia"), "yes"), (("CC BY 4.0", "Custom"), "unknown"), (("tcia",), "unknown"), ((), "unknown"),
    (("CC BY 4.0", "CC BY-NC 4.0"), "contested"), (("CC BY-NC 4.0",), "no"), (("CC BY 4.0", "Custom DUA"), "contested"), (("public",), "unknown"),
])
def test_commercial_use_is_a_yes_only_when_every_claim_that_speaks_says_yes(texts, answer):
    assert allows(effective("d", claims("d", *texts)), "commercial") == answer


def test_a_claim_about_another_release_does_not_count():
    said = [Statement("d", "CC BY 4.0", known("CC-BY-4.0"), "s", release="2"), Statement("d", "CC BY-NC 4.0", known("CC-BY-NC-4.0"), "s", release="1")]
    assert allows(effective("d", said, release="2"), "commercial") == "yes"
    assert allows(effective("d", said), "commercial") == "contested"


def test_two_differing_share_alike_licences_cannot_be_shared_together():
    both = combine({"a": known("CC-BY-SA-4.0"), "b": known("CC-BY-NC-SA-4.0"), "c": known("CC-BY-4.0")})
    assert {reason.dataset for reason in both.incompatible} == {"a", "b"}
    assert {use: verdict.answer for use, verdict in both.verdicts.items()} == {"local": "yes", "share": "no", "commercial": "no"}
    assert ("b", "forbids commercial use") in {(reason.dataset, reason.why) for reason in both.verdicts["commercial"].reasons}


def test_no_derivatives_forbids_sharing_only_when_something_is_changed():
    still = known("CC-BY-ND-4.0")
    assert combine([still], changed=True).verdicts["share"].answer == "no"
    assert combine([still], changed=False).verdicts["share"].answer == "yes"


def test_a_share_alike_licence_without_its_version_goes_along_with_its_family():
    assert not combine([known("CC-BY-NC-SA-4.0"), known("LicenseRef-CC-BY-NC-SA-unversioned")]).incompatible


def test_an_unknown_licence_leaves_every_use_open_by_name():
    verdicts = combine({"a": known("CC-BY-4.0"), "b": License("NOASSERTION")}).verdicts
    assert {verdict.answer for verdict in verdicts.values()} == {"unknown"}
    assert {reason.dataset for reason in verdicts["share"].reasons} == {"b"}


def test_every_verb_says_the_strictest_answer_and_that_sources_disagree():
    found = effective("lits", claims("lits", "CC BY-NC-SA 4.0", "CC BY-SA 4.0"))
    assert (in_words(found, "commercial"), in_words(found, "use")) == ("no (sources disagree)", "yes")
    assert in_words(effective("d", ()), "commercial") == "not stated"


def test_a_licence_that_nobody_read_at_the_provider_is_marked_so():
    second, read = (Statement("d", "CC0", known("CC0-1.0"), "a", confidence=confidence) for confidence in ("second-hand", "read"))
    assert title(effective("d", [second])) == "CC0-1.0 (second-hand)"
    assert title(effective("d", [second, read])) == "CC0-1.0"
    assert title(effective("d", ())) == "not stated"

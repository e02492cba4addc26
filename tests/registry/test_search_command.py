"""`isocenter search` as it is typed: one JSON object, or a page for people; the prepared catalog is kept and made again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from isocenter.cli.main import main
from isocenter.registry.catalog import packaged
from isocenter.registry.search import prepared
from isocenter.registry.search.engine import open_catalog


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("ISOCENTER_CACHE")
    os.environ["ISOCENTER_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["ISOCENTER_CACHE"]
    else:
        os.environ["ISOCENTER_CACHE"] = before


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["search", *arguments])
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out, printed.err


def test_json_is_one_object_of_the_agreed_shape(capsys):
    status, out, _ = run(capsys, "brain mri glioma segmentation", "--limit", "3", "--json")
    body = json.loads(out)
    assert status == 0
    assert {"hits", "near", "facets", "understood", "did_you_mean", "total"} <= set(body)
    assert len(body["hits"]) == 3
    for hit in body["hits"]:
        assert {"slug", "name", "aliases", "score", "why"} <= set(hit)
    assert body["near"]
    assert all(hit["misses"] for hit in body["near"])
    assert all(hit["certain"] for hit in body["hits"])
    assert body["hits"][0]["slug"] != "brain-mri"
    assert [(wish["facet"], wish["value"]) for wish in body["understood"]] == [("anatomy", "Brain"), ("modality", "MR"), ("finding", "Glioma"), ("task", "Segmentation")]


def test_aliases_carry_every_name(capsys):
    _, out, _ = run(capsys, "BraTS2021", "--json")
    hit = json.loads(out)["hits"][0]
    assert hit["slug"] == "brats-2021"
    assert "BraTS21" in hit["aliases"]


def test_the_page_for_people_shows_what_counts_and_what_to_type_next(capsys):
    _, out, _ = run(capsys, "pnuemonia", "xray", "--limit", "2")
    assert "did you mean: " in out
    assert "pneumonia xray" in out
    assert "finding: Pneumonia, modality: X-ray" in out
    assert "why, each of them: " in out
    assert out.rstrip().splitlines()[-1].startswith("next: isocenter show ")


def test_a_reason_that_all_hits_share_is_said_once(capsys):
    _, out, _ = run(capsys, "brain mri glioma segmentation", "--limit", "5")
    assert out.count("finding: Glioma;") == 1
    assert "datasets fit, the best 5:" in out


def test_the_page_says_how_many_fit_and_how_many_more_may(capsys):
    _, out, _ = run(capsys, "hippocampus", "segmentation")
    found = re.search(r"^(\d) datasets fit, \d+ more may; the likeliest (\d) of those are listed, too$", out, re.MULTILINE)
    assert found
    assert int(found[1]) + int(found[2]) == 10
    assert out.index(f"  {found[1]} ") < out.index("\nmay fit\n") < out.index(" 10 ")


def test_a_name_with_control_characters_is_shown_and_not_obeyed():
    from isocenter.cli.search_view import as_text
    from isocenter.registry.search.engine import make_engine
    from isocenter.registry.search.entries import Catalog, Entry
    from isocenter.registry.vocabulary import load

    engine = make_engine(Catalog((Entry("odd", "Red\x1b[31mName", terms={"ct": frozenset({"t"})}),), load(), "odd"))
    page = as_text(engine.search("ct"), load())
    assert "Red\\x1b[31mName" in page
    assert "\x1b[31m" not in page


def test_options_mix_with_words(capsys):
    _, out, _ = run(capsys, "segmentation", "--anatomy", "hepatic", "--modality", "CT", "--min-samples", "100", "--json")
    hits = json.loads(out)["hits"]
    assert "lits" in [hit["slug"] for hit in hits]
    assert all(hit["n_samples"] >= 100 for hit in hits)


def test_allows_commercial_lists_only_a_plain_yes(capsys):
    _, out, _ = run(capsys, "--allows", "commercial", "--limit", "2000", "--json")
    body = json.loads(out)
    assert body["hits"]
    assert {hit["commercial"] for hit in body["hits"]} == {"yes"}


def test_an_unknown_value_is_refused_with_a_hint(capsys):
    status, out, err = run(capsys, "--modality", "mamography", "--json")
    assert status != 0
    assert "did you mean Mammography" in json.loads(out)["error"]["try"]
    assert "mamography" in err


def test_the_prepared_catalog_answers_like_a_fresh_one(cache):
    fresh, kept = open_catalog(packaged()), open_catalog(packaged())
    assert list(cache.glob("search/*/prepared.json"))
    for query in ("liver ct", "TotalSegmentater", "kaggle skin", "since 2022 abdomen"):
        assert [hit.why for hit in fresh.search(query).hits] == [hit.why for hit in kept.search(query).hits]


def test_a_spoiled_cache_is_made_again(cache):
    open_catalog(packaged())
    for file in cache.glob("search/*/prepared.json"):
        file.write_text("{", encoding="utf-8")
    assert open_catalog(packaged()).search("liver").hits


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setattr(prepared, "cache_folder", lambda: tmp_path / "file")
    assert open_catalog(packaged()).search("liver").hits


def test_search_never_imports_sqlalchemy_or_torch():
    code = "import sys; from isocenter.cli.main import main\ntry: main(['search', 'liver', '--json'])\nexcept SystemExit: pass\n" \
           "print([name for name in ('sqlalchemy', 'torch', 'pandas', 'polars') if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_the_page_of_the_command_shows_what_it_finds(capsys):
    page = (Path(__file__).parents[2] / "docs/how-to/search.md").read_text(encoding="utf-8")
    _, out, _ = run(capsys, "brain mri glioma segmentation", "--limit", "2")
    for line in out.splitlines():
        if line.startswith(("understood", "  1 ", "  2 ", "next:")):
            assert line in page.splitlines()

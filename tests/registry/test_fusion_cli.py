"""The commands of the how-to pages about plans, fetching and exchange, as a user types them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import click
import pytest

from isocenter.cli.main import main

ROOT = Path(__file__).parents[2]
PORTAL = [{"name": f"Set {n}", "slug": f"set-{n}", "dimension": "2D", "modality": ["CT"], "task": ["Segmentation"], "data_volume_total": 100 * n, "organization": "A"}
          for n in range(3)]


@pytest.fixture
def run(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    def command(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as done:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(done.value.code or 0), printed.out + printed.err

    return command


def test_the_portal_rule_prints_rows_and_names(run, tmp_path):
    (tmp_path / "portal.json").write_text(json.dumps(PORTAL))
    status, text = run("plan", "examples/rules/portal-default.json", "--compat", "imaging-x", "--data", str(tmp_path / "portal.json"), "--json")
    body = json.loads(text)
    assert (status, body["rows"], body["names"], body["modalities"]["CT"]) == (0, 2, 2, {"names": 2, "images": 300, "orgs": 1})


def test_a_rule_over_the_shipped_catalog_honours_every_field(run):
    status, text = run("plan", "examples/rules/open-liver.json", "--json")
    body = json.loads(text)
    assert status == 0
    assert "msd03-liver" in {member["slug"] for member in body["members"]}
    assert sum(member["bytes"] or 0 for member in body["members"]) <= 200e9
    assert all(member["labelled"] for member in body["members"])
    assert {"prefer_labeled", "storage_budget_gb"} <= {one["field"] for one in body["differences"]}
    assert len(body["members"]) + len(body["excluded"]) > 1200


def test_a_corpus_lists_members_and_what_is_missing(run):
    status, text = run("plan", "sat-ds", "--json")
    body = json.loads(text)
    assert (status, body["title"]) == (0, "SAT-DS")
    assert len(body["members"]) >= 55
    assert "VerSe" in {one["named"] for one in body["missing"]}


def test_a_dry_fetch_ends_in_the_command_that_fetches_the_same(run, monkeypatch):
    monkeypatch.setattr("isocenter.registry.fetch.size_of", lambda url: 5)
    _, text = run("fetch", "medmnist", "--only", "breast*", "--only", "blood*", "--dry-run")
    assert text.splitlines()[0] == "MedMNIST [medmnist]: 2 files, 10 B"
    assert text.splitlines()[-1] == "next: isocenter fetch medmnist --only 'breast*' --only 'blood*' --to medmnist"


def test_a_dataset_that_a_person_must_get_is_not_called_empty(run):
    _, text = run("fetch", "mimic-cxr")
    assert text.splitlines()[0] == "MIMIC-CXR [mimic-cxr]: no file that can be fetched without you"


def test_one_licence_is_answered_alike_by_every_verb(run):
    said = [run(*arguments)[1] for arguments in (("show", "lits"), ("fetch", "lits"), ("search", "lits", "--limit", "1"))]
    assert all(re.search(r"commercial( use)?: no \(sources disagree\)", text) for text in said)
    assert re.search(r"commercial +no \(sources disagree\)", run("plan", "lits")[1])


def test_every_corpus_of_the_catalog_can_be_planned():
    from isocenter.registry.catalog import catalog_query
    from isocenter.registry.fusion.corpus import fuse_corpus
    from isocenter.registry.fusion.snapshot import take

    with catalog_query() as query:
        snapshot = take(query)
    for corpus in snapshot.corpora:
        plan = fuse_corpus(corpus, snapshot)
        assert {member.slug for member in plan.members} <= snapshot.datasets.keys()


@pytest.mark.parametrize(("arguments", "words"), [
    (("plan", "no-such-corpus"), "no dataset or corpus"), (("plan", "missing.json"), "no such rule"), (("plan", "examples/rules/open-liver.json", "--compat", "imaging-x"), "--data"),
    (("fetch", "no-such-set"), "no dataset"), (("catalog", "export", "lits", "--to", "xml"), "named 'xml'"),
])
def test_what_cannot_be_done_is_said_with_the_next_step(run, arguments, words):
    status, text = run(*arguments)
    assert status in (1, 2)
    assert words in text
    assert "try:" in text


def test_fetch_says_licence_and_steps_where_no_file_is_open(run):
    status, text = run("fetch", "mimic-cxr", "--json")
    body = json.loads(text)
    assert (status, body["fetched"], body["license"], body["files"]) == (0, False, "LicenseRef-PhysioNet-Credentialed-1.5.0", [])


def test_every_listed_file_has_a_sum_an_https_address_and_a_dataset():
    facts = ROOT / "registry" / "facts"
    slugs = {row["slug"] for row in csv.DictReader((facts / "dataset.csv").open(encoding="utf-8"))}
    rows = list(csv.DictReader((facts / "download.csv").open(encoding="utf-8")))
    assert {row["slug"] for row in rows} <= slugs
    assert all(re.fullmatch(r"(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})", row["checksum"]) and row["url"].startswith("https://") and row["evidence"] for row in rows)


def test_an_export_is_written_whole(run, tmp_path):
    status, _ = run("catalog", "export", "lits", "--out", str(tmp_path / "lits.json"))
    assert (status, json.loads((tmp_path / "lits.json").read_text())["conformsTo"]) == (0, "http://mlcommons.org/croissant/1.1")


@pytest.mark.parametrize("page", ["licences"])
def test_the_python_of_a_page_prints_what_it_says(page):
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text()
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            code, mark, said = line.partition("  # ")
            if mark:
                assert repr(eval(code, names)) == said.strip(), line
            else:
                exec(line, names)


def test_a_name_with_control_characters_is_shown_and_not_obeyed(capsys):
    from isocenter.cli.options import emit

    with click.Context(click.Command("show")):
        emit({}, False, "evil \x1b[2J\x07 name\n\tline")
    assert capsys.readouterr().out == "evil \\x1b[2J\\x07 name\n\tline\n"

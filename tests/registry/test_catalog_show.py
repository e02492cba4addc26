"""`show`, `related` and `sql`, run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, Conflict, IsocenterError, NotFound, Refused
from isocenter.core.workspace import Workspace
from isocenter.registry.readonly import select


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def text(*arguments: str) -> str:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False).output


def test_show_gives_names_terms_access_licence_artifacts_relations_and_sources() -> None:
    entry = run("show", "LiTS")
    assert entry["slug"] == "lits"
    assert {one["term"] for one in entry["terms"]["modality"]} == {"ct"}
    assert {one["source_id"] for one in entry["sources"]} >= {"imaging-x", "imaging-x-portal"}
    assert any(one["slug"] == "msd03-liver" and one["predicate"] == "derived-from" and one["direction"] == "from" for one in entry["relations"])
    assert sum(one["chosen"] for one in entry["claims"] if one["field"] == "n_samples") == 1


def test_unavailable_and_withdrawn_are_different_events() -> None:
    assert "unavailable" in {one["type"] for one in run("show", "inbreast")["artifacts"]}
    assert "withdrawal" in {one["type"] for one in run("show", "cmb-crc")["artifacts"]}


def test_a_finding_says_which_release_it_applies_to_and_which_fixed_it() -> None:
    found = run("show", "kits19")["artifacts"]
    assert any(one["fixed_in"] == "15 April 2019" for one in found)


def test_claims_are_listed_with_source_and_doubt() -> None:
    printed = text("show", "isic19", "--claims")
    assert "! " in printed
    assert "belongs to another dataset" in printed


def test_a_corpus_lists_its_members_and_counts_what_nobody_can_name() -> None:
    corpus = run("show", "MedSG-Bench")
    assert corpus["kind"] == "corpus"
    assert corpus["missing"] == corpus["n_stated"] - corpus["named"] > 0
    assert "nobody can name them" in text("show", "medsg-bench")


def test_sat_ds_shows_its_72_members_and_what_was_added() -> None:
    corpus = run("show", "sat-ds")
    assert (corpus["named"], corpus["n_stated"], corpus["missing"]) == (72, 72, 0)


def test_an_ambiguous_name_lists_its_candidates() -> None:
    with pytest.raises(Conflict) as caught:
        CliRunner().invoke(cli, ["show", "ATLAS"], catch_exceptions=False)
    assert "atlas2023" in str(caught.value)
    assert "atlas-r2-0" in str(caught.value)


def test_an_unknown_name_suggests_one() -> None:
    with pytest.raises(NotFound, match="did you mean"):
        CliRunner().invoke(cli, ["show", "Kvasirr-SEG"], catch_exceptions=False)


def test_related_walks_both_ways_and_says_who_may_share_patients() -> None:
    found = {one["slug"]: one for one in run("related", "lits")["related"]}
    assert found["abdomenatlas"]["patients"] == "may"               # made from it
    assert found["3d-ircadb"]["patients"] == "same"                 # 20 scans lie in both, read at the source
    assert found["msd03-liver"]["patients"] == "same"               # of two relations the certain one counts
    assert [step["relation"] for step in found["msd03-liver"]["path"]] == ["msd03-liver same-patients-as lits"]
    assert found["word"]["patients"] == "other"                     # another source of the same aggregate
    assert {one["slug"] for one in run("related", "abdomenatlas")["related"]} >= {"lits"}


def test_papers_are_counted_once_by_method_and_venue() -> None:
    found = run("show", "nih-chest-x-ray-14")["citations"]
    assert [one["cited"] for one in found if one["venue"] == "MICCAI" and one["method"].startswith("auto")] == [88]
    assert "MICCAI 2013-2023: cited by 88 papers, mentioned by 11 papers" in text("show", "nih-chest-x-ray-14")


def test_a_statement_of_one_source_is_shown_once() -> None:
    assert text("show", "lits").count("CC BY-NC-ND 4.0 → CC-BY-NC-ND-4.0") == 1


def test_related_fits_a_terminal() -> None:
    assert max(map(len, text("related", "lits").splitlines())) <= 120


def test_related_lists_the_family_of_which_nothing_is_stated() -> None:
    assert "isic16" in run("related", "isic19")["family"]


def test_sql_answers_with_columns_and_rows() -> None:
    answer = run("sql", "SELECT slug FROM dataset WHERE slug = 'lits'")
    assert answer == {"columns": ["slug"], "rows": [["lits"]], "more": False}


def test_sql_says_when_the_limit_cuts() -> None:
    answer = run("sql", "SELECT slug FROM dataset", "--limit", "3")
    assert len(answer["rows"]) == 3
    assert answer["more"]


@pytest.mark.parametrize("statement", [
    "DROP TABLE dataset", "INSERT INTO dataset SELECT * FROM dataset", "ATTACH 'x.db'", "COPY dataset TO 'x.csv'", "SET memory_limit = '1TB'", "SET enable_external_access = true",
    "INSTALL httpfs", "LOAD httpfs", "CREATE TABLE t AS SELECT 1", "SELECT 1; DROP VIEW dataset", "CALL pragma_version()", "EXPORT DATABASE 'x'",
])
def test_sql_only_selects(statement: str) -> None:
    with pytest.raises((Refused, BadInput)):
        select(statement)


@pytest.mark.parametrize("statement", [
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('/*')",
    "SELECT * FROM read_parquet('http://localhost/x.parquet')", "SELECT getenv('HOME')", "SELECT * FROM secret_table",
])
def test_sql_reads_nothing_else(statement: str) -> None:
    secret_table = {"rows": [1]}
    assert secret_table
    with pytest.raises(IsocenterError):
        select(statement)


def test_sql_stops_in_time() -> None:
    with pytest.raises(BadInput, match="longer than"):
        select("SELECT count(*) FROM range(1000000000000)", seconds=0.3)


def test_sql_sees_the_tables_of_a_workspace_and_only_those(tmp_path: Path) -> None:
    import polars as pl

    workspace = Workspace.create(tmp_path / "it's here")
    for place, frame in ((workspace.samples("a"), pl.DataFrame({"sample_id": ["a@/1", "a@/2"]})), (workspace.cohort("c"), pl.DataFrame({"sample_id": ["a@/1"]}))):
        place.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(place)
    (workspace.root / "private.parquet").write_bytes(workspace.cohort("c").read_bytes())
    answer = select("SELECT cohort, count(*) FROM samples JOIN cohorts USING (sample_id) GROUP BY cohort", workspace)
    assert answer.rows == [("c", 1)]
    with pytest.raises(IsocenterError):
        select(f"SELECT * FROM read_parquet('{str(workspace.root).replace(chr(39), chr(39) * 2)}/private.parquet')", workspace)


def test_hostile_values_are_shown_and_not_executed(tmp_path: Path) -> None:
    from isocenter.registry.build import write_facts

    workspace = Workspace.create(tmp_path)
    hostile = "'; DROP TABLE dataset; --"
    workspace.facts.mkdir()
    write_facts("dataset", [{"slug": "x'y", "name": hostile}], workspace.facts / "dataset.csv")
    assert hostile in text("show", "x'y", "-w", str(tmp_path))
    assert hostile in text("show", hostile, "-w", str(tmp_path))


@pytest.mark.parametrize(("arguments", "what", "hint"), [
    (("show", "litss"), "did you mean lits?", "isocenter show lits"), (("plan", "litss"), "no dataset or corpus 'litss' in the catalog; did you mean lits?", "isocenter show lits"),
    (("plan", "sat-dss"), "did you mean sat-ds?", "isocenter show sat-ds"), (("fetch", "nothere"), "no dataset 'nothere' in the catalog", "isocenter search nothere"),
    (("show", "lung nodule"), "no dataset 'lung nodule' in the catalog", "isocenter search 'lung nodule'"),
])
def test_an_unknown_name_ends_in_a_command_that_can_be_typed(arguments: tuple[str, ...], what: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert what in caught.value.what
    assert caught.value.hint == hint

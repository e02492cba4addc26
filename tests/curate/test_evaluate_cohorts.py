"""Claims about `evaluate` and `compare` on real files: digits cut from a public set of scans, as two adopted folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tomli_w
from click.testing import CliRunner
from PIL import Image

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput
from isocenter.core.workspace import Workspace
from isocenter.curate.compare import compare
from isocenter.curate.evaluate_cohorts import evaluate_cohorts
from isocenter.curate.select import Wishes, select
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

digits = pytest.importorskip("sklearn.datasets").load_digits()
TERMS = {0: "pneumonia", 1: "pleural effusion", 6: "no finding"}
MANY = {0: 20, 1: 7, 6: 4}


@pytest.fixture
def cohorts(workspace: Workspace, tmp_path: Path) -> tuple[Cohort, Cohort]:
    """A long-tailed pool of three kinds of digits under medical names, and a balanced test set."""
    made = []
    for name, counts, skip in (("pool", MANY, 0), ("test", dict.fromkeys(MANY, 10), 100)):
        root = tmp_path / name
        (root / "img").mkdir(parents=True)
        rows = ["file,patient,sex,finding"]
        for digit, number in counts.items():
            for at, index in enumerate(np.flatnonzero(digits.target == digit)[skip:skip + number]):
                file = f"{digit}-{at}.png"
                Image.fromarray((digits.images[index] * 15).astype(np.uint8)).resize((32, 32)).save(root / "img" / file)
                rows.append(f"{file},{name}{digit}-{at},{'F' if at % 3 else 'M'},{digit}")
        (root / "t.csv").write_text("\n".join(rows) + "\n")
        layout = tmp_path / f"{name}.toml"
        layout.write_text(tomli_w.dumps({
            "images": "img/{file}", "tables": [{"name": "t", "file": "t.csv", "on": "file", "columns": {"patient": "patient", "sex": "sex"}}],
            "labels": [{"table": "t", "column": "finding", "mode": "exclusive", "values": {str(key): term for key, term in TERMS.items()}}],
        }))
        adopt(workspace, name, root, layout=str(layout))
        scan(workspace, name)
        made.append(merge(workspace, [name], name=f"{name}-all"))
    return made[0], made[1]


def test_the_default_finds_the_rare_kinds_and_the_table_says_so(workspace, cohorts, tmp_path):
    found = evaluate_cohorts(workspace, *cohorts, by=["spread"], budgets=[9], seeds=3, probe="thumbnail", out=tmp_path / "evidence")
    by = {row["strategy"]: row for row in found.summary.iter_rows(named=True)}
    assert set(by) == {"random", "stratified", "spread"}
    assert by["stratified"]["classes"] == 3
    assert by["spread"]["classes"] >= by["random"]["classes"]
    assert pl.read_parquet(tmp_path / "evidence/runs.parquet").height == 9
    assert (tmp_path / "evidence/probe-accuracy.svg").read_text().startswith("<?xml")
    assert (tmp_path / "evidence/against-random.svg").read_text().startswith("<?xml")


def test_the_verb_prints_a_sentence_for_every_strategy_and_valid_json(workspace, cohorts):
    arguments = ["evaluate", "pool-all", "--test", "test-all", "--by", "k-center", "--budget", "12", "--seeds", "2", "--with", "thumbnail", "--probe", "thumbnail", "--workspace", str(workspace.root)]
    text = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert "k-center is" in text.output
    body = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).output)
    assert {row["strategy"] for row in body["summary"]} == {"random", "stratified", "k-center"}


def test_a_budget_may_be_a_share_of_the_pool(workspace, cohorts):
    tail = ["--workspace", str(workspace.root), "--json"]
    chosen = json.loads(CliRunner().invoke(cli, ["select", "pool-all", "--by", "random", "--budget", "10%", "--with", "thumbnail", "--as", "tenth", *tail], catch_exceptions=False).output)
    assert (chosen["samples"], chosen["budget"]) == (3, 3)
    judged = CliRunner().invoke(cli, ["evaluate", "pool-all", "--test", "test-all", "--by", "random", "--budget", "50%", "--seeds", "2", "--with", "thumbnail", "--probe", "thumbnail", *tail])
    assert {row["budget"] for row in json.loads(judged.output)["summary"]} == {16}
    for wrong in ("0%", "many", "140%"):
        assert CliRunner().invoke(cli, ["select", "pool-all", "--budget", wrong, "--as", "never", *tail]).exit_code == 2


def test_the_probe_is_also_asked_about_corrupted_pictures(workspace, cohorts):
    arguments = ["evaluate", "pool-all", "--test", "test-all", "--by", "spread", "--budget", "12", "--seeds", "2", "--probe", "thumbnail", "--corrupt", "5",
                 "--workspace", str(workspace.root), "--json"]
    rows = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).output)["summary"]
    assert all(0 < row["corrupted accuracy"] < row["probe accuracy"] for row in rows)


def test_a_budget_beyond_the_pool_takes_all_of_it_and_says_so(workspace, cohorts):
    found = evaluate_cohorts(workspace, *cohorts, by=[], budgets=[1000, 31], seeds=2, encoder="thumbnail", probe="thumbnail")
    assert found.summary["budget"].unique().to_list() == [31]
    assert found.verdicts == ("budget 31: every choice gives the same probe accuracy, as a budget does that takes the whole pool",)
    done = CliRunner().invoke(cli, ["select", "pool-all", "--budget", "500", "--with", "thumbnail", "--as", "whole", "-w", str(workspace.root)], catch_exceptions=False)
    assert "the budget of 500 covers the pool: all 31 taken" in done.output
    measured = Cohort.open(workspace, "whole").header["beside"]
    assert all(0 <= found[name] < 1e-6 for found in measured.values() for name in ("mean distance", "farthest"))


def test_a_choice_that_caps_leave_empty_is_an_error_that_names_them(workspace, cohorts):
    with pytest.raises(BadInput, match=r"nothing is chosen: every sample is beyond a cap \(dataset=pool<=0\)"):
        select(workspace, cohorts[0], name="never", by="random", budget=5, wishes=Wishes(limits=("dataset=pool<=0",)))


def test_columns_of_a_strategy_come_from_a_table(workspace, cohorts, tmp_path):
    ids = cohorts[0].table["sample_id"].to_list()
    pl.DataFrame({"sample_id": ids, "score": range(len(ids))}).write_csv(tmp_path / "s.csv")
    found = evaluate_cohorts(workspace, *cohorts, by=["score"], budgets=[9], seeds=2, encoder="thumbnail", probe="thumbnail", supplied={"score": tmp_path / "s.csv"})
    assert "score" in found.runs["strategy"].to_list()


def test_a_pool_without_a_split_is_refused(workspace, cohorts):
    with pytest.raises(BadInput, match="no split"):
        evaluate_cohorts(workspace, cohorts[0], None, by=[], budgets=[9], seeds=2)


def test_select_keeps_floors_caps_and_a_budget_in_bytes(workspace, cohorts, tmp_path):
    pool = cohorts[0]
    chosen = select(workspace, pool, name="fair", by="random", budget=14, wishes=Wishes(limits=("sex=M>=8", "label=no finding>=3")))
    rows = chosen.samples(workspace, ["sex"])
    assert (rows["sex"] == "M").sum() >= 8
    assert sum(labels["no finding"] == "present" for labels in rows["labels"].to_list()) >= 3
    assert len(chosen) == 14
    sizes = pool.samples(workspace, ["bytes"])
    spent = select(workspace, pool, name="small", by="k-center", budget=int(sizes["bytes"].sum() // 4), encoder="thumbnail", wishes=Wishes(spend="bytes"))
    assert 0 < spent.samples(workspace, ["bytes"])["bytes"].sum() <= sizes["bytes"].sum() // 4
    with pytest.raises(BadInput, match=r"sex=M>=90: the pool has"):
        select(workspace, pool, name="never", by="random", budget=95, wishes=Wishes(limits=("sex=M>=90",)))


def test_select_takes_a_score_from_a_table_and_always_and_never_from_lists(workspace, cohorts, tmp_path):
    ids = cohorts[0].table["sample_id"].to_list()
    pl.DataFrame({"sample_id": ids, "score": range(len(ids))}).write_csv(tmp_path / "s.csv")
    (tmp_path / "always.txt").write_text(ids[0] + "\n")
    (tmp_path / "never.txt").write_text(ids[-1] + "\n")
    wishes = Wishes(include=tmp_path / "always.txt", exclude=tmp_path / "never.txt", supplied={"score": tmp_path / "s.csv"})
    chosen = select(workspace, cohorts[0], name="scored", by="score", budget=3, wishes=wishes)
    assert chosen.table["sample_id"].to_list() == [ids[0], ids[-2], ids[-3]]


def test_a_cohort_is_near_itself_and_its_tables_count_what_is_in_it(workspace, cohorts):
    same = compare(workspace, cohorts[0], cohorts[0], encoder="thumbnail")
    assert same.distances["embedding Fréchet"].value == pytest.approx(0, abs=1e-6)
    assert same.distances["FRD v1 (log d²)"].value == -np.inf
    assert same.distances["nFRD"].value == pytest.approx(0, abs=1e-9)
    other = compare(workspace, *cohorts, encoder="thumbnail", radiomic=False)
    assert other.distances["embedding Fréchet"].value > 0.01
    labels = other.tables.filter(pl.col("column") == "label")
    assert dict(zip(labels["value"], labels["first"])) == {"no finding": 4, "pleural effusion": 7, "pneumonia": 20}
    assert labels["second"].to_list() == [10, 10, 10]


def test_equity_of_supplied_predictions_is_told_by_group(workspace, cohorts, tmp_path):
    ids = cohorts[1].samples(workspace, ["sex"])
    truth = np.arange(len(ids)) % 2
    good = np.where(ids["sex"].to_numpy() == "F", truth, 0.5)
    pl.DataFrame({"sample_id": ids["sample_id"], "truth": truth, "prediction": good}).write_csv(tmp_path / "p.csv")
    found = compare(workspace, *cohorts, encoder="thumbnail", radiomic=False, predictions=tmp_path / "p.csv").equity["sex"]
    assert found["AUROC F"] == 1.0
    assert found["AUROC M"] == 0.5
    assert found["equity-scaled AUROC"] < found["AUROC"]


def test_the_verb_compare_prints_distances_and_valid_json(workspace, cohorts):
    arguments = ["compare", "pool-all", "test-all", "--no-radiomic", "--workspace", str(workspace.root)]
    assert "KID" in CliRunner().invoke(cli, arguments, catch_exceptions=False).output
    assert json.loads(CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False).output)["distances"]["CMMD"] > 0

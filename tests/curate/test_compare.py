"""Claims about `compare`: its distances by an independent computation, what shuffles say, and what a reader sees of tables and equity."""

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
from isocenter.curate.compare_distances import embedding_distances, radiomic_distances
from isocenter.curate.compare_equity import equity_of
from isocenter.curate.metrics_distance import cmmd, kid, out_of_distribution
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

RNG = np.random.default_rng(3)
NAMES = tuple(f"f{at}" for at in range(6))


def by_hand(reference: np.ndarray, other: np.ndarray) -> float:
    """d² of two Gaussians with a matrix square root, as textbooks write it."""
    sqrtm = pytest.importorskip("scipy.linalg").sqrtm
    a, b = np.cov(reference.T), np.cov(other.T)
    return float(((reference.mean(0) - other.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b))))


def test_kernel_distances_are_those_of_the_sums_written_out():
    first, second = RNG.standard_normal((7, 5)), RNG.standard_normal((9, 5)) + 0.5

    def cubic(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 5 + 1) ** 3)

    def gauss(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-((a - b) ** 2).sum() / 200))

    own = [sum(cubic(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j) / (len(rows) * (len(rows) - 1)) for rows in (first, second)]
    assert kid(first, second) == pytest.approx(sum(own) - 2 * np.mean([cubic(a, b) for a in first for b in second]))
    whole = [np.mean([gauss(a, b) for a in rows for b in rows]) for rows in (first, second)]
    assert cmmd(first, second) == pytest.approx(1000 * (sum(whole) - 2 * np.mean([gauss(a, b) for a in first for b in second])))


def test_the_distances_that_are_printed_are_those_of_an_independent_computation():
    first, second = RNG.standard_normal((60, 6)) * [1, 2, 3, 4, 5, 6], RNG.standard_normal((50, 6)) + 1
    found = embedding_distances(first, second)
    assert found["embedding Fréchet"].value == pytest.approx(by_hand(first, second), rel=1e-6), "six directions of six: nothing is lost"
    assert found["KID"].value == pytest.approx(kid(first, second))
    assert found["CMMD"].value == pytest.approx(cmmd(first, second))
    radiomic = radiomic_distances(first, second, NAMES)
    scaled = [(rows - first.mean(0)) / first.std(0) for rows in (first, second)]
    assert radiomic.distances["FRD v1 (log d²)"].value == pytest.approx(np.log(by_hand(*scaled)))
    assert radiomic.distances["FRD v1 (log d)"].value == pytest.approx(np.log(by_hand(*scaled)) / 2)
    both = np.vstack([first, second])
    scaled = [(rows - both.min(0)) / np.ptp(both, axis=0) * 7.457 for rows in (first, second)]
    assert radiomic.distances["FRD v0 (d²)"].value == pytest.approx(by_hand(*scaled))
    assert radiomic.distances["FRD v0 (d)"].value == pytest.approx(np.sqrt(by_hand(*scaled)))
    shift = np.abs(second.mean(0) - first.mean(0)) / first.std(0)
    assert radiomic.leading[0] == NAMES[int(shift.argmax())]


def test_sets_of_one_distribution_are_not_told_apart_and_shifted_ones_are():
    rows = RNG.standard_normal((160, 6))
    alike, shifted = rows[80:], rows[80:] + 1.5
    for other, apart in ((alike, False), (shifted, True)):
        found = embedding_distances(rows[:80], other) | radiomic_distances(rows[:80], other, NAMES).distances
        assert {name for name, one in found.items() if one.apart != apart} == set(), apart


def test_the_chance_of_a_score_follows_the_rule_of_the_threshold():
    reference, tested = RNG.standard_normal((400, 4)), RNG.standard_normal((100, 4)) * 2
    for rule in ("gaussian", "empirical"):
        far = out_of_distribution(reference, tested, rule=rule)  # type: ignore[arg-type]
        assert np.array_equal(far.out, far.chance < 0.05), rule
    assert 0.3 < far.out.mean() < 0.9


@pytest.fixture
def films(workspace: Workspace, tmp_path: Path) -> tuple[Cohort, Cohort]:
    """Twelve films with findings and sex, and eight brighter ones of another set that says neither."""
    for name, number, low in (("told", 12, 0), ("silent", 8, 120)):
        (tmp_path / name / "img").mkdir(parents=True)
        for at in range(number):
            Image.fromarray(np.random.default_rng(at).integers(low, low + 120, (24, 24)).astype(np.uint8)).save(tmp_path / name / f"img/{at:02d}.png")
    rows = ["file,sex,age,finding", *(f"{at:02d}.png,{'FM'[at % 2] if at < 10 else ''},{20 + 5 * at},{'pneumonia' if at % 3 else 'none'}" for at in range(12))]
    (tmp_path / "told/t.csv").write_text("\n".join(rows) + "\n")
    layout = {"images": "img/{file}", "tables": [{"name": "t", "file": "t.csv", "on": "file", "columns": {"sex": "sex", "age": "age"}}],
              "labels": [{"table": "t", "column": "finding", "mode": "exclusive", "values": {"pneumonia": "pneumonia", "none": "no finding"}}]}
    (tmp_path / "told.toml").write_text(tomli_w.dumps(layout))
    (tmp_path / "silent.toml").write_text(tomli_w.dumps({"images": "img/{file}"}))
    for name in ("told", "silent"):
        adopt(workspace, name, tmp_path / name, layout=str(tmp_path / f"{name}.toml"))
        scan(workspace, name)
        merge(workspace, [name], name=f"{name}-all")
    return Cohort.open(workspace, "told-all"), Cohort.open(workspace, "silent-all")


def run(workspace: Workspace, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["compare", *arguments, "--workspace", str(workspace.root)], standalone_mode=False)
    assert result.exception is None, result.exception
    return result.stdout


def test_a_term_that_nobody_annotated_is_no_zero_and_both_shares_have_a_name(films: tuple[Cohort, Cohort], workspace: Workspace) -> None:
    text = run(workspace, "told-all", "silent-all", "--no-radiomic")
    assert "share of told-all  share of silent-all" in text
    assert [line.split() for line in text.splitlines() if line.startswith("label")] == [
        ["label", "pneumonia", "8", "not", "annotated", "66.7%"], ["label", "no", "finding", "4", "not", "annotated", "33.3%"]]
    tables = json.loads(run(workspace, "told-all", "silent-all", "--no-radiomic", "--json"))["tables"]
    assert [row["second"] for row in tables if row["column"] == "label"] == [None, None]


def test_brighter_films_are_apart_and_every_score_is_written(films: tuple[Cohort, Cohort], workspace: Workspace, tmp_path: Path) -> None:
    text = run(workspace, "told-all", "silent-all", "--scores", str(tmp_path / "scores.csv"))
    assert [line.split()[-1] for line in text.splitlines() if line.startswith(("FRD v1", "nFRD"))] == ["apart"] * 3
    assert "8 of 8 samples of silent-all lie outside 95 % of told-all" in text
    assert "features that differ most: firstorder_" in text
    table = pl.read_csv(tmp_path / "scores.csv")
    assert table.columns == ["sample_id", "score", "out", "chance"]
    assert table["score"].to_list() == sorted(table["score"], reverse=True)
    assert set(table["sample_id"]) == set(films[1].table["sample_id"])


def test_equity_is_that_of_an_independent_computation_and_leaves_unstated_groups_out(films: tuple[Cohort, Cohort], workspace: Workspace, tmp_path: Path) -> None:
    auc = pytest.importorskip("sklearn.metrics").roc_auc_score
    truth, score = np.arange(12) // 2 % 2, np.random.default_rng(1).random(12)
    pl.DataFrame({"sample_id": films[0].table["sample_id"], "truth": truth, "prediction": score}).write_csv(tmp_path / "p.csv")
    found = equity_of(workspace, films[0], tmp_path / "p.csv", ("sex", "age"))
    sex = np.array([*"FM" * 5, "", ""])
    by = {one: auc(truth[sex == one], score[sex == one]) for one in "FM"}
    assert found["sex"]["AUROC"] == pytest.approx(auc(truth, score))
    assert {one: found["sex"][f"AUROC {one}"] for one in "FM"} == pytest.approx(by)
    assert found["sex"]["equity-scaled AUROC"] == pytest.approx(auc(truth, score) / (1 + sum(abs(value - auc(truth, score)) for value in by.values())))
    assert found["sex"]["parity difference"] == pytest.approx((score >= 0.5)[sex == "F"].mean() - (score >= 0.5)[sex == "M"].mean())
    assert found["sex"]["samples not stated"] == 2
    assert {name for name in found["age"] if name.startswith("samples")} == {"samples 18-39", "samples 40-59", "samples 60-79", "samples not stated"}
    text = run(workspace, "silent-all", "told-all", "--no-radiomic", "--predictions", str(tmp_path / "p.csv"))
    assert "2 samples without sex" in text
    (tmp_path / "bad.csv").write_text("sample_id,truth,prediction\nelsewhere,1,0.5\n")
    with pytest.raises(BadInput, match="no sample of told-all has a prediction"):
        equity_of(workspace, films[0], tmp_path / "bad.csv", ("sex",))

"""Claims about figures over all budgets: AUBC, foreground efficiency and the pairwise penalty matrix, against hands that computed them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from isocenter.cli.main import cli
from isocenter.core.errors import BadInput, UsageError
from isocenter.core.workspace import Workspace
from isocenter.curate.evaluate import Evidence
from isocenter.curate.evaluate_curves import curves, penalties
from isocenter.curate.evaluate_report import tables

DICE = {"random": [[0.2, 0.4, 0.8], [0.3, 0.4, 0.7]], "better": [[0.4, 0.6, 0.8], [0.5, 0.6, 0.7]]}
BUDGETS = [20, 40, 100]


def runs(table: dict[str, list[list[float]]] = DICE, budgets: list[int] = BUDGETS, **more: dict[str, list[list[float]]]) -> pl.DataFrame:
    return pl.DataFrame([{"strategy": name, "budget": budget, "seed": seed, "dice": values[seed][at], **{column: of[name][seed][at] for column, of in more.items()}}
                         for name, values in table.items() for seed in range(len(values)) for at, budget in enumerate(budgets)])


def test_the_area_is_that_of_trapezoids_on_a_budget_axis_from_0_to_1():
    by = {row["strategy"]: row for row in curves(runs(), "dice").iter_rows(named=True)}
    first, second = 0.25 * 0.3 + 0.75 * 0.6, 0.25 * 0.35 + 0.75 * 0.55
    assert by["random"]["AUBC"] == pytest.approx((first + second) / 2)
    assert by["better"]["vs random"] == pytest.approx(0.25 * 0.2 + 0.75 * 0.1), "0.2 more at the first two budgets, equal at the last"
    assert by["better"]["verdict random"] == "better", "the same difference for every seed"
    assert by["random"]["final"] == pytest.approx(0.75)


def test_a_strategy_wins_the_budgets_at_which_its_paired_test_is_significant():
    noise = [[0.50, 0.5, 0.5], [0.52, 0.5, 0.5], [0.54, 0.5, 0.5]]
    won = penalties(runs({"random": noise, "other": [[0.60, 0.5, 0.4], [0.62, 0.9, 0.4], [0.64, 0.1, 0.4]]}), "dice")
    assert won.columns == ["strategy", "random", "other"]
    table = dict(zip(won["strategy"], won.drop("strategy").rows()))
    assert table["other"] == pytest.approx((1 / 3, 0)), "better by 0.1 for every seed at the first budget only"
    assert table["random"] == pytest.approx((0, 1 / 3))


def test_holm_asks_more_of_many_comparisons():
    rng = np.random.default_rng(0)
    base = rng.normal(0.5, 0.02, (4, 3))
    table = {"random": base.tolist(), **{f"s{at}": (base + 0.03 + rng.normal(0, 0.015, base.shape)).tolist() for at in range(6)}}
    plain, holm = (penalties(runs(table), "dice", holm=how).drop("strategy").to_numpy().sum() for how in (False, True))
    assert holm < plain


def test_foreground_efficiency_is_the_rate_at_which_dice_nears_that_of_full_annotation():
    share = {"random": [[0.1, 0.2, 0.4]] * 2, "better": [[0.1, 0.3, 0.5]] * 2}
    gamma = {"random": 2.0, "better": 7.0}
    dice = {name: [[0.9 - 0.6 * float(np.exp(-gamma[name] * (x - 0.1))) for x in one] for one in of] for name, of in share.items()}
    found = curves(runs(dice, foreground=share), "dice", full=0.9)
    assert dict(zip(found["strategy"], found["foreground γ"])) == pytest.approx(gamma, rel=1e-3)
    assert np.isnan(curves(runs(dice), "dice", full=0.9)["foreground γ"].to_numpy()).all(), "without foreground there is none"


def test_foreground_efficiency_begins_at_the_mean_of_the_seeds_and_not_at_one_lucky_start():
    share = {"random": [[0.10, 0.3, 0.5], [0.14, 0.3, 0.5]]}
    later = [0.9 - 0.6 * float(np.exp(-5.0 * (x - 0.12))) for x in (0.3, 0.5)]
    found = curves(runs({"random": [[0.25, *later], [0.35, *later]]}, foreground=share), "dice", full=0.9)
    assert found["foreground γ"][0] == pytest.approx(5.0, rel=1e-3)


def test_one_budget_has_no_curve_and_a_missing_training_is_named():
    assert curves(runs({"random": [[0.2], [0.3]]}, [20]), "dice").is_empty()
    with pytest.raises(BadInput, match="better has no dice at budget 40 and seed 1"):
        Evidence.of(runs().filter(~((pl.col("strategy") == "better") & (pl.col("budget") == 40) & (pl.col("seed") == 1))), "dice")


def test_tables_keep_one_order_and_leave_out_what_nobody_has():
    learned, area, matrix = (header for header, _ in tables(Evidence.of(runs(), "dice")))
    assert learned == ("budget", "strategy", "dice")
    assert area[:3] == ("over all budgets, dice", "AUBC", "against random")
    assert matrix == ("beats, share of budgets", "random", "better")


def test_trainings_of_ones_own_are_judged_from_the_command_line(workspace: Workspace, tmp_path: Path):
    share = {"random": [[0.1, 0.2, 0.4]] * 2, "better": [[0.1, 0.3, 0.5]] * 2}
    runs(foreground=share).write_csv(tmp_path / "dice.csv")
    line = ["evaluate", "--measured", str(tmp_path / "dice.csv"), "--full", "0.9", "--out", str(tmp_path / "out"), "-w", str(workspace.root)]
    body = json.loads(CliRunner().invoke(cli, [*line, "--json"], catch_exceptions=False).output)
    assert {row["strategy"]: round(row["AUBC"], 4) for row in body["curves"]} == {"random": 0.5125, "better": 0.6375}
    assert all(row["foreground γ"] > 0 for row in body["curves"])
    text = CliRunner().invoke(cli, line, catch_exceptions=False).output
    assert "budget 20: better is better than random in dice: +20.0 points" in text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"runs.parquet", "summary.csv", "curves.csv", "penalties.csv", "verdicts.txt", "against-random.svg", "dice.svg", "foreground.svg"}


def test_a_table_in_per_cent_and_a_call_without_pool_and_table_are_refused(workspace: Workspace, tmp_path: Path):
    runs().with_columns(pl.col("dice") * 100).write_csv(tmp_path / "dice.csv")
    done = CliRunner().invoke(cli, ["evaluate", "--measured", str(tmp_path / "dice.csv"), "-w", str(workspace.root)])
    assert isinstance(done.exception, BadInput)
    assert "divide per cent by 100" in str(done.exception)
    assert isinstance(CliRunner().invoke(cli, ["evaluate", "-w", str(workspace.root)]).exception, UsageError)

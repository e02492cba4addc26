"""Claims about the evaluation of strategies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.core.plugins import PluginTable
from isocenter.curate.api import Pool
from isocenter.curate.evaluate import Trial, evaluate
from isocenter.curate.evaluate_summary import paired_p, verdicts

STRATEGIES = PluginTable("strategies", "isocenter.curate.strategies", ("pick", "needs"))
SEEDS = (0, 1, 2, 3, 4)


def long_tailed(seed: int = 0, informative: bool = True) -> Trial:
    """Six classes, the rarest with 8 of 700; the test split is balanced. Uninformative: features that know nothing of the classes."""
    rng = np.random.default_rng(seed)
    centres = 1.2 * rng.standard_normal((6, 16))
    labels = np.repeat(np.arange(6), [400, 180, 70, 30, 12, 8])
    truth = np.repeat(np.arange(6), 40)
    rows, test = (centres[of] + rng.standard_normal((len(of), 16)) for of in (labels, truth))
    looks = rows if informative else rng.standard_normal(rows.shape)
    unit = (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32)
    pool = Pool(tuple(f"s{at}" for at in range(len(labels))), unit, {"stratum": labels.astype(str).astype(object)})
    return Trial(pool, labels, rows.astype(np.float32), test.astype(np.float32), truth)


def some(*names: str) -> dict[str, object]:
    return {name: STRATEGIES.get(name) for name in ("random", *names)}


def test_choosing_with_the_labels_beats_random_where_classes_are_rare():
    found = evaluate(long_tailed(), some("stratified", "spread"), [36], SEEDS)
    by = {row["strategy"]: row for row in found.summary.iter_rows(named=True)}
    assert by["stratified"]["verdict random"] == "better"
    assert by["spread"]["verdict random"] == "better"
    assert by["spread"]["classes"] > by["random"]["classes"]
    assert any("spread is better than random" in line for line in found.verdicts)


def test_it_says_plainly_when_nothing_beats_random():
    found = evaluate(long_tailed(informative=False), some("k-center"), [40], SEEDS)
    assert found.verdicts[-1] == "budget 40: nothing tried here beats random"


LABEL_FREE = [name for name in STRATEGIES.names() if not STRATEGIES.get(name).needs and name not in ("random", "activeft")]     # activeft: 15 s


@pytest.mark.parametrize("name", LABEL_FREE)
def test_accuracy_and_verdict_of_every_strategy_are_those_of_an_independent_computation(name):
    linear_model = pytest.importorskip("sklearn.linear_model")
    stats = pytest.importorskip("scipy.stats")
    trial, table = long_tailed(3), some(name)
    found = evaluate(trial, table, [50], SEEDS)
    accuracy: dict[str, list[float]] = {one: [] for one in table}
    for one, strategy in table.items():
        for seed in SEEDS:
            at = strategy.pick(trial.pool, 50, seed=seed).indices
            mean, spread = trial.probe_pool[at].mean(0), trial.probe_pool[at].std(0)
            if len(set(trial.labels[at])) == 1:
                accuracy[one].append(float(np.mean(trial.test_labels == trial.labels[at][0])))
                continue
            peer = linear_model.LogisticRegression(max_iter=5000, tol=1e-8).fit((trial.probe_pool[at] - mean) / spread, trial.labels[at])
            accuracy[one].append(peer.score((trial.probe_test - mean) / spread, trial.test_labels))
    ours = {one: found.runs.filter(strategy=one).sort("seed")["probe accuracy"].to_list() for one in table}
    assert ours == {one: pytest.approx(values, abs=0.006) for one, values in accuracy.items()}
    row = found.summary.filter(strategy=name).row(0, named=True)
    test = stats.ttest_rel(accuracy[name], accuracy["random"])
    gain = np.mean(accuracy[name]) - np.mean(accuracy["random"])
    expected = "no different" if test.pvalue >= 0.05 else "better" if gain > 0 else "worse"
    assert row["verdict random"] == expected
    assert (row["low random"], row["high random"]) == pytest.approx(test.confidence_interval(0.95), abs=0.01)


def test_accuracy_on_changed_pictures_is_told_beside_that_on_good_ones():
    trial = long_tailed()
    noise = np.random.default_rng(5).standard_normal(trial.probe_test.shape)
    found = evaluate(replace(trial, changed={"none": trial.probe_test, "noise/5": noise}), some(), [60], (0, 1))
    for row in found.runs.iter_rows(named=True):
        assert row["corrupted accuracy"] < row["probe accuracy"]
    same = evaluate(replace(trial, changed={"none": trial.probe_test}), some(), [60], (0, 1))
    assert same.runs["corrupted accuracy"].to_list() == same.runs["probe accuracy"].to_list()


def test_junk_and_rare_classes_are_counted():
    trial = long_tailed()
    junk = np.zeros(len(trial.pool), bool)
    junk[:400] = True
    found = evaluate(Trial(trial.pool, trial.labels, trial.probe_pool, trial.probe_test, trial.test_labels, junk), some(), [350], (0, 1))
    row = found.runs.row(0, named=True)
    picks = STRATEGIES.get("random").pick(trial.pool, 350, seed=0).indices
    counts = np.bincount(trial.labels[picks], minlength=6)
    assert row["junk share"] == pytest.approx(np.mean(picks < 400))
    assert row["classes under 10"] == np.count_nonzero(counts < 10)
    assert row["top 5 % share"] == pytest.approx(counts.max() / 350)


def test_the_whole_pool_lies_at_distance_zero_from_itself():
    trial = long_tailed()
    found = evaluate(trial, some(), [len(trial.pool)], (0, 1))
    assert found.runs["Fréchet to pool"].max() == pytest.approx(0, abs=1e-6)
    assert found.runs["coverage"].min() == pytest.approx(1, abs=1e-5)


def test_one_seed_or_no_baseline_is_no_evaluation():
    with pytest.raises(BadInput, match="two seeds"):
        evaluate(long_tailed(), some(), [10], (0,))
    with pytest.raises(BadInput, match="random"):
        evaluate(long_tailed(), {"k-center": STRATEGIES.get("k-center")}, [10], SEEDS)


def test_constant_differences_are_certain_unless_they_are_zero():
    assert paired_p(np.full(5, 0.1)) == 0.0
    assert paired_p(np.zeros(5)) == 1.0


def test_there_is_a_sentence_for_every_strategy_and_budget():
    found = evaluate(long_tailed(), some("k-center"), [20, 60], (0, 1, 2))
    assert len([line for line in verdicts(found.summary) if "k-center" in line]) == 2

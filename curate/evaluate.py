"""Evaluate strategies: a pool, budgets, strategies and seeds go in; one table, its means with intervals, and plain sentences come out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from isocenter.core.errors import BadInput
from isocenter.core.progress import track
from isocenter.curate import metrics
from isocenter.curate.api import Pool
from isocenter.curate.metrics_distance import frechet
from isocenter.embeddings.kernels.principal import principal
from isocenter.embeddings.kernels.probe import linear_probe, neighbour_vote
from isocenter.embeddings.kernels.threads import one_thread

BASELINES = ("random", "stratified")
MAIN = "probe accuracy"
ALPHA = 0.05
FRECHET_DIRECTIONS = 32
FEW = 20_000            # rows of a pool below which threads wait for each other longer than they work


@dataclass(frozen=True, slots=True)
class Trial:
    """What strategies are judged on.

    pool: what strategies may look at. labels: (n,) class of every pool row, 0 … classes - 1, hidden from strategies (only `stratified` may be
    given it as a column). probe_pool, probe_test: (n, d) and (m, d) features that the judges train and test on, not necessarily the
    strategies' own. test_labels: (m,). junk: (n,) rows that should not be chosen, if known.
    """

    pool: Pool
    labels: NDArray[np.integer]
    probe_pool: NDArray[np.floating]
    probe_test: NDArray[np.floating]
    test_labels: NDArray[np.integer]
    junk: NDArray[np.bool_] | None = None
    classes: int = field(default=0)
    changed: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """runs: one row per strategy, budget and seed. summary: means, intervals and tests per strategy and budget. verdicts: sentences."""

    runs: pl.DataFrame
    summary: pl.DataFrame
    verdicts: tuple[str, ...]


def evaluate(trial: Trial, strategies: Mapping[str, ModuleType], budgets: Sequence[int], seeds: Sequence[int], *, classes_under: int = 10) -> Evidence:
    """Run every strategy at every budget and seed, and judge what it chose. `strategies` must hold `random`; `stratified` is compared with if there.

    Raises BadInput for fewer than two seeds (nothing can be tested) or without `random`.
    """
    if "random" not in strategies or len(seeds) < 2:
        raise BadInput("an evaluation needs the strategy random and two seeds or more", hint="five seeds tell a gain of a few points from luck")
    tasks = [(name, budget, seed) for name in strategies for budget in budgets for seed in seeds]
    with one_thread() if len(trial.pool) < FEW else nullcontext():
        reduced = principal(trial.probe_pool, FRECHET_DIRECTIONS)
        rows = [{"strategy": name, "budget": budget, "seed": seed, **_judge(trial, strategies[name], budget, seed, reduced, classes_under)}
                for name, budget, seed in track(tasks, "evaluate")]
    runs = pl.DataFrame(rows)
    summary = summarise(runs)
    return Evidence(runs, summary, verdicts(summary))


def summarise(runs: pl.DataFrame, figure: str = MAIN) -> pl.DataFrame:
    """Per budget and strategy: mean of every figure, and for one figure its 95 % interval and the paired t-tests against the baselines.

    Columns `vs random`, `low`, `high` (of the difference), `p random`, `verdict` (better, worse, no different at p < 0.05), the same for stratified.
    """
    figures = [name for name in runs.columns if name not in ("strategy", "budget", "seed")]
    rows = []
    for (budget,), at_budget in runs.group_by("budget", maintain_order=True):
        for (name,), own in at_budget.group_by("strategy", maintain_order=True):
            row = {"budget": budget, "strategy": name, "seeds": own.height, **{one: own[one].mean() for one in figures}}
            row |= {"± 95 %": _half_width(own[figure].to_numpy())}
            for baseline in BASELINES:
                base = at_budget.filter(pl.col("strategy") == baseline)
                row |= _against(own.sort("seed"), base.sort("seed"), figure, baseline)
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def verdicts(summary: pl.DataFrame) -> tuple[str, ...]:
    """One sentence per budget and strategy, and one that says so when nothing beats random."""
    lines = []
    for (budget,), rows in summary.group_by("budget", maintain_order=True):
        tried = rows.filter(pl.col("strategy") != "random")
        for row in tried.iter_rows(named=True):
            lines.append(f"budget {budget}: {row['strategy']} is {row['verdict random']} {'from' if row['verdict random'] == 'no different' else 'than'} random in {MAIN}: "
                         f"{100 * row['vs random']:+.1f} points (95 % interval {100 * row['low random']:+.1f} to {100 * row['high random']:+.1f}, p = {row['p random']:.2g})")
        if tried.height and not (tried["verdict random"] == "better").any():
            lines.append(f"budget {budget}: nothing tried here beats random")
    return tuple(lines)


def _judge(trial: Trial, strategy: ModuleType, budget: int, seed: int, reduced: NDArray[np.float32], classes_under: int) -> dict[str, float]:
    began = time.perf_counter()
    picks = strategy.pick(trial.pool, budget, seed=seed).indices
    seconds = time.perf_counter() - began
    labels = trial.labels[picks]
    classes = trial.classes or int(max(trial.labels.max(), trial.test_labels.max())) + 1
    asked = [trial.probe_test, *trial.changed.values()]
    probe, *changed = np.split(linear_probe(trial.probe_pool[picks], labels, np.vstack(asked), classes), len(asked))
    votes = neighbour_vote(trial.probe_pool[picks], labels, trial.probe_test, classes)
    truth, predicted = trial.test_labels, probe.argmax(1)
    counts = np.bincount(labels, minlength=classes)
    occurring = np.unique(trial.labels)
    features = trial.pool.features if trial.pool.features is not None else reduced
    return {
        MAIN: float((predicted == truth).mean()),
        "balanced accuracy": metrics.recall_of(truth, predicted, np.arange(classes)),
        "tail accuracy": metrics.recall_of(truth, predicted, metrics.tail_classes(trial.labels, classes)),
        "corrupted accuracy": float(np.mean([(one.argmax(1) == truth).mean() for one in changed])) if changed else float("nan"),
        "k-NN accuracy": float((votes.argmax(1) == truth).mean()),
        "AUROC": metrics.one_against_rest(truth, probe),
        "AUPRC": metrics.one_against_rest(truth, probe, metrics.auprc),
        "classes": float(np.count_nonzero(counts)),
        f"classes under {classes_under}": float(np.count_nonzero(counts[occurring] < classes_under)),
        "top 5 % share": metrics.top_share(labels),
        "coverage": metrics.coverage(features, features[picks]),
        "redundancy": metrics.redundancy(features[picks]),
        "junk share": float(trial.junk[picks].mean()) if trial.junk is not None else float("nan"),
        "Fréchet to pool": frechet(reduced[picks], reduced) if len(picks) > 1 else float("nan"),
        "seconds": seconds,
    }


def _against(own: pl.DataFrame, base: pl.DataFrame, figure: str, baseline: str) -> dict[str, object]:
    keys = (f"vs {baseline}", f"low {baseline}", f"high {baseline}", f"p {baseline}", f"verdict {baseline}")
    if base.is_empty() or base["seed"].to_list() != own["seed"].to_list():
        return dict.fromkeys(keys)
    difference = own[figure].to_numpy() - base[figure].to_numpy()
    mean, half = float(difference.mean()), _half_width(difference)
    p = paired_p(difference)
    verdict = "no different" if not p < ALPHA else "better" if mean > 0 else "worse"
    return dict(zip(keys, (mean, mean - half, mean + half, p, verdict)))


def paired_p(difference: NDArray[np.floating]) -> float:
    """Two-sided p of a paired t-test; constant differences are certain (p = 0) unless they are zero (p = 1)."""
    if np.ptp(difference) < 1e-12:
        return 1.0 if abs(difference[0]) < 1e-12 else 0.0
    return float(stats.ttest_1samp(difference, 0.0).pvalue)


def _half_width(values: NDArray[np.floating]) -> float:
    """Half of Student's 95 % interval of the mean."""
    return float(stats.t.ppf(1 - ALPHA / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")

"""Evaluate strategies: a pool, budgets, strategies and seeds go in; one table, what it comes to, and plain sentences come out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.progress import track
from isocenter.curate import metrics
from isocenter.curate.api import Pool
from isocenter.curate.constraints import Constraints
from isocenter.curate.constraints_choice import choose
from isocenter.curate.evaluate_curves import FOREGROUND, curves, penalties
from isocenter.curate.evaluate_summary import MAIN, summarise, verdicts
from isocenter.curate.metrics_distance import frechet
from isocenter.curate.parts_table import shown
from isocenter.embeddings.kernels.principal import principal
from isocenter.embeddings.kernels.probe import linear_probe, neighbour_vote
from isocenter.embeddings.kernels.threads import one_thread

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
    """What was found about one figure.

    runs: one row per strategy, budget and seed. summary: means, intervals and tests per strategy and budget. verdicts: sentences. curves and penalties:
    over all budgets, empty where there is one. full: the figure with everything annotated, where somebody states it.
    """

    runs: pl.DataFrame
    summary: pl.DataFrame
    verdicts: tuple[str, ...]
    curves: pl.DataFrame
    penalties: pl.DataFrame
    figure: str = MAIN
    full: float | None = None

    @classmethod
    def of(cls, runs: pl.DataFrame, figure: str = MAIN, full: float | None = None, *, holm: bool = False) -> Evidence:
        """What these runs come to. Raises BadInput where they lack `random`, a second seed, or one run of a strategy."""
        if "random" not in runs["strategy"].to_list() or runs["seed"].n_unique() < 2:
            raise BadInput("an evaluation needs the strategy random and two seeds or more", hint="five seeds tell a gain of a few points from luck")
        summary = summarise(runs, figure)
        return cls(runs, summary, verdicts(summary, figure), curves(runs, figure, full), penalties(runs, figure, holm=holm), figure, full)


def evaluate(trial: Trial, strategies: Mapping[str, ModuleType], budgets: Sequence[int], seeds: Sequence[int], *, classes_under: int = 10) -> Evidence:
    """Run every strategy at every budget and seed, and judge what it chose. `strategies` must hold `random`; it is compared with `stratified` too if there.

    Patches are chosen as `select` does, without overlap. Raises BadInput for fewer than two seeds (nothing can be tested) or without `random`.
    """
    if "random" not in strategies or len(seeds) < 2:
        raise BadInput("an evaluation needs the strategy random and two seeds or more", hint="five seeds tell a gain of a few points from luck")
    tasks = [(name, budget, seed) for name in strategies for budget in budgets for seed in seeds]
    with one_thread() if len(trial.pool) < FEW else nullcontext():
        reduced = principal(trial.probe_pool, FRECHET_DIRECTIONS)
        rows = [{"strategy": name, "budget": budget, "seed": seed, **_judge(trial, strategies[name], budget, seed, reduced, classes_under)}
                for name, budget, seed in track(tasks, "evaluate")]
    return Evidence.of(pl.DataFrame(rows))


def _learned(trial: Trial, picks: NDArray[np.integer]) -> list[NDArray[np.float64]]:
    """Probabilities of a probe that learned from these rows of the pool: of the test rows, then of the test rows after every change."""
    asked = [trial.probe_test, *trial.changed.values()]
    return np.split(linear_probe(trial.probe_pool[picks], trial.labels[picks], np.vstack(asked), _classes(trial)), len(asked))


def _classes(trial: Trial) -> int:
    return trial.classes or int(max(trial.labels.max(), trial.test_labels.max())) + 1


def _judge(trial: Trial, strategy: ModuleType, budget: int, seed: int, reduced: NDArray[np.float32], classes_under: int) -> dict[str, float]:
    began = time.perf_counter()
    picks = choose(trial.pool, strategy, Constraints(budget), seed=seed, columns={}).indices
    seconds = time.perf_counter() - began
    labels = trial.labels[picks]
    classes = _classes(trial)
    probe, *changed = _learned(trial, picks)
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
        **{name: value for name, value in shown(trial.pool, picks).items() if name == FOREGROUND},
        "seconds": seconds,
    }

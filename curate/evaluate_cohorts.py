"""Evaluate strategies on cohorts: a pool and a test cohort go in, the evidence comes out, with its table and plots as files if asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.files import draft
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.api import Pool
from isocenter.curate.columns import supplied_column
from isocenter.curate.evaluate import MAIN, Evidence, Trial, evaluate
from isocenter.curate.evaluate_changed import changed_features
from isocenter.curate.features import Features, features_of
from isocenter.curate.select import DEFAULT_ENCODER, STRATEGIES
from isocenter.harmonize.cohort import Cohort

BASELINES = ("random", "stratified")


def evaluate_cohorts(workspace: Workspace, pool: Cohort, test: Cohort | None, *, by: Sequence[str], budgets: Sequence[int], seeds: int,
                     encoder: str = DEFAULT_ENCODER, probe: str = "random-conv", junk: Path | None = None, severities: Sequence[int] = (),
                     out: Path | None = None) -> Evidence:
    """Judge strategies by what a probe learns from their choice of `pool` about `test` (or about the pool's own rows whose split is `test`).

    A sample's class is the set of its present terms; samples without labels are left out on both sides. Strategies see features of `encoder`;
    the probe is trained and tested on features of `probe`. junk: a table with `sample_id` and `junk` (1 or 0). severities: also test on
    samples corrupted that much (1 to 5). out: a folder for `runs.parquet`, `summary.csv` and plots. Raises BadInput when there is nothing to test on, or fewer than two classes.
    """
    names = list(dict.fromkeys([*BASELINES, *by]))
    strategies = {name: STRATEGIES.get(name, workspace.plugins) for name in names}
    with ledger(workspace, "evaluate", cohort=pool.name, test=test.name if test else None, by=list(by), budgets=list(budgets), seeds=seeds,
                encoder=encoder, probe=probe) as run:
        run.inputs |= {one.name: one.fingerprint or "" for one in (pool, test) if one is not None}
        trial = trial_of(workspace, pool, test, encoder, probe, junk, severities)
        too_large = [budget for budget in budgets if budget > len(trial.pool)]
        if too_large:
            raise BadInput(f"budget {too_large[0]} is more than the {len(trial.pool)} labelled samples of the pool", hint="a tenth of the pool is a good start")
        evidence = evaluate(trial, strategies, budgets, range(seeds))
        run.counts |= {"pool": len(trial.pool), "test": len(trial.test_labels), "runs": evidence.runs.height}
        if out is not None:
            save(evidence, out)
            run.outputs |= {"evidence": str(out)}
    return evidence


def trial_of(workspace: Workspace, pool: Cohort, test: Cohort | None, encoder: str, probe: str, junk: Path | None = None,
             severities: Sequence[int] = ()) -> Trial:
    """What strategies and probe are given."""
    if test is None:
        pool, test = (replace(pool, table=pool.table.filter(pl.col("split") == side)) for side in ("train", "test"))
        if not len(test) or not len(pool):
            raise BadInput(f"cohort {pool.name!r} has no split with train and test rows", hint=f"isocenter split {pool.name} --as NAME, or --test COHORT")
    kinds = {name: at for at, name in enumerate(sorted({*_classes(pool), *_classes(test)} - {""}))}
    if len(kinds) < 2:
        raise BadInput("fewer than two classes are labelled: nothing can be told apart", hint="isocenter show the label coverage of both cohorts first")
    seen, judged, tested = _labelled(workspace, pool, encoder), _labelled(workspace, pool, probe), _labelled(workspace, test, probe)
    both, at_seen, at_judged = np.intersect1d(seen.positions, judged.positions, return_indices=True)
    labels, truth = _codes(pool, both, kinds), _codes(test, tested.positions, kinds)
    ids = np.array(pool.table["sample_id"].to_list(), object)[both]
    known = Pool(tuple(ids.tolist()), seen.rows[at_seen], {"stratum": np.array(_classes(pool), object)[both]}, seen.sides)
    bad = None if junk is None else np.array([bool(value) for value in supplied_column(pool, "junk", junk)[both]])
    changed = changed_features(workspace, test, probe, tested.positions, severities) if severities else {}
    return Trial(known, labels, judged.rows[at_judged], tested.rows, truth, bad, len(kinds), changed)


def save(evidence: Evidence, folder: Path) -> None:
    """`runs.parquet`, `summary.csv`, `verdicts.txt` and one plot per figure."""
    folder.mkdir(parents=True, exist_ok=True)
    with draft(folder / "runs.parquet") as path:
        evidence.runs.write_parquet(path)
    with draft(folder / "summary.csv") as path:
        evidence.summary.write_csv(path)
    with draft(folder / "verdicts.txt") as path:
        path.write_text("\n".join(evidence.verdicts) + "\n")
    for figure in (MAIN, "tail accuracy", "coverage"):
        plot(evidence.runs, figure, folder / f"{figure.replace(' ', '-')}.svg")


def plot(runs: pl.DataFrame, figure: str, path: Path) -> None:
    """One figure over the budget, a line per strategy with its seeds as points; random and stratified are grey."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "isocenter"
    from matplotlib import pyplot

    axes = pyplot.figure(figsize=(7, 4.5), layout="constrained").gca()
    for (name,), rows in runs.group_by("strategy", maintain_order=True):
        mean = rows.group_by("budget", maintain_order=True).agg(pl.col(figure).mean()).sort("budget")
        style = {"color": "0.35" if name == "random" else "0.65", "linestyle": "--"} if name in BASELINES else {}
        line = axes.plot(mean["budget"], mean[figure], marker="o", label=str(name), **style)[0]
        axes.plot(rows["budget"], rows[figure], ".", color=line.get_color(), alpha=0.35)
    axes.set_xlabel("budget (samples)")
    axes.set_ylabel(figure)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with draft(path) as temporary:
        axes.figure.savefig(temporary, format="svg", metadata={"Date": None})
    pyplot.close(axes.figure)


def _labelled(workspace: Workspace, cohort: Cohort, encoder: str) -> Features:
    """Features of the labelled samples that can be encoded."""
    found = features_of(workspace, cohort, encoder)
    classes = _classes(cohort)
    keep = np.array([classes[at] != "" for at in found.positions], bool)
    return replace(found, rows=found.rows[keep], positions=found.positions[keep])


def _classes(cohort: Cohort) -> list[str]:
    return ["+".join(sorted(term for term, state in (labels or {}).items() if state == "present")) for labels in cohort.table["labels"].to_list()]


def _codes(cohort: Cohort, positions: NDArray[np.int64], kinds: dict[str, int]) -> NDArray[np.int64]:
    classes = _classes(cohort)
    return np.array([kinds[classes[at]] for at in positions], np.int64)


"""Evaluate strategies on cohorts: a pool and a test cohort go in, the evidence comes out, with its table and plots as files if asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.core.progress import say
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.curate.api import Pool
from isocenter.curate.columns import supplied_column
from isocenter.curate.evaluate import Evidence, Trial, evaluate
from isocenter.curate.evaluate_changed import changed_features
from isocenter.curate.evaluate_report import save
from isocenter.curate.features import Features, features_of
from isocenter.curate.select import DEFAULT_ENCODER, STRATEGIES, columns_of
from isocenter.harmonize.cohort import Cohort

ALWAYS = ("random", "stratified")


def evaluate_cohorts(workspace: Workspace, pool: Cohort, test: Cohort | None, *, by: Sequence[str], budgets: Sequence[int], seeds: int,
                     encoder: str = DEFAULT_ENCODER, probe: str = "random-conv", junk: Path | None = None, severities: Sequence[int] = (),
                     supplied: Mapping[str, Path] | None = None, out: Path | None = None) -> Evidence:
    """Judge strategies by what a probe learns from their choice of `pool` about `test` (or about the pool's own rows whose split is `test`).

    A sample's class is the set of its present terms, `none` where all are absent; samples without labels are left out on both sides. Strategies see
    features of `encoder`; the probe is trained and tested on features of `probe`. A budget above the pool takes all of it. junk: a table with
    `sample_id` and `junk` (1 or 0). severities: also test on samples corrupted that much (1 to 5). supplied: columns that strategies read, by
    table. out: see `save`. Raises BadInput when there is nothing to test on, or fewer than two classes.
    """
    names = list(dict.fromkeys([*ALWAYS, *by]))
    strategies = {name: STRATEGIES.get(name, workspace.plugins) for name in names}
    with ledger(workspace, "evaluate", alone=False, cohort=pool.name, test=test.name if test else None, by=list(by), budgets=list(budgets), seeds=seeds,
                encoder=encoder, probe=probe) as run:
        run.inputs |= {one.name: one.fingerprint or "" for one in (pool, test) if one is not None}
        needs = {column for strategy in strategies.values() for column in strategy.needs}
        trial = trial_of(workspace, pool, test, encoder, probe, junk, severities, needs, supplied or {})
        for budget in budgets:
            if budget > len(trial.pool):
                say(f"the budget of {budget:,} covers the labelled pool: all {len(trial.pool):,} taken")
        evidence = evaluate(trial, strategies, sorted({min(budget, len(trial.pool)) for budget in budgets}), range(seeds))
        run.counts |= {"pool": len(trial.pool), "test": len(trial.test_labels), "runs": evidence.runs.height}
        if out is not None:
            save(evidence, out)
            run.outputs |= {"evidence": str(out)}
    return evidence


def trial_of(workspace: Workspace, pool: Cohort, test: Cohort | None, encoder: str, probe: str, junk: Path | None = None,
             severities: Sequence[int] = (), needs: Iterable[str] = (), supplied: Mapping[str, Path] | None = None) -> Trial:
    """What strategies and probe are given."""
    if test is None:
        pool, test = (replace(pool, table=pool.table.filter(pl.col("split") == side)) for side in ("train", "test"))
        if not len(test) or not len(pool):
            raise BadInput(f"cohort {pool.name!r} has no split with train and test rows", hint=f"isocenter split {pool.name} --as {pool.name}-split")
    kinds = {name: at for at, name in enumerate(sorted({*_classes(pool), *_classes(test)} - {""}))}
    if len(kinds) < 2:
        raise BadInput("fewer than two classes are labelled: nothing can be told apart", hint=f"isocenter compare {pool.name} {test.name}")
    seen, judged, tested = _labelled(workspace, pool, encoder), _labelled(workspace, pool, probe), _labelled(workspace, test, probe)
    both, at_seen, at_judged = np.intersect1d(seen.positions, judged.positions, return_indices=True)
    labels, truth = _codes(pool, both, kinds), _codes(test, tested.positions, kinds)
    ids = np.array(pool.table["sample_id"].to_list(), object)[both]
    columns = columns_of(workspace, pool, sorted({*needs} - {"stratum"}), "label", supplied or {}) | {"stratum": np.array(_classes(pool), object)}
    known = Pool(tuple(ids.tolist()), seen.rows[at_seen], {column: values[both] for column, values in columns.items()}, seen.sides)
    bad = None if junk is None else np.array([bool(value) for value in supplied_column(pool, "junk", junk)[both]])
    changed = changed_features(workspace, test, probe, tested.positions, severities) if severities else {}
    return Trial(known, labels, judged.rows[at_judged], tested.rows, truth, bad, len(kinds), changed)


def _labelled(workspace: Workspace, cohort: Cohort, encoder: str) -> Features:
    """Features of the labelled samples that can be encoded."""
    found = features_of(workspace, cohort, encoder)
    classes = _classes(cohort)
    keep = np.array([classes[at] != "" for at in found.positions], bool)
    return replace(found, rows=found.rows[keep], positions=found.positions[keep])


def _classes(cohort: Cohort) -> list[str]:
    """A sample's present terms; `none` where every term that somebody looked for is absent, nothing where that is not known."""
    found = []
    for labels in cohort.table["labels"].to_list():
        present = "+".join(sorted(term for term, state in (labels or {}).items() if state == "present"))
        found.append(present or ("none" if labels and set(labels.values()) == {"absent"} else ""))
    return found


def _codes(cohort: Cohort, positions: NDArray[np.int64], kinds: dict[str, int]) -> NDArray[np.int64]:
    classes = _classes(cohort)
    return np.array([kinds[classes[at]] for at in positions], np.int64)


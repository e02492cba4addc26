"""Summarise an evaluation: one row a run goes in; means, intervals and paired tests against the baselines, and plain sentences, come out."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

MAIN = "probe accuracy"
BASELINES = ("random", "stratified", "foreground-random")
KEYS = ("strategy", "budget", "seed")
ALPHA = 0.05


def baselines_in(runs: pl.DataFrame) -> list[str]:
    """The baselines that were run, `random` first."""
    there = set(runs["strategy"].to_list())
    return [name for name in BASELINES if name in there]


def summarise(runs: pl.DataFrame, figure: str = MAIN) -> pl.DataFrame:
    """Per budget and strategy: mean of every figure and half its 95 % interval (`± figure`), and for one figure paired t-tests against the baselines.

    For each baseline: `vs random`, `low random`, `high random` (the difference and its 95 % interval), `p random`, and `verdict random`: better, worse
    or no different at p < 0.05. Seeds are the pairs.
    """
    figures = [name for name in runs.columns if name not in KEYS]
    rows = []
    for (budget,), at_budget in runs.group_by("budget", maintain_order=True):
        for (name,), own in at_budget.group_by("strategy", maintain_order=True):
            row = {"budget": budget, "strategy": name, "seeds": own.height, **{one: own[one].mean() for one in figures}}
            row |= {f"± {one}": half_width(own[one].to_numpy()) for one in figures}
            for baseline in baselines_in(runs):
                base = at_budget.filter(pl.col("strategy") == baseline)
                row |= against(own.sort("seed"), base.sort("seed"), figure, baseline)
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def verdicts(summary: pl.DataFrame, figure: str = MAIN) -> tuple[str, ...]:
    """One sentence per budget and strategy, and one that says so when nothing beats random."""
    baselines = [name for name in BASELINES if f"vs {name}" in summary.columns]
    lines = []
    for (budget,), rows in summary.group_by("budget", maintain_order=True):
        tried = rows.filter(pl.col("strategy") != "random")
        if tried.height and bool((tried["vs random"] == 0).all()) and not np.any(tried[f"± {figure}"].to_numpy() > 1e-12):
            lines.append(f"budget {budget}: every choice gives the same {figure}, as a budget does that takes the whole pool")
            continue
        for row in tried.iter_rows(named=True):
            verdict = row["verdict random"]
            parts = [f"budget {budget}: {row['strategy']} is {verdict} {'from' if verdict == 'no different' else 'than'} random in {figure}: {_difference(row, 'random')}"]
            parts += [f"{row[f'verdict {name}']} against {name} ({100 * row[f'vs {name}']:+.1f}, p = {row[f'p {name}']:.2g})" for name in baselines[1:] if name != row["strategy"]]
            lines.append("; ".join(parts))
        if tried.height and not (tried["verdict random"] == "better").any():
            lines.append(f"budget {budget}: nothing tried here beats random")
    return tuple(lines)


def against(own: pl.DataFrame, base: pl.DataFrame, figure: str, baseline: str) -> dict[str, object]:
    """Difference of one figure between runs with equal seeds, with its interval, p and verdict; nothing where seeds differ."""
    keys = (f"vs {baseline}", f"low {baseline}", f"high {baseline}", f"p {baseline}", f"verdict {baseline}")
    if base.is_empty() or base["seed"].to_list() != own["seed"].to_list():
        return dict.fromkeys(keys)
    difference = own[figure].to_numpy() - base[figure].to_numpy()
    mean, half = float(difference.mean()), half_width(difference)
    p = paired_p(difference)
    verdict = "no different" if not p < ALPHA else "better" if mean > 0 else "worse"
    return dict(zip(keys, (mean, mean - half, mean + half, p, verdict)))


def paired_p(difference: NDArray[np.floating]) -> float:
    """Two-sided p of a paired t-test; constant differences are certain (p = 0) unless they are zero (p = 1)."""
    if np.ptp(difference) < 1e-12:
        return 1.0 if abs(difference[0]) < 1e-12 else 0.0
    return float(stats.ttest_1samp(difference, 0.0).pvalue)


def half_width(values: NDArray[np.floating]) -> float:
    """Half of Student's 95 % interval of the mean."""
    return float(stats.t.ppf(1 - ALPHA / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _difference(row: dict[str, float], baseline: str) -> str:
    low, high = 100 * row[f"low {baseline}"], 100 * row[f"high {baseline}"]
    return f"{100 * row[f'vs {baseline}']:+.1f} points (95 % interval {low:+.1f} to {high:+.1f}, p = {row[f'p {baseline}']:.2g})"

"""Plots of an evaluation: evidence goes in, pictures that tell at a glance who beats random, and how far, come out (SVG)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import MissingExtra
from isocenter.core.files import draft
from isocenter.curate.evaluate import Evidence
from isocenter.curate.evaluate_summary import BASELINES
from isocenter.curate.map import COLOURS, MARKS

GREYS = {"random": ("#000000", "--", "o"), "stratified": ("#777777", ":", "s"), "foreground-random": ("#777777", "-.", "^")}
LARGEST = 100       # per cent and points are easier to read than shares
NAMED = len(COLOURS) - 1        # strategies that get a colour of their own over the budget; black is random's


def plot_budgets(evidence: Evidence, figure: str, path: Path) -> None:
    """One figure over the budget: a line a strategy with its 95 % interval, named at its end; the baselines black and grey, dashed.

    Of many strategies those that do best against random are named, the others are pale.
    """
    pyplot = _pyplot()
    summary, scale = evidence.summary, LARGEST if evidence.runs[figure].to_numpy().max() <= 1 else 1
    budgets = summary["budget"].unique().sort().to_list()
    axes = pyplot.figure(figsize=(8, 4.8), layout="constrained").gca()
    names, ends = _order(summary), []
    pale = [name for name in names if name not in BASELINES][NAMED:]
    for name in pale:
        rows = summary.filter(pl.col("strategy") == name).sort("budget")
        axes.plot(rows["budget"], scale * rows[figure], color="0.85", linewidth=1, zorder=1)
    names = [name for name in names if name not in pale]
    for at, name in enumerate(names):
        rows = summary.filter(pl.col("strategy") == name).sort("budget")
        colour, line, mark = _style(name, names)
        aside = 1 + 0.016 * (at - (len(names) - 1) / 2)         # intervals beside each other, not on top of each other
        x, y, half = np.array(rows["budget"], float) * aside, scale * rows[figure].to_numpy(), scale * rows[f"± {figure}"].fill_null(0).fill_nan(0).to_numpy()
        axes.errorbar(x, y, half, color=colour, linestyle=line, marker=mark, markersize=5.5, linewidth=2 if name in BASELINES else 1.5, elinewidth=1, capsize=2.5, zorder=3 if name in BASELINES else 2)
        ends.append((float(y[-1]), name, colour, float(x[-1])))
    axes.set_xscale("log")
    axes.set_xticks(budgets, [f"{budget:,}" for budget in budgets])
    axes.minorticks_off()
    axes.set_xlim(budgets[0] * 0.88, budgets[-1] * 1.12)
    if full := (evidence.full if figure == evidence.figure else None):
        axes.axhline(scale * full, color="0.6", linewidth=0.8)
        axes.annotate("everything annotated", (budgets[0] * 0.89, scale * full), xytext=(0, 2), textcoords="offset points", fontsize=8, color="0.45")
    _name_ends(axes, ends)
    seeds = evidence.runs["seed"].n_unique()
    axes.set_title(f"{figure[0].upper()}{figure[1:]}{', %' if scale > 1 else ''}: mean and 95 % interval of {seeds} seeds", loc="left", fontsize=11)
    axes.set_xlabel("budget" + (f"; pale: {', '.join(pale)}" if pale else ""), wrap=True)
    axes.grid(axis="y", color="0.92")
    _save(axes, path)


def plot_against_random(evidence: Evidence, path: Path) -> None:
    """Points won or lost against random, by budget and strategy, with 95 % intervals: filled where the paired test is significant, right of the line is better."""
    pyplot = _pyplot()
    summary = evidence.summary.filter(pl.col("strategy") != "random")
    budgets, names = summary["budget"].unique().sort().to_list(), _order(summary)
    figure, panels = pyplot.subplots(1, len(budgets), figsize=(2.2 + 2.6 * len(budgets), 1.3 + 0.34 * len(names)), sharex=True, sharey=True, squeeze=False, layout="constrained")
    for axes, budget in zip(panels[0], budgets):
        axes.axvline(0, color="#000000", linewidth=1.2, linestyle="--")
        for at, name in enumerate(names):
            row = summary.filter((pl.col("budget") == budget) & (pl.col("strategy") == name)).row(0, named=True)
            colour, _, mark = _style(name, names)
            low, mean, high = (LARGEST * row[key] for key in ("low random", "vs random", "high random"))
            axes.plot([low, high], [at, at], color=colour, linewidth=1.6, solid_capstyle="butt")
            axes.plot(mean, at, marker=mark, markersize=8, color=colour, markerfacecolor="white" if row["verdict random"] == "no different" else colour, markeredgewidth=1.6)
        axes.set_title(f"budget {budget:,}", fontsize=10)
        axes.grid(axis="x", color="0.92")
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
    panels[0][0].set_yticks(range(len(names)), names)
    panels[0][0].set_ylim(len(names) - 0.4, -0.6)
    figure.supxlabel("← worse        points        better →", fontsize=9, color="0.35")
    figure.suptitle(f"Points of {evidence.figure} against random (filled: p < 0.05; line: 95 % interval)", x=0.01, ha="left", fontsize=11)
    _save(panels[0][0], path)


def _order(summary: pl.DataFrame) -> list[str]:
    """Baselines first, then by the mean over all budgets, best first."""
    key = "vs random"
    by_mean = summary.group_by("strategy", maintain_order=True).agg(pl.col(key).mean()).sort(key, descending=True, maintain_order=True)["strategy"].to_list()
    return [name for name in BASELINES if name in by_mean] + [name for name in by_mean if name not in BASELINES]


def _style(name: str, names: Sequence[str]) -> tuple[str, str, str]:
    """Colour, line and mark; marks differ where colours repeat."""
    if name in GREYS:
        return GREYS[name]
    at = [one for one in names if one not in GREYS].index(name)
    return COLOURS[at % NAMED], "-", MARKS[at % len(MARKS)]


def _name_ends(axes: Any, ends: list[tuple[float, str, str, float]]) -> None:
    """The name of every line beside its last point, moved apart where they would cover each other."""
    low, high = axes.get_ylim()
    step = (high - low) / 21
    order = sorted(ends, reverse=True)
    places = [y for y, *_ in order]
    for at in range(1, len(places)):
        places[at] = min(places[at], places[at - 1] - step)
    below = low - places[-1]
    places = [place + max(0.0, below) for place in places]
    right = axes.get_xlim()[1]
    for place, (y, name, colour, x) in zip(places, order):
        axes.annotate(name, (x, y), xytext=(right * 1.02, place), textcoords="data", color=colour, fontsize=9, va="center", annotation_clip=False,
                      fontweight="bold" if name in BASELINES else "normal", arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6, "relpos": (0, 0.5), "shrinkA": 1, "shrinkB": 4})


def _pyplot() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise MissingExtra("plots need matplotlib", hint="pip install isocenter[plots]") from error
    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "isocenter"
    from matplotlib import pyplot

    return pyplot


def _save(axes: Any, path: Path) -> None:
    from matplotlib import pyplot

    axes.figure.axes[0].spines[["top", "right"]].set_visible(False)
    with draft(path) as temporary:
        axes.figure.savefig(temporary, format=path.suffix[1:], dpi=130, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(axes.figure)

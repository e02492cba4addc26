"""What an evaluation prints and leaves: evidence goes in; rows of tables for people, and a folder of tables, sentences and plots, come out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isocenter.core.errors import MissingExtra
from isocenter.core.files import draft
from isocenter.core.progress import say
from isocenter.curate.evaluate import Evidence
from isocenter.curate.evaluate_curves import AREA
from isocenter.curate.evaluate_plots import plot_against_random, plot_budgets
from isocenter.curate.evaluate_summary import KEYS, baselines_in

LEARNED = ("probe accuracy", "balanced accuracy", "tail accuracy", "corrupted accuracy", "k-NN accuracy", "AUROC", "AUPRC")
PLOTTED = ("tail accuracy", "coverage", "foreground")     # beside the figure that is tested

Row = tuple[str, ...]


def tables(evidence: Evidence) -> list[tuple[Row, list[Row]]]:
    """(header, rows) of what was learned, of what was chosen, and of the curves; figures that nobody has are left out."""
    there = [name for name in evidence.runs.columns if name not in KEYS and evidence.runs[name].is_not_nan().any()]
    learned = [name for name in there if name in (evidence.figure, *LEARNED)]
    chosen = [name for name in there if name not in learned]
    made = [_budget_table(evidence, figures, spread=figures is learned) for figures in (learned, chosen) if figures]
    return [*made, *([_curve_table(evidence)] if evidence.curves.height else []), *([_penalty_table(evidence)] if evidence.penalties.height else [])]


def save(evidence: Evidence, folder: Path) -> None:
    """`runs.parquet`, `summary.csv`, `curves.csv` and `penalties.csv` (of several budgets), `verdicts.txt`, and plots where matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    with draft(folder / "runs.parquet") as path:
        evidence.runs.write_parquet(path)
    for name, table in (("summary", evidence.summary), ("curves", evidence.curves), ("penalties", evidence.penalties)):
        if table.height:
            with draft(folder / f"{name}.csv") as path:
                table.write_csv(path)
    with draft(folder / "verdicts.txt") as path:
        path.write_text("\n".join(evidence.verdicts) + "\n")
    try:
        plot_against_random(evidence, folder / "against-random.svg")
        for figure in (evidence.figure, *(name for name in PLOTTED if name in evidence.runs.columns)):
            plot_budgets(evidence, figure, folder / f"{figure.replace(' ', '-')}.svg")
    except MissingExtra as error:
        say(f"no plots: {error.what} ({error.hint})")


def _budget_table(evidence: Evidence, figures: Sequence[str], *, spread: bool) -> tuple[Row, list[Row]]:
    """One row per budget and strategy: means, with half their 95 % interval if asked."""
    rows = []
    for row in evidence.summary.iter_rows(named=True):
        values = [f"{row[one]:.4g}" + (f" ± {round(row[f'± {one}'], 4):.2g}" if spread else "") for one in figures]
        rows.append((f"{row['budget']}", row["strategy"], *values))
    return ("budget", "strategy", *figures), rows


def _curve_table(evidence: Evidence) -> tuple[Row, list[Row]]:
    """Area, last value and foreground efficiency, beside the differences from the baselines."""
    baselines = baselines_in(evidence.runs)
    shown = [name for name in ("foreground γ",) if evidence.curves[name].is_not_nan().any()]
    rows = []
    for row in evidence.curves.iter_rows(named=True):
        versus = ["" if name == row["strategy"] else f"{row[f'vs {name}']:+.4f} (p = {row[f'p {name}']:.2g}) {row[f'verdict {name}']}" for name in baselines]
        rows.append((row["strategy"], f"{row[AREA]:.4f} ± {round(row[f'± {AREA}'], 4):.2g}", *versus, f"{row['final']:.4f}", *(f"{row[name]:.3g}" for name in shown)))
    return (f"over all budgets, {evidence.figure}", AREA, *(f"against {name}" for name in baselines), "final", *shown), rows


def _penalty_table(evidence: Evidence) -> tuple[Row, list[Row]]:
    names = evidence.penalties["strategy"].to_list()
    return ("beats, share of budgets", *names), [tuple(str(value) if isinstance(value, str) else f"{value:.2f}" for value in row) for row in evidence.penalties.iter_rows()]

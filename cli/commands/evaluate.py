"""`isocenter evaluate`: which strategy chooses better than random, and by how much."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.budget import BudgetType
from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.workspace import Workspace
from isocenter.curate.budget import Budget

SHOWN = ("probe accuracy", "k-NN accuracy", "tail accuracy", "corrupted accuracy", "AUROC", "classes", "coverage", "redundancy", "Fréchet to pool", "seconds")


@click.command()
@click.argument("pool")
@click.option("--test", metavar="COHORT", help="Labelled samples that the probe is tested on.  [default: POOL's own rows of split test]")
@click.option("--by", multiple=True, default=("spread", "k-center"), show_default=True, help="A strategy; random and stratified always run beside it.")
@click.option("--budget", "budgets", type=BudgetType(), multiple=True, required=True, help="A number of samples, or a share of POOL such as 10% (may be repeated).")
@click.option("--seeds", type=click.IntRange(2), default=5, show_default=True, help="How often every strategy runs.")
@click.option("--with", "encoder", default="sketch", show_default=True, help="The encoder of the features that strategies look at.")
@click.option("--probe", default="random-conv", show_default=True, help="The encoder of the features that choices are judged on.")
@click.option("--junk", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A table with sample_id and junk (1 or 0), for the junk share.")
@click.option("--corrupt", "severities", type=click.IntRange(1, 5), multiple=True, metavar="SEVERITY", help="Also test on pictures corrupted that much, 1 to 5 (may be repeated).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="A folder for the runs, the summary and plots.")
@with_workspace
@as_json
def command(workspace: Workspace, pool: str, test: str | None, by: tuple[str, ...], budgets: tuple[Budget, ...], seeds: int, encoder: str, probe: str,
            junk: Path | None, severities: tuple[int, ...], out: Path | None, json_: bool) -> None:
    """Judge strategies on POOL by what a probe learns from their choice."""
    from isocenter.curate.evaluate_cohorts import evaluate_cohorts
    from isocenter.harmonize.cohort import Cohort

    tested, opened = Cohort.open(workspace, test) if test else None, Cohort.open(workspace, pool)
    rows = len(opened) if tested else opened.table["split"].to_list().count("train")
    numbers = [int(budget.of(rows)) for budget in budgets]
    if min(numbers) < 2:
        raise click.BadParameter("a probe learns nothing from fewer than 2 samples", param_hint="--budget")
    found = evaluate_cohorts(workspace, opened, tested, by=by, budgets=numbers, seeds=seeds, encoder=encoder, probe=probe, junk=junk,
                             severities=severities, out=out)
    body = {"summary": found.summary.fill_nan(None).to_dicts(), "verdicts": list(found.verdicts), "out": str(out) if out else None}
    table = columns([(row["budget"], row["strategy"], *(f"{row[one]:.4g}" for one in SHOWN)) for row in found.summary.iter_rows(named=True)], ("budget", "strategy", *SHOWN))
    emit(body, json_, "\n".join([table, "", *found.verdicts]), f"isocenter select {pool} --by STRATEGY --budget {numbers[0]} --as NAME")

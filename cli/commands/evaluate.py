"""`isocenter evaluate`: which strategy chooses better than random, and by how much."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from isocenter.cli.budget import Budget, BudgetType
from isocenter.cli.options import as_json, columns, emit, table_options, with_workspace
from isocenter.core.errors import UsageError
from isocenter.core.workspace import Workspace

if TYPE_CHECKING:
    from isocenter.curate.evaluate import Evidence


@click.command()
@click.argument("pool", required=False)
@click.option("--test", metavar="COHORT", help="Labelled samples that the probe is tested on.  [default: POOL's own rows of split test]")
@click.option("--by", multiple=True, default=("spread", "k-center"), show_default=True, help="A strategy; random and stratified always run beside it.")
@click.option("--budget", "budgets", type=BudgetType(), multiple=True, help="A number of samples, or a share of POOL such as 10% (may be repeated).")
@click.option("--seeds", type=click.IntRange(2), default=5, show_default=True, help="How often every strategy runs.")
@click.option("--with", "encoder", default="sketch", show_default=True, help="The encoder of the features that strategies look at.")
@click.option("--probe", default="random-conv", show_default=True, help="The encoder of the features that choices are judged on.")
@click.option("--junk", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A table with sample_id and junk (1 or 0), for the junk share.")
@click.option("--corrupt", "severities", type=click.IntRange(1, 5), multiple=True, metavar="SEVERITY", help="Also test on pictures corrupted that much, 1 to 5 (may be repeated).")
@table_options
@click.option("--measured", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="TABLE",
              help="No POOL, but trainings of your own: a table with strategy, budget, seed and --figure.")
@click.option("--figure", default="dice", show_default=True, help="With --measured: its column that counts, a share such as Dice.")
@click.option("--full", type=click.FloatRange(0, 1), help="With --measured: the figure with everything annotated, for the foreground efficiency.")
@click.option("--holm", is_flag=True, help="With --measured: correct the pairwise penalties for the number of comparisons.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="A folder for the runs, the summary and plots.")
@with_workspace
@as_json
def command(workspace: Workspace, pool: str | None, test: str | None, by: tuple[str, ...], budgets: tuple[Budget, ...], seeds: int, encoder: str, probe: str,
            junk: Path | None, severities: tuple[int, ...], supplied: dict[str, Path], measured: Path | None, figure: str, full: float | None, holm: bool,
            out: Path | None, json_: bool) -> None:
    """Judge strategies on POOL by what a probe learns from their choice, or by trainings of your own."""
    if (pool is None) == (measured is None) or (pool is not None and not budgets):
        raise UsageError("evaluate needs a pool and a budget, or a table of what was measured", hint="isocenter evaluate POOL --budget 10%")
    if measured is not None:
        from isocenter.curate.evaluate_measured import evaluate_measured

        found = evaluate_measured(workspace, measured, figure, full=full, holm=holm, out=out)
        _print(found, out, json_, None)
        return
    from isocenter.curate.evaluate_cohorts import evaluate_cohorts
    from isocenter.harmonize.cohort import Cohort

    tested, opened = Cohort.open(workspace, test) if test else None, Cohort.open(workspace, str(pool))
    rows = len(opened) if tested else opened.table["split"].to_list().count("train")
    numbers = [int(budget.of(rows)) for budget in budgets]
    if rows and min(numbers) < 2:
        raise click.BadParameter("a probe learns nothing from fewer than 2 samples", param_hint="--budget")
    found = evaluate_cohorts(workspace, opened, tested, by=by, budgets=numbers, seeds=seeds, encoder=encoder, probe=probe, junk=junk,
                             severities=severities, supplied=supplied, out=out)
    _print(found, out, json_, f"isocenter select {pool} --by STRATEGY --budget {numbers[0]} --as NAME")


def _print(found: Evidence, out: Path | None, json_: bool, next_: str | None) -> None:
    from isocenter.curate.evaluate_report import tables

    body = {name: table.fill_nan(None).to_dicts() for name, table in (("summary", found.summary), ("curves", found.curves), ("penalties", found.penalties))}
    text = [part for header, rows in tables(found) for part in (columns(rows, header), "")]
    emit({**body, "verdicts": list(found.verdicts), "out": str(out) if out else None}, json_, "\n".join([*text, *found.verdicts]), next_)

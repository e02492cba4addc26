"""`isocenter select`: spend a budget of samples by a strategy."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.budget import BudgetType
from isocenter.cli.options import as_json, dry_run, emit, output_cohort, seed, table_options, with_workspace
from isocenter.core.workspace import Workspace
from isocenter.curate.budget import Budget
from isocenter.registry.amounts import amount


@click.command()
@click.argument("cohort")
@click.option("--by", default="spread", show_default=True, help="The strategy; `isocenter plugins strategies` lists them.")
@click.option("--budget", type=BudgetType(), required=True, help="How much may be spent: a number of samples or a share of COHORT (10%), or a number of what --spend names.")
@click.option("--spend", default="samples", show_default=True, metavar="WHAT", help="What the budget counts: samples, bytes, volumes, or a supplied column.")
@click.option("--with", "encoder", default="sketch", show_default=True, help="The encoder of the features a strategy looks at.")
@click.option("--on", default="label", show_default=True, help="What `stratified` strata are: label, or a column such as dataset or sex.")
@click.option("--limit", "limits", multiple=True, metavar="WISH", help="A floor or a cap: sex=F>=100, dataset=lits<=500, label=nodule>=50, age=40-59>=20.")
@click.option("--only-license", "licences", multiple=True, metavar="ID", help="Only samples under this licence (may be repeated).")
@click.option("--include", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Always take the samples of this file, one id a line.")
@click.option("--exclude", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Never take the samples of this file.")
@table_options
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, by: str, budget: Budget, spend: str, encoder: str, on: str, limits: tuple[str, ...], licences: tuple[str, ...],
            include: Path | None, exclude: Path | None, supplied: dict[str, Path], seed: int, name: str, dry_run: bool, force: bool, json_: bool) -> None:
    """Choose from COHORT within BUDGET, most worth first."""
    from isocenter.curate.select import Wishes, select
    from isocenter.harmonize.cohort import Cohort

    wishes = Wishes(spend, limits, licences, include, exclude, supplied)
    if budget.share and spend != "samples":
        raise click.BadParameter(f"a share counts samples, not {spend}", param_hint="--budget")
    pool = Cohort.open(workspace, cohort)
    number = budget.of(len(pool))
    result = select(workspace, pool, name=name, by=by, budget=number, seed=seed, encoder=encoder, on=on, wishes=wishes, dry_run=dry_run, force=force)
    body = {"cohort": name, "samples": len(result), "by": by, "budget": number, "seed": seed, "beside": result.header["beside"], "written": not dry_run}
    all_ = f"all {len(result):,} taken" if len(result) == len(pool) else f"all {len(result):,} of {len(pool):,} that may be taken are"
    note = f"the budget of {number:,g} covers the pool: {all_}" if number > len(pool) and spend == "samples" else ""
    form = "parquet" if result.table["sample_id"].str.contains("#").all() else "files"
    emit(body, json_, lambda: _text(name, len(result), by, result.header["beside"], note), f"isocenter export {name} --to {form} OUT")


def _text(name: str, number: int, by: str, beside: dict[str, dict[str, float]], note: str) -> str:
    from isocenter.cli.options import columns
    from isocenter.curate.select import MEASURES

    measures = [measure for measure in MEASURES if measure in beside[by]]
    table = columns([(strategy, *(f"{found[measure]:.4g}" for measure in measures)) for strategy, found in sorted(beside.items(), key=lambda item: item[0] != by)], ("strategy", *measures))
    return "\n".join([f"{name}: {amount(number, 'sample')} by {by}", *([note] if note else []), table])

"""`isocenter select`: spend a budget of samples by a strategy."""

from __future__ import annotations

import click

from isocenter.cli.options import as_json, dry_run, emit, output_cohort, seed, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("cohort")
@click.option("--by", default="random", show_default=True, help="The strategy; `isocenter plugins strategies` lists them.")
@click.option("--budget", type=int, required=True, help="How many samples.")
@click.option("--with", "encoder", default="thumbnail", show_default=True, help="The encoder of the features a strategy looks at.")
@click.option("--on", default="label", show_default=True, help="What `stratified` strata are: label, or a column such as dataset or sex.")
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, by: str, budget: int, encoder: str, on: str, seed: int, name: str, dry_run: bool, json_: bool) -> None:
    """Choose BUDGET samples of COHORT, most worth first."""
    from isocenter.curate.select import select
    from isocenter.harmonize.cohort import Cohort

    result = select(workspace, Cohort.open(workspace, cohort), name=name, by=by, budget=budget, seed=seed, encoder=encoder, on=on, dry_run=dry_run)
    body = {"cohort": name, "samples": len(result), "by": by, "budget": budget, "seed": seed, "beside": result.header["beside"], "written": not dry_run}
    emit(body, json_, lambda: _text(name, len(result), by, result.header["beside"]), f"isocenter export {name} --to files OUT")


def _text(name: str, number: int, by: str, beside: dict[str, dict[str, float]]) -> str:
    from isocenter.cli.options import columns

    measures = list(beside[by])
    table = columns([(strategy, *(f"{found[measure]:.4g}" for measure in measures)) for strategy, found in sorted(beside.items(), key=lambda item: item[0] != by)], ("strategy", *measures))
    return f"{name}: {number} samples by {by}\n{table}"

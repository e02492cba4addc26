"""`isocenter split`: train, val and test by connected components."""

from __future__ import annotations

from collections import Counter

import click

from isocenter.cli.options import as_json, dry_run, emit, output_cohort, seed, with_workspace
from isocenter.core.errors import UsageError
from isocenter.core.workspace import Workspace


def parse_ratio(ctx: click.Context, parameter: click.Parameter, text: str) -> dict[str, float]:
    try:
        return {name.strip(): float(share) for name, _, share in (part.partition("=") for part in text.split(","))}
    except ValueError as error:
        raise UsageError(f"--ratio {text!r} is no ratio", hint="train=0.8,val=0.1,test=0.1") from error


@click.command()
@click.argument("cohort")
@click.option("--ratio", default="train=0.8,val=0.1,test=0.1", show_default=True, callback=parse_ratio, help="Name and share of every side.")
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, ratio: dict[str, float], seed: int, name: str, dry_run: bool, json_: bool) -> None:
    """Give every sample of COHORT a split; one patient, study or picture never stands on two sides."""
    from isocenter.curate.split import split
    from isocenter.harmonize.cohort import Cohort

    result = split(workspace, Cohort.open(workspace, cohort), name=name, ratio=ratio, seed=seed, dry_run=dry_run)
    sizes = Counter(result.table["split"].to_list())
    components = result.header["parameters"]["components"]
    shares = ", ".join(f"{side} {sizes[side]} ({sizes[side] / len(result):.0%})" for side in ratio)
    emit({"cohort": name, "samples": len(result), "components": components, "split": dict(sizes), "written": not dry_run}, json_,
         f"{name}: {len(result)} samples in {components} components: {shares}", f"isocenter select {name} --budget {max(1, len(result) // 10)} --as {name}-small")

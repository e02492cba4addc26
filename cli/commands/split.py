"""`isocenter split`: train, val and test by connected components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isocenter.cli.options import as_json, columns, dry_run, emit, output_cohort, seed, table_options, with_workspace
from isocenter.core.errors import UsageError
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount

SHOWN = 4


def parse_ratio(ctx: click.Context, parameter: click.Parameter, text: str) -> dict[str, float]:
    try:
        return {name.strip(): float(share) for name, _, share in (part.partition("=") for part in text.split(","))}
    except ValueError as error:
        raise UsageError(f"--ratio {text!r} is no ratio", hint="train=0.8,val=0.1,test=0.1") from error


def parse_put(ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not (side and equals and value) for side, equals, value in pairs):
        raise UsageError("--put names a side and a value", hint="--by site --put test='Hospital A'")
    return {value: side for side, _, value in pairs}


@click.command()
@click.argument("cohort")
@click.option("--ratio", default="train=0.8,val=0.1,test=0.1", show_default=True, callback=parse_ratio, help="Name and share of every side.")
@click.option("--by", default="label", show_default=True, metavar="label|date|hash|COLUMN", help="label: balanced; date: later studies on later sides; hash: drawn by a keyed hash; a column such as site: each of its values whole on one side.")
@click.option("--stratify", multiple=True, metavar="COLUMN", help="What is spread evenly: label, or a column (may be repeated).  [default: label, dataset, modality, sex, age]")
@click.option("--keep", metavar="COHORT", help="An earlier split: its samples stay on their sides, new ones join their kin.")
@click.option("--put", multiple=True, callback=parse_put, metavar="SIDE=VALUE", help="With --by COLUMN: this value goes to this side (may be repeated).")
@click.option("--allow-published-test", multiple=True, metavar="DATASET", help="Let samples that DATASET published as test be trained on (may be repeated).")
@table_options
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, ratio: dict[str, float], by: str, stratify: tuple[str, ...], keep: str | None, put: dict[str, str],
            allow_published_test: tuple[str, ...], supplied: dict[str, Path], seed: int, name: str, dry_run: bool, force: bool, json_: bool) -> None:
    """Give every sample of COHORT a split; one patient, study or picture never stands on two sides."""
    from isocenter.curate.split import BALANCED, Terms, split
    from isocenter.harmonize.cohort import Cohort

    terms = Terms(by, stratify or BALANCED, keep, put, allow_published_test, supplied)
    result = split(workspace, Cohort.open(workspace, cohort), name=name, ratio=ratio, seed=seed, terms=terms, dry_run=dry_run, force=force)
    sides, parameters = result.header["sides"], result.header["parameters"]
    body = {"cohort": name, "samples": len(result), "components": parameters["components"], "split": sides["samples"], **sides, "written": not dry_run}
    emit(body, json_, lambda: _text(name, len(result), list(ratio), parameters, sides), f"isocenter select {name} --budget {max(1, len(result) // 10)} --as {name}-small")


def _text(name: str, number: int, order: list[str], parameters: dict[str, Any], sides: dict[str, Any]) -> str:
    spans, samples = sides["spans"], sides["samples"]
    rows = [(side, samples[side], f"{samples[side] / number:.1%}", f"{parameters['ratio'][side]:.1%}", sides["components"][side], *([" to ".join(spans[side])] if side in spans else []))
            for side in order]
    lines = [f"{name}: {amount(number, 'sample')} in {amount(parameters['components'], 'component')}, the largest of {sides['largest']}",
             columns(rows, ("side", "samples", "share", "asked", "components", *(["latest dates"] if spans else [])))]
    lines += [f"bound: {amount(count, 'sample')}, {why}" for why, count in sides["bound"].items()]
    lines += [f"moved: {amount(count, 'sample')} {way}, because new samples made them kin of those" for way, count in sides["moved"].items()]
    if empty := [side for side in order if not samples[side] and parameters["ratio"][side]]:
        lines.append(f"warning: nothing stands on {', '.join(empty)}: components are never cut")
    uneven = [f"{gap['trait']} {gap['share']:.1%} of {gap['side']} ({gap['of all']:.1%} of all)" for gap in sides["uneven"][:SHOWN] if f"{gap['share']:.1%}" != f"{gap['of all']:.1%}"]
    return "\n".join([*lines, *([f"most uneven: {', '.join(uneven)}"] if uneven else [])])

"""`isocenter compare`: how unlike two cohorts are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isocenter.cli.options import as_json, columns, emit, seed, with_workspace
from isocenter.core.errors import UsageError
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount

if TYPE_CHECKING:
    from isocenter.curate.compare import Comparison
    from isocenter.harmonize.cohort import Cohort

VALUES_SHOWN = 8
FEATURES_SHOWN = 5


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--with", "encoder", default="thumbnail", show_default=True, help="The encoder of the embedding distances.")
@click.option("--radiomic/--no-radiomic", default=True, show_default=True, help="Also the radiomic Fréchet distance and out-of-distribution samples.")
@click.option("--rule", type=click.Choice(["gaussian", "empirical"]), default="gaussian", show_default=True, help="What 95 % of FIRST is: of a Gaussian through its scores, or of the scores.")
@click.option("--scores", type=click.Path(path_type=Path, dir_okay=False), help="Write how far out every sample of SECOND lies to this CSV file.")
@click.option("--predictions", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Predictions on SECOND: a table of sample_id, truth, prediction.")
@click.option("--group", "groups", multiple=True, default=("sex",), show_default=True, help="Columns that equity is told by.")
@seed
@with_workspace
@as_json
def command(workspace: Workspace, first: str, second: str, encoder: str, radiomic: bool, scores: Path | None, groups: tuple[str, ...], json_: bool, **options: Any) -> None:
    """Compare cohort SECOND with FIRST, the reference."""
    from isocenter.curate.compare import compare
    from isocenter.harmonize.cohort import Cohort

    if scores and not radiomic:
        raise UsageError("--scores are radiomic, and --no-radiomic leaves those out", hint="without --no-radiomic")
    sides = [Cohort.open(workspace, name) for name in (first, second)]
    found = compare(workspace, *sides, encoder=encoder, radiomic=radiomic, groups=groups, scores=scores, **options)
    common = len(set(sides[0].table["sample_id"]) & set(sides[1].table["sample_id"]))
    lines = [*_common(sides, common), *_distances(found), *(_outliers(found, first, second, scores) if radiomic else []), "", *_tables(found, first, second), *_equity(found, second)]
    emit(found.to_json() | {"common": common}, json_, "\n".join(lines), f"isocenter select {second} --budget N --as NAME")


def _common(sides: list[Cohort], common: int) -> Iterator[str]:
    """What two cohorts share, which makes them more alike than strangers are."""
    first, second = sides
    if common and common < min(len(first), len(second)):
        yield f"in both: {amount(common, 'sample')}; the distances are those of cohorts that share them"
    elif common:
        part, whole = (first, second) if len(first) < len(second) else (second, first)
        yield f"{part.name} holds the same samples as {whole.name}" if len(part) == len(whole) else f"{part.name} is a part of {whole.name}: {common} of its {amount(len(whole), 'sample')}"


def _distances(found: Comparison) -> Iterator[str]:
    rows = [(name, f"{one.value:.4g}", f"{one.least:.4g} to {one.most:.4g}", "apart" if one.apart else "not told apart") for name, one in found.distances.items()]
    yield columns(rows, ("distance", "value", "shuffled", ""))
    yield "the larger, the less alike; shuffled: what 19 deals of the same samples to two sides gave, which a value that means something exceeds"


def _outliers(found: Comparison, first: str, second: str, scores: Path | None) -> Iterator[str]:
    number = len(found.outliers)
    yield (f"{number} of {amount(found.scores.height, 'sample')} of {second} lie outside 95 % of {first}" + (f", farthest {found.outliers[0][0]}" if number else "")
           + (f" ({scores})" if scores else ""))
    yield f"features that differ most: {', '.join(found.leading[:FEATURES_SHOWN])}"


def _tables(found: Comparison, first: str, second: str) -> Iterator[str]:
    """Of every column the values whose shares differ most; null counts are those of terms that nobody annotated."""
    rows = []
    for column, values in found.tables.group_by(["column"], maintain_order=True):
        told = sorted(values.to_dicts(), key=lambda row: -abs((row["first share"] or 0) - (row["second share"] or 0)))
        rows += [(row["column"], row["value"], *(_told(row[side]) for side in ("first", "second")),
                  *("" if row[f"{side} share"] is None else f"{row[f'{side} share']:.1%}" for side in ("first", "second"))) for row in told[:VALUES_SHOWN]]
        rows += [(column[0], f"… and {len(told) - VALUES_SHOWN} more (--json)", "", "", "", "")] if len(told) > VALUES_SHOWN else []
    yield columns(rows, ("column", "value", first, second, f"share of {first}", f"share of {second}"))


def _told(count: int | None) -> str:
    return "not annotated" if count is None else str(count)


def _equity(found: Comparison, second: str) -> Iterator[str]:
    for column, figures in found.equity.items():
        names = [name.removeprefix("AUROC ") for name in figures if name.startswith("AUROC ")]
        silent = int(next((value for name, value in figures.items() if name == "samples not stated"), 0))
        yield ""
        yield columns([(name, int(figures[f"samples {name}"]), f"{figures[f'AUROC {name}']:.3f}", f"{figures[f'positive {name}']:.1%}") for name in names],
                      (column, f"samples of {second}", "AUROC", "predicted positive"))
        rates = {name: figures[f"positive {name}"] for name in names}
        gap = f"; predicted positives differ by at most {abs(figures['parity difference']):.1%} ({min(rates, key=rates.__getitem__)}, {max(rates, key=rates.__getitem__)})" if len(rates) > 1 else ""
        size = f"; r(size, AUROC) {figures['r(size, AUROC)']:.2f}" if math.isfinite(figures["r(size, AUROC)"]) else ""
        scaled = f", equity-scaled {figures['equity-scaled AUROC']:.3f} (the same where no group differs)" if len(rates) > 1 else ""
        yield f"AUROC {figures['AUROC']:.3f}{scaled}{gap}{size}" + (f"; {amount(silent, 'sample')} without {column}" if silent else "")

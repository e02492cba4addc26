"""`isocenter compare`: how unlike two cohorts are."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("first")
@click.argument("second")
@click.option("--with", "encoder", default="thumbnail", show_default=True, help="The encoder of the embedding distances.")
@click.option("--radiomic/--no-radiomic", default=True, show_default=True, help="Also the radiomic Fréchet distance and out-of-distribution samples.")
@click.option("--predictions", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Predictions on SECOND: a table of sample_id, truth, prediction.")
@click.option("--group", "groups", multiple=True, default=("sex",), show_default=True, help="Columns that equity is told by.")
@with_workspace
@as_json
def command(workspace: Workspace, first: str, second: str, encoder: str, radiomic: bool, predictions: Path | None, groups: tuple[str, ...], json_: bool) -> None:
    """Compare cohort SECOND with FIRST, the reference."""
    from isocenter.curate.compare import compare
    from isocenter.harmonize.cohort import Cohort

    sides = [Cohort.open(workspace, name) for name in (first, second)]
    found = compare(workspace, *sides, encoder=encoder, radiomic=radiomic, predictions=predictions, groups=groups)
    distances = columns([(name, f"{value:.6g}") for name, value in found.distances.items()], ("distance", "value"))
    table = columns([(row["column"], row["value"], row["first"], row["second"], f"{row['first share']:.1%}", f"{row['second share']:.1%}")
                     for row in found.tables.iter_rows(named=True)], ("column", "value", first, second, "share", "share"))
    equity = [f"{column}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()) for column, figures in found.equity.items()]
    unlike = [f"{len(found.outliers)} samples of {second} lie outside {first}" + (f", farthest {found.outliers[0][0]}" if found.outliers else "")] if radiomic else []
    emit(found.to_json(), json_, "\n".join([distances, *unlike, "", table, *equity]), f"isocenter select {second} --budget N --as NAME")

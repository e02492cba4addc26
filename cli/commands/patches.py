"""`isocenter patches`: cut volumes into patches that strategies choose from."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, dry_run, emit, output_cohort, seed, with_workspace
from isocenter.core.errors import Exit, UsageError
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount

SHOWN = 5


def parse_sides(ctx: click.Context, parameter: click.Parameter, text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        sides = [float(side) for side in text.split(",")]
    except ValueError:
        sides = []
    if len(sides) not in (1, 3) or min(sides) <= 0:
        raise UsageError(f"--{parameter.name} {text!r} is no size", hint=f"one number, or three along x, y and z: --{parameter.name} 32,32,16")
    x, y, z = sides if len(sides) == 3 else sides * 3
    return x, y, z


@click.command()
@click.argument("cohort")
@click.option("--size", required=True, callback=parse_sides, metavar="SIDES", help="Sides of a patch in voxels: one number, or three along x, y and z (32,32,16).")
@click.option("--stride", callback=parse_sides, metavar="SIDES", help="How far patches lie apart.  [default: half their size]")
@click.option("--mm", "in_mm", is_flag=True, help="Sizes and strides are in millimetres.")
@click.option("--number", type=click.IntRange(1), help="At most so many patches a volume, drawn at random.  [default: all]")
@click.option("--predictions", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="FOLDER",
              help="Class probabilities, a .npz, .npy or NIfTI file a volume; once for every member of an ensemble.")
@click.option("--taken", multiple=True, metavar="COHORT", help="Patches that a round of annotation chose before, once a round; what overlaps them is left out.")
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True, help="Rounds of annotation that are planned; clasp-pe draws more freely in the first.")
@seed
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, size: tuple[float, float, float], stride: tuple[float, float, float] | None, in_mm: bool, number: int | None,
            predictions: tuple[Path, ...], taken: tuple[str, ...], rounds: int, seed: int, name: str, dry_run: bool, force: bool, json_: bool) -> Exit:
    """Cut the volumes of COHORT into patches, parts of their samples."""
    from isocenter.curate.parts import Cut, patches
    from isocenter.harmonize.cohort import Cohort

    cut = Cut(size, stride or (size[0] / 2, size[1] / 2, size[2] / 2), in_mm, number)
    found = patches(workspace, Cohort.open(workspace, cohort), cut, name=name, predictions=predictions, taken=[Cohort.open(workspace, one) for one in taken],
                    rounds=rounds, seed=seed, dry_run=dry_run, force=force)
    told = {what: found.table[what].drop_nulls().to_numpy() for what in ("foreground", "entropy", "bald")}
    rows = [(what, *(f"{value:.4g}" for value in (values.min(), values.mean(), values.max()))) for what, values in told.items() if len(values)]
    body = {"cohort": name, "patches": len(found.cohort), "left_out": found.left_out, "written": not dry_run}
    lines = [f"{name}: {amount(len(found.cohort), 'patch')} of {amount(found.cohort.table['uri'].n_unique(), 'volume')}",
             *([columns(rows, ("of a patch", "least", "mean", "most"))] if rows else []),
             *(f"left out: {sample} {reason}" for sample, reason in list(found.left_out.items())[:SHOWN]),
             *([f"left out: {len(found.left_out) - SHOWN} more"] if len(found.left_out) > SHOWN else [])]
    by = "clasp-pe" if predictions else "foreground-random"
    emit(body, json_, "\n".join(lines), f"isocenter select {name} --by {by} --budget 40 --as {name}-1")
    return Exit.ROWS_IN_ERROR if found.left_out else Exit.DONE

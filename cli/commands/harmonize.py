"""`isocenter harmonize`: write the volumes of a scanned dataset to the store, in canonical orientation or a geometry of one's own."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit, UsageError
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount

SHOWN = 20


@click.command()
@click.argument("name")
@click.option("--spacing", metavar="MM[,MM,MM]", help="Resample volumes and their masks: one number of millimetres, or one per axis.")
@click.option("--orientation", metavar="CODES", help="Where the array axes point, e.g. RAS or LPS.  [default: RAS]")
@click.option("--preset", metavar="NAME", help="A geometry of the literature: isocenter, nnu-net, sat-ds, totalsegmentator, voco, …")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, name: str, spacing: str | None, orientation: str | None, preset: str | None, dry_run: bool, json_: bool) -> int:
    """Write the volumes of dataset NAME to store/NAME: DICOM series by their geometry, NIfTI turned to canonical orientation.

    With --spacing, --orientation or --preset volumes and masks are then brought into that geometry; beside each volume lies the way back.
    Exit status 3: done, and some samples were declined; their rows say why.
    """
    from isocenter.harmonize.geometry.choice import choose
    from isocenter.harmonize.harmonize import ahead, harmonize

    geometry = choose(preset, _numbers(spacing), orientation)
    if dry_run:
        todo = ahead(workspace, name)
        asked = " ".join(f"--{option} {value}" for option, value in (("spacing", spacing), ("orientation", orientation), ("preset", preset)) if value)
        then = f"; then {amount(todo.series + todo.volumes + todo.done, 'volume')} into geometry {geometry.name}" if geometry else ""
        emit(asdict(todo) | {"geometry": geometry and geometry.told(), "written": False}, json_, f"{name}: {todo.series} series and {todo.volumes} volume files to convert, {todo.done} done{then}",
             f"isocenter harmonize {name} {asked}".rstrip())
        return Exit.DONE
    done = harmonize(workspace, name, geometry)
    lines = [f"{name}: {done.stored} stored, {done.kept} kept as published, {len(done.declined)} declined, {done.masks} masks drawn"]
    lines += [f"  geometry {geometry.name}: {done.turned} masks brought along"] if geometry else []
    for what, found in (("declined", done.declined), ("no mask", done.undrawn), ("left as it was", done.left)):
        lines += [f"  {what}: {one}: {reason}" for one, reason in list(found.items())[:SHOWN]]
        lines += [f"  … and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    emit(asdict(done), json_, "\n".join(lines), f"isocenter merge {name} --as COHORT")
    return Exit.ROWS_IN_ERROR if done.declined or done.undrawn or done.left else Exit.DONE


def _numbers(text: str | None) -> list[float]:
    try:
        return [float(part) for part in text.split(",")] if text else []
    except ValueError as error:
        raise UsageError(f"{text!r} is no spacing", hint="--spacing 1 or --spacing 1,1,3") from error

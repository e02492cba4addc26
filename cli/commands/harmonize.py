"""`isocenter harmonize`: write the volumes of a scanned dataset to the store, in canonical orientation."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace

SHOWN = 20


@click.command()
@click.argument("name")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, name: str, dry_run: bool, json_: bool) -> int:
    """Write the volumes of dataset NAME to store/NAME: DICOM series by their geometry, NIfTI turned to canonical orientation.

    Exit status 3: done, and some samples were declined; their rows say why.
    """
    from isocenter.harmonize.harmonize import ahead, harmonize

    if dry_run:
        todo = ahead(workspace, name)
        emit(asdict(todo), json_, f"{name}: {todo.series} series and {todo.volumes} volume files to convert, {todo.done} done", f"isocenter harmonize {name}")
        return Exit.DONE
    done = harmonize(workspace, name)
    lines = [f"{name}: {done.stored} stored, {done.kept} kept as published, {len(done.declined)} declined, {done.masks} masks drawn"]
    lines += [f"  declined: {sample}: {reason}" for sample, reason in list(done.declined.items())[:SHOWN]]
    lines += [f"  no mask: {path}: {reason}" for path, reason in list(done.undrawn.items())[:SHOWN]]
    if len(done.declined) > SHOWN:
        lines.append(f"  … and {len(done.declined) - SHOWN} more")
    emit(asdict(done), json_, "\n".join(lines), f"isocenter merge {name} --as COHORT")
    return Exit.ROWS_IN_ERROR if done.declined or done.undrawn else Exit.DONE

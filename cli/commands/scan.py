"""`isocenter scan`: read an adopted dataset into the inventory, sample and annotation tables."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Read the layout and the tables again even if nothing changed.")
@with_workspace
@as_json
def command(workspace: Workspace, name: str, force: bool, json_: bool) -> int:
    """Read dataset NAME: every file becomes an inventory row, every sample a row of the sample table.

    Exit status 3: done, and some files could not be read; each has a row that says why.
    """
    from isocenter.harmonize.sample import errors_of
    from isocenter.harmonize.scan import scan

    found = scan(workspace, name, force=force)
    errors = errors_of(workspace, name)
    lines = [f"{name}: {found.files} files, {found.samples} samples, {found.errors} in error", "  " + ", ".join(f"{role} {number}" for role, number in found.roles.items())]
    lines += [f"  warning: {warning}" for warning in found.warnings]
    lines += [f"  error: {path}: {error}" for path, error in errors[:20]] + ([f"  … and {len(errors) - 20} more"] if len(errors) > 20 else [])
    emit(asdict(found) | {"error_rows": [{"path": path, "error": error} for path, error in errors]}, json_, "\n".join(lines), f"isocenter merge {name} --as COHORT")
    return Exit.ROWS_IN_ERROR if found.errors else Exit.DONE

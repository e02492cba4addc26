"""`isocenter scan`: read an adopted dataset into the inventory, sample and annotation tables."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount


@click.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Read files, layout and tables again even if nothing changed.")
@click.option("--check", is_flag=True, help="Also decode every image and mask and apply the quality rules, as `isocenter check` does.")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, name: str, force: bool, check: bool, dry_run: bool, json_: bool) -> int:
    """Read dataset NAME: every file becomes an inventory row, every sample a row of the sample table.

    What headers show (spacing, orientation, identifying tags) joins the `issues` of the samples; what pixels show needs --check.

    Exit status 3: done, and some files could not be read; each has a row that says why.
    """
    from isocenter.harmonize.quality._dataset import findings_of
    from isocenter.harmonize.sample import errors_of
    from isocenter.harmonize.scan import scan
    from isocenter.harmonize.unread import set_aside

    if dry_run:
        return _ahead(workspace, name, force, json_)
    found = scan(workspace, name, force=force)
    aside = set_aside(workspace, name)
    findings = findings_of(workspace, name, look=check)
    errors = errors_of(workspace, name)
    lines = [f"{name}: {amount(found.files, 'file')}, {amount(found.samples, 'sample')}, {found.errors} in error", "  " + ", ".join(f"{role} {number}" for role, number in found.roles.items())]
    lines += [f"  {text}" for text in aside]
    lines += ["  issues: " + ", ".join(f"{code} {number}" for code, number in findings.items())] if findings else []
    lines += [f"  warning: {warning}" for warning in found.warnings]
    lines += [f"  error: {path}: {error}" for path, error in errors[:20]] + ([f"  … and {len(errors) - 20} more"] if len(errors) > 20 else [])
    emit(asdict(found) | {"set_aside": aside, "findings": findings, "error_rows": [{"path": path, "error": error} for path, error in errors]}, json_, "\n".join(lines), f"isocenter merge {name} --as COHORT")
    return Exit.ROWS_IN_ERROR if found.errors else Exit.DONE


def _ahead(workspace: Workspace, name: str, force: bool, json_: bool) -> int:
    from isocenter.cli.render import counts, size
    from isocenter.harmonize.scan_state import ahead

    todo = ahead(workspace, name, force=force)
    lines = [f"{name}: {amount(todo.files, 'file')} (layout {todo.layout}); to read: {amount(todo.to_read, 'file')}, {size(todo.bytes)}"]
    lines += [f"  by their names: {counts(todo.by_name)}"] if todo.by_name else []
    lines += ["  nothing changed: the tables that are there stand"] if todo.stands else []
    emit(asdict(todo) | {"written": False}, json_, "\n".join(lines), f"isocenter scan {name}")
    return Exit.DONE

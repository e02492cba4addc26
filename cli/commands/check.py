"""`isocenter check`: apply the quality rules to the pixels, masks and headers of a scanned dataset."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount


@click.command()
@click.argument("name")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, name: str, dry_run: bool, json_: bool) -> None:
    """Look at every image and mask of dataset NAME; what is found joins the `issues` of samples/NAME.parquet."""
    from isocenter.harmonize.quality._dataset import ahead, check_dataset

    if dry_run:
        todo, done = ahead(workspace, name)
        emit({"dataset": name, "to_check": todo, "done": done, "written": False}, json_, f"{name}: {amount(todo, 'sample')} to decode, {done} looked at before", f"isocenter check {name}")
        return
    found = check_dataset(workspace, name)
    lines = [f"{name}: {amount(found.samples, 'sample')}; " + (", ".join(f"{code} {n}" for code, n in found.findings.items()) or "no findings")]
    emit(asdict(found), json_, "\n".join(lines), 'isocenter sql "select sample_id, issues from samples where len(issues) > 0"')

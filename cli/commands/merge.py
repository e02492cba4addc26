"""`isocenter merge`: samples of several datasets, labels in one space, as a cohort."""

from __future__ import annotations

import click

from isocenter.cli.options import as_json, dry_run, emit, output_cohort, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("datasets", nargs=-1, required=True, metavar="NAME…")
@click.option("--where", metavar="SQL", help="A condition on the sample table, e.g. \"modality = 'CT' and labels['liver'] = 'present'\".")
@click.option("--space", default="union", show_default=True, metavar="union|intersection|FILE", help="The label space to merge into.")
@output_cohort
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, datasets: tuple[str, ...], where: str | None, space: str, name: str, dry_run: bool, json_: bool) -> None:
    """Merge scanned datasets by metadata into cohort NAME, their labels unified; absent and not annotated stay apart."""
    from isocenter.cli.render import coverage, coverage_text
    from isocenter.harmonize.merge import merge

    cohort = merge(workspace, list(datasets), name=name, where=where, space=space, dry_run=dry_run)
    body = {"cohort": name, "samples": len(cohort), "datasets": list(datasets), "space": cohort.header["space"], "coverage": coverage(cohort), "written": not dry_run}
    emit(body, json_, lambda: f"{name}: {len(cohort)} samples of {', '.join(datasets)}\n{coverage_text(cohort)}", f"isocenter dedup {name} --as {name}-unique")

"""`isocenter explain`: why a sample is in a cohort or out of it."""

from __future__ import annotations

from dataclasses import asdict

import click

from isocenter.cli.options import as_json, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("cohort")
@click.argument("sample", metavar="ID")
@click.option("--with", "encoder", default=None, help="Show the nearest kept neighbour by this encoder, e.g. thumbnail.")
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, sample: str, encoder: str | None, json_: bool) -> None:
    """Tell the story of sample ID (or the end of an id) up to COHORT, stage by stage."""
    from isocenter.curate.explain import explain
    from isocenter.harmonize.cohort import Cohort

    story = explain(workspace, Cohort.open(workspace, cohort), sample, encoder)
    lines = [f"{story.sample_id}: {'in' if story.kept else 'not in'} {cohort}", *[f"  {step}" for step in story.steps]]
    lines += [f"  issue: {issue}" for issue in story.row["issues"] or []]
    lines += [f"  nearest kept by {encoder}: {story.nearest[0]}, cosine {story.nearest[1]:.3f}"] if story.nearest else []
    emit(asdict(story), json_, "\n".join(lines))

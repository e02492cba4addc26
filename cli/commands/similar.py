"""`isocenter similar`: the samples most like a file."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--with", "encoder", default="thumbnail", show_default=True, metavar="ENCODER", help="The encoder that `embed` was run with.")
@click.option("--in", "cohort", metavar="COHORT", help="Look only among this cohort.  [default: everything embedded]")
@click.option("-k", "k", type=click.IntRange(1), default=10, show_default=True, help="How many.")
@click.option("--above", type=click.FloatRange(-1, 1), help="All with at least this cosine instead, exactly.")
@click.option("--index", "kind", type=click.Choice(["auto", "flat", "ivf", "ivfpq", "hnsw"]), default="auto", show_default=True, help="Which index to search.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1 …")
@with_workspace
@as_json
def command(workspace: Workspace, file: Path, encoder: str, cohort: str | None, k: int, above: float | None, kind: str, device: str, json_: bool) -> None:
    """List the samples most like FILE."""
    from isocenter.embeddings.samples import similar
    from isocenter.harmonize.cohort import Cohort

    among = Cohort.open(workspace, cohort) if cohort else None
    answer = similar(workspace, file, among, encoder, k=k, above=above, kind=kind, device=device)
    found = [{"sample_id": hit.sample_id, "cosine": hit.cosine} for hit in answer.found]
    body = {"key": answer.key, "searched": answer.samples, "index": answer.kind, "recall_at_10": answer.recall_at_10, "found": found}
    sure = "exact" if answer.recall_at_10 is None else f"recall@10 {answer.recall_at_10:.3f} on a sample"
    table = columns([(f"{hit.cosine:.4f}", hit.sample_id) for hit in answer.found], ("cosine", "sample"))
    emit(body, json_, f"{answer.samples} samples searched with {answer.key} ({answer.kind}, {sure})\n{table}")

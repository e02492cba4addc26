"""`isocenter embed`: give every sample of a cohort a vector."""

from __future__ import annotations

import click

from isocenter.cli.options import as_json, dry_run, emit, with_workspace
from isocenter.core.errors import Exit
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount


@click.command()
@click.argument("cohort")
@click.option("--with", "encoder", default="thumbnail", show_default=True, metavar="ENCODER", help="`name`, `name:path-or-id`, options as in `name?slices=16`.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1 …")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Views in one call of the encoder; halved when memory is out.")
@click.option("--workers", type=click.IntRange(0), help="Processes that decode; 0 decodes in this one.  [default: one per core, at most 8]")
@click.option("--retry", is_flag=True, help="Try samples again that could not be read before.")
@dry_run
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, encoder: str, device: str, batch: int, workers: int | None, retry: bool, dry_run: bool, json_: bool) -> int:
    """Encode the samples of COHORT; what was encoded before is kept."""
    from isocenter.embeddings.samples import embed_cohort
    from isocenter.harmonize.cohort import Cohort

    done = embed_cohort(workspace, Cohort.open(workspace, cohort), encoder, device=device, batch=batch, workers=workers, retry=retry, dry_run=dry_run)
    body = {"key": done.key, "encoded": done.encoded, "reused": done.reused, "errors": done.errors, "written": not dry_run}
    verb = "to encode" if dry_run else "encoded"
    lines = [f"{done.key}: {amount(done.encoded, 'sample')} {verb}, {done.reused} known before, {len(done.errors)} without a vector"]
    lines += [f"error: {sample}: {reason}" for sample, reason in sorted(done.errors.items())[:20]]
    emit(body, json_, "\n".join(lines), f"isocenter similar FILE --with {encoder}")
    return Exit.ROWS_IN_ERROR if done.errors else Exit.DONE

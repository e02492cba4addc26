"""`isocenter probe`: how far pictures may be changed until a copy is no longer found, by the search for duplicates or by an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isocenter.cli.options import as_json, columns, dry_run, emit, maybe_workspace, seed
from isocenter.core.errors import BadInput, Exit, UsageError
from isocenter.core.workspace import Workspace
from isocenter.registry.amounts import amount

if TYPE_CHECKING:
    from isocenter.curate.probe.pictures import Pictures

SHOWN = 5


@click.command()
@click.argument("pictures")
@click.option("--with", "encoder", metavar="ENCODER", help="Measure this encoder, not the search for duplicates.")
@click.option("--only", multiple=True, metavar="CHANGE[:SEVERITY]", help="Only these changes, e.g. crop or jpeg:3 (may be repeated).  [default: all]")
@click.option("--copies", type=click.IntRange(1), default=4, show_default=True, help="Copies per change and severity, of pictures in turn.")
@click.option("--write", "out", type=click.Path(file_okay=False, path_type=Path), help="Write the copies and a manifest to this folder; measure nothing.")
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1 … of the encoder.")
@seed
@dry_run
@maybe_workspace
@as_json
def command(workspace: Workspace | None, pictures: str, encoder: str | None, only: tuple[str, ...], copies: int, out: Path | None, device: str, seed: int,
            dry_run: bool, json_: bool) -> int:
    """Change copies of PICTURES (a cohort, or a folder) in known ways and measure how many are still found.

    The pictures must all be different: give a cohort that went through dedup.
    """
    from isocenter.curate.probe import copies as plan

    if out and encoder:
        raise UsageError("--write measures nothing, so it takes no --with")
    cells = plan.cells(only)
    found, left = _pictures(workspace, pictures)
    if len(found) < 2:
        raise BadInput(f"{amount(len(found), 'picture')} to change, at least two are needed" + (f"; {_why(left)}" if left else ""), where=pictures)
    planned = [one for some in plan.rounds(sorted(found), cells, copies, seed) for one in some]
    body = {"pictures": len(found), "left_out": left, "changes": len(cells), "copies": copies, "seed": seed}
    head = [f"{amount(len(found), 'picture')} at 320 pixels or less, {len(planned):,} changed copies" + (f"; left out: {_why(left)}" if left else "")]
    if dry_run:
        emit(body | {"written": False}, json_, "\n".join(head))
    elif out:
        manifest = plan.write_copies(found, planned, out)
        emit(body | {"manifest": str(manifest), "written": True}, json_, "\n".join([*head, f"written, listed in {manifest}"]))
    elif encoder:
        from isocenter.curate.probe.robustness import robustness
        from isocenter.embeddings.api import open_encoder

        rows = robustness(open_encoder(encoder, device), found, copies, only=cells, seed=seed)
        table = _table({(row.name, row.severity): row.found for row in rows})
        body["rows"] = [{"change": row.name, "severity": row.severity, "cosine": row.cosine, "found": row.found} for row in rows]
        emit(body, json_, "\n".join([*head, f"share of copies whose nearest original by {encoder} is their own", table]))
    else:
        from isocenter.curate.probe.recall import recall

        joined, wrong = recall(found, copies, only=cells, seed=seed)
        table = _table({(row.name, row.severity): row.joined / row.copies for row in joined})
        body |= {"wrong": wrong, "rows": [{"change": row.name, "severity": row.severity, "copies": row.copies, "joined": row.joined} for row in joined]}
        total = f"{sum(row.joined for row in joined)} of {amount(len(planned), 'copy')} joined to their original, two different pictures joined: {wrong}"
        emit(body, json_, "\n".join([*head, "share of copies that the search for duplicates joined to their original", table, total]))
    return Exit.ROWS_IN_ERROR if left else Exit.DONE


def _pictures(workspace: Workspace | None, named: str) -> tuple[Pictures, dict[str, str]]:
    from isocenter.curate.probe.pictures import of_cohort, of_folder

    if workspace is not None and named in workspace.cohorts():
        from isocenter.harmonize.cohort import Cohort

        return of_cohort(workspace, Cohort.open(workspace, named))
    if not Path(named).is_dir():
        raise UsageError(f"{named!r} is neither a cohort of a workspace nor a folder", hint="isocenter probe COHORT --workspace DIR, or isocenter probe FOLDER")
    return of_folder(Path(named))


def _why(left: Mapping[str, str]) -> str:
    shown = "; ".join(f"{name}: {cause}" for name, cause in list(left.items())[:SHOWN])
    return f"{len(left)} ({shown}" + ("; …)" if len(left) > SHOWN else ")")


def _table(shares: Mapping[tuple[str, int], float]) -> str:
    """One row per change, a column per severity."""
    severities = sorted({severity for _, severity in shares})
    rows = [(name, *(f"{shares[name, s]:.2f}" if (name, s) in shares else "" for s in severities)) for name in dict.fromkeys(name for name, _ in shares)]
    return columns(rows, ("change", *(f"severity {s}" for s in severities)))

"""`isocenter retrieve`: how well an encoder finds its like, patient by patient, beside raw pixels and random vectors."""

from __future__ import annotations

from pathlib import Path

import click

from isocenter.cli.options import as_json, columns, emit, seed, with_workspace
from isocenter.core.workspace import Workspace

SHOWN = ("R@1", "P@10", "mAP@10", "NDCG@10", "kNN-AUC 20")


@click.command()
@click.argument("cohort")
@click.option("--with", "encoder", default="sketch", show_default=True, help="The encoder that is judged.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.2, show_default=True, help="Share of the labelled samples that ask, whole patients.")
@click.option("--side", metavar="SIDE", help="Samples on this side of the cohort's split ask, e.g. test; the other sides are searched.")
@click.option("--group", "groups", multiple=True, default=("modality", "dataset", "sex", "age"), show_default=True, metavar="COLUMN", help="Columns whose values are judged on their own queries.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write every figure to this CSV file.")
@seed
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, encoder: str, share: float, side: str | None, groups: tuple[str, ...], out: Path | None, seed: int, json_: bool) -> None:
    """Judge an encoder on COHORT: does the nearest sample of another patient share a label?"""
    from isocenter.curate.retrieval_cohorts import retrieve
    from isocenter.harmonize.cohort import Cohort

    found = retrieve(workspace, Cohort.open(workspace, cohort), encoder, share=share, side=side, groups=groups, seed=seed, out=out)
    body = {"cohort": cohort, "encoder": encoder, "queries": found.queries, "gallery": found.gallery, "left_out": found.left_out, "verdict": found.verdict,
            "figures": found.table.fill_nan(None).to_dicts(), "out": str(out) if out else None}
    cell = {(row["features"], row["group"], row["figure"]): f"{row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" for row in found.table.fill_nan(None).drop_nulls().iter_rows(named=True)}
    asked = {(row["features"], row["group"]): row["queries"] for row in found.table.iter_rows(named=True)}
    kinds = [figure for figure in SHOWN if any(key[2] == figure for key in cell)]
    order = sorted(asked, key=lambda key: (key[1] != "all", key[1]))
    rows = [(name, group, asked[name, group], *(cell.get((name, group, figure), "") for figure in kinds)) for name, group in order]
    lines = [f"{found.queries} queries against a gallery of {found.gallery}, no patient on both sides; {found.left_out} samples without a label or a picture left out",
              columns(rows, ("features", "group", "queries", *kinds)), "", found.verdict]
    emit(body, json_, "\n".join(lines), f"isocenter similar FILE --in {cohort} --with {encoder}")

"""`isocenter explain`: why a sample is in a cohort or out of it; what left a cohort, as sheets and a map."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from isocenter.cli.options import as_json, columns, emit, with_workspace
from isocenter.core.workspace import Workspace


@click.command()
@click.argument("cohort")
@click.argument("sample", metavar="[ID]", required=False)
@click.option("--with", "encoder", default=None, help="The encoder that says what is near.  [default: the one the selection looked at]")
@click.option("--map", "map_", type=click.Path(path_type=Path, dir_okay=False), help="Draw the pool with what was chosen to this PNG, SVG or HTML file.")
@click.option("--colour", metavar="COLUMN", help="What colours the map: label or a column.  [default: dataset, or label where there is one dataset]")
@click.option("--sheets", type=click.Path(path_type=Path, file_okay=False), help="Write contact sheets (PNG) to this folder: what was left out beside what was kept.")
@with_workspace
@as_json
def command(workspace: Workspace, cohort: str, sample: str | None, encoder: str | None, map_: Path | None, colour: str | None, sheets: Path | None, json_: bool) -> None:
    """Tell the story of sample ID (or the end of an id) up to COHORT, stage by stage; without ID, who left at which stage."""
    from isocenter.curate.explain import departures, encoder_at_hand, explain, pool_of
    from isocenter.harmonize.cohort import Cohort

    one = Cohort.open(workspace, cohort)
    if sample:
        story = explain(workspace, one, sample, encoder)
        body, lines = asdict(story), [f"{story.sample_id}: {'in' if story.kept else 'not in'} {cohort}", *[f"  {step}" for step in story.steps]]
        lines += [f"  issue: {issue}" for issue in story.row["issues"] or []]
        lines += [f"  nearest kept by {story.encoder}: {story.nearest[0]}, cosine {story.nearest[1]:.3f}"] if story.nearest else []
        next_ = f"isocenter explain {cohort} --map {cohort}.png --sheets sheets"
    else:
        rows = departures(workspace, one)
        body = {"cohort": cohort, "stages": rows}
        lines = [columns([(row["cohort"], row["verb"], *("not known" if row[key] is None else row[key] for key in ("in", "kept", "out")), ", ".join(f"{key} {value}" for key, value in row["asked"].items())) for row in rows],
                         ("cohort", "by", "in", "kept", "out", "asked"))]
        next_ = f"isocenter explain {cohort} ID"
    pool = pool_of(workspace, one)
    if map_:
        from isocenter.curate.map import draw, map_of

        draw(map_of(workspace, pool, one, encoder or encoder_at_hand(workspace, one) or "thumbnail", column=colour), map_)
        lines.append(f"map: {map_}")
    pages = _sheets(workspace, pool, one, encoder or encoder_at_hand(workspace, one), sheets) if sheets else []
    lines += [f"{len(pages)} contact sheets in {sheets}"] if sheets else []
    emit({**body, "map": str(map_) if map_ else None, "sheets": [str(page) for page in pages]}, json_, "\n".join(lines), next_)


def _sheets(workspace: Workspace, pool: Any, cohort: Any, encoder: str | None, folder: Path) -> list[Path]:
    from isocenter.curate.contrast_sheet import contrasts, write_sheets

    return write_sheets(workspace, pool, cohort, contrasts(workspace, pool, cohort, encoder), folder)

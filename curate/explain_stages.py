"""Why a stage kept a sample or left it out: one stage, one sample's row and tables of the workspace go in, sentences come out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import polars as pl

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.columns import column_values
from isocenter.curate.constraints import holds, parse_limit
from isocenter.curate.groups import GROUPS, PAIRS
from isocenter.curate.sample_licences import licence_id, sample_licences
from isocenter.curate.split_components import kin_of
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import UNDECODABLE
from isocenter.harmonize.sample import SAMPLES

SHOWN = 3


def kept(stage: Cohort, row: dict[str, Any], before: dict[str, Any] | None) -> str:
    """What the stage says of a sample that it kept. before: its row in the stage before; what is as it was there is not said again."""
    words = ["in"]
    if row["split"] and (before is None or before["split"] != row["split"]):
        words.append(f"on side {row['split']}")
    if row["rank"] is not None and (before is None or before["rank"] != row["rank"]):
        words.append(f"rank {row['rank']} of {len(stage)}, gain {row['gain']:.4g}")
    if row["reason"] and (before is None or before["reason"] != row["reason"]) and f"rank {row['rank']} of" not in row["reason"]:
        words.append(row["reason"])
    if before is None or before["labels"] != row["labels"]:
        words.append("labels " + (", ".join(f"{term} {state}" for term, state in (row["labels"] or {}).items()) or "none") if row["labels"] is not None else "no labels read")
    return ", ".join(words)


def left_out(workspace: Workspace, stage: Cohort, sample: str, row: dict[str, Any]) -> str:
    """Why the stage left the sample out. row: of its sample table."""
    broken = row["error"] or next((issue for issue in row["issues"] or [] if issue.startswith(UNDECODABLE)), None)
    if broken:
        return f"out: {broken}"
    if workspace.groups(stage.name).exists():
        groups = read_table(workspace.groups(stage.name), GROUPS)
        mine = groups.filter(pl.col("sample_id") == sample)
        if mine.height:
            keeper = groups.filter((pl.col("group") == mine["group"][0]) & pl.col("keeper"))["sample_id"][0]
            return f"out: a copy of {keeper} ({mine['evidence'][0]})"
    verb, parameters = stage.header["verb"], stage.header["parameters"]
    if verb == "select":
        return f"out: {_not_chosen(workspace, stage, sample, parameters)}"
    if verb == "merge" and parameters.get("where"):
        named = sorted(set(re.findall(r"\w+", parameters["where"])) & set(SAMPLES.schema.names))
        here = ", ".join(f"{column} is {_plain(row[column])}" for column in named)
        return f"out: the condition does not hold: {parameters['where']}" + (f" (here {here})" if here else "")
    return "out"


def _not_chosen(workspace: Workspace, stage: Cohort, sample: str, parameters: dict[str, Any]) -> str:
    wishes = parameters.get("wishes", {})
    listed = Path(wishes["exclude"]) if wishes.get("exclude") else None
    if listed and listed.is_file() and sample in {line.strip() for line in listed.read_text().splitlines()}:
        return f"it is on the exclude list {listed.name}"
    parent = Cohort.open(workspace, stage.header["parent"])
    alone = Cohort(parent.name, parent.table.filter(pl.col("sample_id") == sample), parent.header)
    if wishes.get("licences"):
        stated = sample_licences(workspace, alone)[0]
        if stated not in {licence_id(one) for one in wishes["licences"]}:
            return f"its licence {stated or '(not stated)'} is not among {', '.join(wishes['licences'])}"
    supplied = {name: Path(path) for name, path in wishes.get("supplied", {}).items() if Path(path).is_file()}
    for text in wishes.get("limits", []):
        limit = parse_limit(text)
        if limit.most is not None and holds(limit, column_values(workspace, alone, limit.column, supplied)[0]):
            taken = sum(holds(limit, value) for value in column_values(workspace, stage, limit.column, supplied))
            if taken >= limit.most:
                return f"the cap {text} was full"
    last = stage.table["gain"].tail(1).to_list()
    gained = f"; the last one taken gained {last[0]:.3g}" if last and last[0] is not None else ""
    return f"{parameters['by']} spent its budget of {parameters['budget']} {wishes.get('spend', 'samples')} on others{gained}"


def pairs(workspace: Workspace, stage: Cohort, sample: str) -> list[str]:
    """The pairs that a stage judged with this sample in them."""
    if not workspace.pairs(stage.name).exists():
        return []
    found = read_table(workspace.pairs(stage.name), PAIRS).filter((pl.col("a") == sample) | (pl.col("b") == sample)).sort("score", descending=True)
    lines = [f"  {row['verdict']}: {row['b'] if row['a'] == sample else row['a']} by {row['net']}, score {row['score']:.4g}" for row in found.iter_rows(named=True)]
    return lines[:SHOWN * 2] + ([f"  … and {len(lines) - SHOWN * 2} more pairs"] if len(lines) > SHOWN * 2 else [])


def kin(workspace: Workspace, stage: Cohort, sample: str) -> list[str]:
    """Who must stand on the same side of a split, and why."""
    if stage.header["verb"] != "split":
        return []
    table = kin_of(workspace, stage).table
    own = table.filter(pl.col("sample_id") == sample).to_dicts()[0]
    others = table.filter((pl.col("component") == own["component"]) & (pl.col("sample_id") != sample)) if own["component"] is not None else table.clear()
    if others.is_empty():
        return ["  alone: no other sample of its patient or study, no copy"]
    same = others.filter((pl.col("dataset") == own["dataset"]) & (pl.col("patient_id") == own["patient_id"])).height if own["patient_id"] is not None else 0
    first = ", ".join(others["sample_id"].head(SHOWN)) + (f" and {others.height - SHOWN} more" if others.height > SHOWN else "")
    return [f"  with {others.height} kin ({same} of patient {own['patient_id']}): {first}" if same else f"  with {others.height} kin by study or picture: {first}"]


def _plain(value: Any) -> str:
    return "not stated" if value is None else repr(value) if isinstance(value, str) else str(value)

"""What a merge did, in short: tables, target space and ledger go in; counts per member, terms that were dropped and the commonest readings come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from isocenter.harmonize.readings import Readings
from isocenter.harmonize.space import LabelSpace
from isocenter.registry.amounts import amount

READINGS = 12
NAMED = 8


def members_told(tables: Mapping[str, pl.DataFrame], chosen: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per member: samples that it has, those in error, those for which the condition does not hold, those that are in."""
    taken = dict(chosen.group_by("dataset").len().iter_rows())
    rows = []
    for dataset, table in tables.items():
        errors = table["error"].len() - table["error"].null_count()
        rows.append({"dataset": dataset, "samples": table.height, "in_error": errors, "condition_fails": table.height - errors - taken.get(dataset, 0), "in": taken.get(dataset, 0)})
    return rows


def dropped_terms(target: LabelSpace, stated: Iterable[str]) -> list[str]:
    """Terms that members state and that say nothing in the target space."""
    return sorted(term for term in set(stated) if not target.carry({term: "present"}))


def readings_told(ledger: pl.DataFrame) -> list[dict[str, Any]]:
    """The commonest raw values of the ledger, and what each became."""
    met = ledger.filter(pl.col("samples") > 0).with_columns(
        pl.when(pl.col("targets").list.len() > 0).then(pl.concat_str(pl.col("targets").list.join(" + "), pl.lit(" "), pl.col("becomes").fill_null(""))).otherwise("fate").alias("to"))
    rows = met.group_by("dataset", "raw_value", "raw_name", maintain_order=True).agg(pl.col("samples").max(), pl.col("to").unique(maintain_order=True).str.join("; "))
    named = pl.when(pl.col("raw_value") == "").then(pl.lit("(empty)")).otherwise("raw_value")
    shown = rows.with_columns(pl.when(pl.col("raw_name").fill_null("") != "").then(pl.concat_str(named, pl.lit(" "), "raw_name")).otherwise(named).alias("raw_value"))
    ordered = shown.sort("samples", "dataset", "raw_value", descending=[True, False, False])
    return [*ordered.select("dataset", "raw_value", "samples", pl.col("to").alias("becomes")).head(READINGS).to_dicts()]


def told(members: list[dict[str, Any]], dropped: list[str], space: str) -> list[str]:
    """Warnings: members of which nothing is left, and terms that the space does not hold."""
    gone = [row["dataset"] for row in members if not row["in"]]
    warnings = [f"nothing of {', '.join(gone)} is in: {'no sample can be read' if all(row['condition_fails'] == 0 for row in members if not row['in']) else 'the condition holds for none of its samples'}"] if gone else []
    if dropped:
        warnings.append(f"the space {space} leaves out {', '.join(dropped[:NAMED])}" + (f" and {len(dropped) - NAMED} more" if len(dropped) > NAMED else ""))
    return warnings


def nameless_masks(members: Mapping[str, Readings]) -> list[str]:
    """Warnings: members that have masks, none of which means anything."""
    found = []
    for name, readings in members.items():
        mute = [key for key, reader in readings.readers.items() if reader.medium == "mask" and not reader.map.annotates]
        if mute and not any(reader.medium == "mask" and reader.map.annotates for reader in readings.readers.values()):
            number = readings.table.filter(pl.col("reader").is_in(mute))["sample_id"].n_unique()
            found.append(f"the masks of {amount(number, 'sample')} of {name} state nothing, as their values have no names; what to type: isocenter scan {name}")
    return found

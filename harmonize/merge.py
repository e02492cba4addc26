"""Merge datasets by metadata: samples that a condition chooses, their labels carried into one space, as the first cohort, with a ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from isocenter.core.errors import BadInput
from isocenter.core.runs import ledger
from isocenter.core.tables import read_table, table_fingerprint
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort, check_name
from isocenter.harmonize.cohort_line import claim
from isocenter.harmonize.dataset_state import taken
from isocenter.harmonize.doubt import read_doubt
from isocenter.harmonize.merge_conflicts import (
    Disagreement,
    Member,
    aimless_told,
    answered,
    disagreements,
    require_settled,
    toml_line,
)
from isocenter.harmonize.merge_copies import contradicting_copies, may_come, with_answers
from isocenter.harmonize.merge_ledger import fates, ledger_path, merge_ledger, write_ledger
from isocenter.harmonize.merge_told import dropped_terms, members_told, nameless_masks, readings_told, told
from isocenter.harmonize.merge_where import where as where_holds
from isocenter.harmonize.readings import Readings, path_of, read_readings
from isocenter.harmonize.sample import LABELS_DTYPE, SAMPLES
from isocenter.harmonize.source import open_source, scanned
from isocenter.harmonize.space import LabelSpace, space_of


@dataclass(frozen=True, slots=True)
class Wish:
    """What a merge is asked for.

    where: an SQL condition over the sample table's columns, e.g. `modality = 'CT' and labels['liver'] = 'present'`; it sees labels already
    in the target space. space: see `space_of`. uncertain: a policy, or a table of term -> policy. settle: name of a disagreement -> answer.
    """

    where: str | None = None
    space: str = "union"
    uncertain: str | Mapping[str, str] | None = None
    settle: Mapping[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        return {"where": self.where, "space": self.space, "uncertain": self.uncertain, "settle": dict(self.settle)}


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge would be.

    rows: the chosen samples with their labels in the space; readable: how many the condition chose from; summary: `members`,
    `dropped_terms`, `readings` and `raw_values`, as they stand in the cohort's header. carried_out: answers that were given when the members were adopted; aimless: what stands against answers that settle nothing.
    """

    rows: pl.DataFrame
    readable: int
    space: LabelSpace
    ledger: pl.DataFrame
    summary: dict[str, Any]
    found: tuple[Disagreement, ...]
    carried_out: Mapping[str, str]
    aimless: BadInput | None
    warnings: tuple[str, ...]


def merge(workspace: Workspace, datasets: list[str], *, name: str, where: str | None = None, space: str = "union", uncertain: str | Mapping[str, str] | None = None,
          settle: Mapping[str, str] | None = None, dry_run: bool = False, force: bool = False) -> Cohort:
    """Put the readable samples of several scanned datasets into one cohort; the arguments are those of `Wish`; force: see `claim`.

    Samples in error never enter and stay in the sample table. The merge ledger is written beside the cohort (`merge_ledger`). Raises NotFound when a dataset
    was not scanned, BadInput when the condition is not valid SQL, an answer settles nothing or no sample is left, Conflict when the members disagree on what values mean.
    """
    check_name(name)
    datasets = list(dict.fromkeys(datasets))
    wish = Wish(where, space, uncertain, settle or {})
    with ledger(workspace, "merge", dry_run=dry_run, datasets=datasets, name=name, **wish.plain()) as run:
        found = look(workspace, datasets, wish)
        if found.aimless is not None:
            raise found.aimless
        require_settled(found.found)
        run.inputs |= {dataset: table_fingerprint(workspace.samples(dataset)) for dataset in datasets}
        if found.rows.height == 0:
            raise BadInput(f"the condition holds for none of {found.readable} samples" if found.readable else "no sample can be read", where=where,
                           hint=next((text for text in found.warnings if text.startswith("the condition")), None) if found.readable else f"isocenter scan {datasets[0]} --force, which lists what cannot be read")
        header: dict[str, Any] = {"verb": "merge", "parameters": {"datasets": datasets, **wish.plain()}, "parent": None, "inputs": dict(run.inputs),
                                  "space": found.space.plain(), "settled": {**found.carried_out, **{one.name: one.answer for one in found.found if one.answer}}, "warnings": list(found.warnings),
                                  **found.summary, **taken(workspace, datasets), "lineage": []}
        planned = Cohort(name, found.rows.select("sample_id", "dataset", "uri", "labels").with_columns(pl.lit(None, pl.String).alias("split")), header)
        claim(workspace, planned, force=force)
        cohort = planned.save(workspace, dry_run=dry_run)
        if not dry_run:
            write_ledger(ledger_path(workspace, name), found.ledger, {"cohort": cohort.fingerprint, "space": found.space.plain(), "settled": header["settled"]})
        run.counts |= {"samples": len(cohort), "readable": found.readable}
        run.outputs |= {name: cohort.fingerprint or ""}
    return cohort


def look(workspace: Workspace, datasets: list[str], wish: Wish) -> Merged:
    """What the merge would be, its disagreements settled as far as the wish settles them; nothing is written."""
    members = [_member(workspace, dataset) for dataset in datasets]
    tables = {dataset: read_table(workspace.samples(dataset), SAMPLES) for dataset in datasets}
    target = space_of({dataset: _annotated(table) for dataset, table in tables.items()}, wish.space, read_doubt(wish.uncertain))
    rows = _into(pl.concat([table.filter(pl.col("error").is_null()) for table in tables.values()]), target)
    carried_out = {f"{member.name}: {used} or {other}": other for member in members for used, other in member.maps.items() if member.reads(other)}
    open_ = {name: answer for name, answer in wish.settle.items() if carried_out.get(name) != answer}
    _refuse_doubles(rows)
    found, strange = answered([*disagreements(members), *contradicting_copies(rows)], open_)
    rows = with_answers(rows, {one.name: one.answer for one in found if one.answer})
    chosen, unsaid = where_holds(rows, wish.where, target.terms) if wish.where else (rows, [])
    counted, dropped = members_told(tables, chosen), dropped_terms(target, {term for table in tables.values() for term in _annotated(table)})
    later = [name for name in strange if may_come(name, rows)]
    warnings = [f"settle: nothing is known yet of {name!r}; pixels are compared by `dedup`, and a later merge will know" for name in later]
    warnings += [*unsaid, *told(counted, dropped, target.name)]
    warnings += [f"{one.name} is present in one and absent in another, {len(one.details)} {'time' if len(one.details) == 1 else 'times'}. They stay as they are; `dedup` withholds "
                 f"the term, unless --settle, or [merge.settle] of a recipe, says which counts: {toml_line(one.name, one.answers[0])}" for one in found if one.answer is None and not one.stops]
    warnings += [f"{member.name} was scanned before raw values were kept; its part of the ledger is empty: isocenter scan {member.name}"
                 for member in members if not path_of(workspace, member.name).exists()]
    warnings += [*nameless_masks({member.name: member.readings for member in members}), *_unsaid(target, tables)]
    became = merge_ledger(workspace, members, chosen, target, found)
    summary = {"members": counted, "dropped_terms": dropped, "readings": readings_told(became), "raw_values": fates(became)}
    return Merged(chosen, rows.height, target, became, summary, tuple(found), carried_out, aimless_told([name for name in strange if name not in later], found), tuple(warnings))


def _member(workspace: Workspace, dataset: str) -> Member:
    scanned(workspace, dataset)
    empty = Readings(pl.DataFrame(schema={"sample_id": pl.String, "reader": pl.String, "raw_value": pl.String, "voxels": pl.Int64, "used": pl.Boolean}))
    slug, release, maps = dataset, "unversioned", {}
    if workspace.source(dataset).exists():
        source = open_source(workspace, dataset)
        slug, release, maps = source.slug, source.release or release, dict(source.maps)
    return Member(dataset, slug, release, maps, read_readings(workspace, dataset) if path_of(workspace, dataset).exists() else empty)


def _refuse_doubles(rows: pl.DataFrame) -> None:
    """Raises BadInput when two members give the same id to a sample: they were adopted as one dataset and release."""
    doubled = rows.filter(pl.col("sample_id").is_duplicated())
    if doubled.height:
        names = doubled["dataset"].unique().sort().to_list()
        raise BadInput(f"{' and '.join(names)} have {doubled['sample_id'].n_unique()} sample ids in common, e.g. {doubled['sample_id'][0]}",
                       hint=f"adopt one of them under a release or name of its own: isocenter adopt {names[-1]} … --dataset {names[-1]}")


def _annotated(table: pl.DataFrame) -> set[str]:
    """Terms on which at least one sample of a dataset says something."""
    return {term for labels in table.get_column("labels") for term in labels or ()}


def _unsaid(target: LabelSpace, tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """Terms of the space on which no member says anything, and policies for terms that nobody has."""
    stated = [target.carry(dict.fromkeys(_annotated(table), "present")) for table in tables.values()]
    silent = [term for term in target.terms if not any(term in states for states in stated)]
    aimless = sorted(target.doubt.terms.keys() - set(target.terms) - {term for table in tables.values() for term in _annotated(table)})
    found = [f"no member annotates {', '.join(silent[:8])}" + (f" and {len(silent) - 8} more" if len(silent) > 8 else "") + " of the target space"] if silent else []
    return found + [f"uncertain: there is no {term!r} here to read as {target.doubt.of(term)}" for term in aimless]


def _into(rows: pl.DataFrame, target: LabelSpace) -> pl.DataFrame:
    """Carry labels into the space, once for every distinct label map."""
    carried: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    column: list[dict[str, str] | None] = []
    pairs: dict[tuple[str, str], tuple[str, str]] = {}
    for labels in rows.get_column("labels"):
        key = None if labels is None else tuple(pairs.setdefault(pair, pair) for pair in sorted(labels.items()))
        if key is not None and key not in carried:
            found = target.carry(dict(key))  # type: ignore[arg-type]
            carried[key] = {term: found[term] for term in sorted(found)}
        column.append(None if key is None else carried[key])
    return rows.with_columns(pl.Series("labels", column, dtype=LABELS_DTYPE))

"""What the report says, as plain data: stages, label coverage, duplicate groups, candidate pairs, chosen samples, licences, issues."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import GROUPS, PAIRS
from isocenter.curate.report.pictures import Thumbnails
from isocenter.curate.rights import licenses_of, verdicts
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.sample import SAMPLES

GROUPS_SHOWN, PAIRS_SHOWN, CHOSEN_SHOWN, ISSUES_SHOWN = 18, 18, 48, 40
STATES = ("present", "uncertain", "absent")


def stages(cohorts: list[Cohort], fates: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per stage: what came out, and how many of them from each dataset."""
    rows = [{"name": "files", "verb": "scan", "out": fates.height, "source": "inventory/*.parquet",
             "parts": Counter(fates["dataset"].to_list())}]
    for cohort in cohorts:
        rows.append({"name": cohort.name, "verb": cohort.header["verb"], "out": len(cohort), "source": f"cohorts/{cohort.name}.parquet",
                     "parts": Counter(cohort.table["dataset"].to_list())})
    return rows


def fate_counts(fates: pl.DataFrame) -> list[dict[str, Any]]:
    """Dataset × fate."""
    table = fates.group_by("dataset", "fate").len().sort("dataset")
    return [{"dataset": name[0], **dict(part.select("fate", "len").iter_rows())} for name, part in table.partition_by("dataset", as_dict=True).items()]


def coverage(tables: dict[str, list[dict[str, str] | None]]) -> dict[str, dict[str, dict[str, int]]]:
    """term -> column name -> state -> number of samples; what is missing to the column's size is not annotated."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for column, labels in tables.items():
        for states in labels:
            for term, state in (states or {}).items():
                counts = found.setdefault(term, {}).setdefault(column, dict.fromkeys(STATES, 0))
                counts[state] += 1
    order = sorted(found, key=lambda term: (-sum(counts["present"] for counts in found[term].values()), term))
    return {term: found[term] for term in order}


def label_coverage(workspace: Workspace, cohorts: list[Cohort]) -> dict[str, Any]:
    """Before the merge by dataset as published, after it in the common space, and in what was chosen."""
    datasets = sorted(cohorts[0].table["dataset"].unique().to_list())
    before = {name: read_table(workspace.samples(name), SAMPLES, ["labels", "error"]).filter(pl.col("error").is_null())["labels"].to_list() for name in datasets}
    after = {"merged": cohorts[0].table["labels"].to_list(), "corpus": cohorts[-1].table["labels"].to_list()}
    return {"sizes": {name: len(labels) for name, labels in (before | after).items()}, "before": coverage(before), "after": coverage(after),
            "datasets": [name for name in datasets if any(before[name])]}


def groups(workspace: Workspace, cohorts: list[Cohort], pictures: Thumbnails) -> dict[str, Any]:
    """Duplicate groups with their pictures, keeper first."""
    shown, number = [], 0
    for cohort in cohorts:
        if not workspace.groups(cohort.name).exists():
            continue
        table = read_table(workspace.groups(cohort.name), GROUPS)
        number += table["group"].n_unique()
        for part in table.partition_by("group", maintain_order=True)[:GROUPS_SHOWN]:
            members = part.sort("keeper", descending=True, maintain_order=True).to_dicts()
            shown.append({"group": members[0]["group"], "members": [member | {"picture": pictures.uri(member["dataset"], member["sample_id"])} for member in members[:4]],
                          "more": max(0, len(members) - 4)})
    return {"shown": shown, "number": number}


def candidates(workspace: Workspace, cohorts: list[Cohort], pictures: Thumbnails) -> dict[str, Any]:
    """Unsettled pairs, best score first."""
    dataset = dict(cohorts[0].table.select("sample_id", "dataset").iter_rows())
    tables = [read_table(workspace.pairs(cohort.name), PAIRS) for cohort in cohorts if workspace.pairs(cohort.name).exists()]
    pairs = pl.concat(tables).filter(pl.col("verdict") == "unsettled").sort("score", "a", "b", descending=[True, False, False]) if tables else pl.DataFrame()
    shown = [row | {"picture_a": pictures.uri(dataset[row["a"]], row["a"]), "picture_b": pictures.uri(dataset[row["b"]], row["b"])} for row in pairs.head(PAIRS_SHOWN).to_dicts()]
    return {"shown": shown, "number": pairs.height}


def chosen(cohort: Cohort, pictures: Thumbnails) -> list[dict[str, Any]]:
    """The first samples of the corpus with pictures and present terms."""
    return [{"sample_id": row["sample_id"], "dataset": row["dataset"], "uri": row["uri"], "split": row["split"], "gain": row["gain"],
             "terms": [term for term, state in (row["labels"] or {}).items() if state == "present"], "picture": pictures.uri(row["dataset"], row["sample_id"])}
            for row in cohort.table.head(CHOSEN_SHOWN).iter_rows(named=True)]


def rights(workspace: Workspace, cohort: Cohort) -> dict[str, Any]:
    """Licences of the corpus and the verdict for each use."""
    found = verdicts(workspace, cohort)
    return {"members": [{"stated": name, "read": license_.id, "samples": number} for name, (license_, number) in licenses_of(workspace, cohort).items()],
            "verdicts": [{"use": use, "answer": verdict.answer, "reasons": [f"{reason.dataset}: {reason.why}" for reason in verdict.reasons]} for use, verdict in found.verdicts.items()]}


def issues(workspace: Workspace, cohorts: list[Cohort], fates: pl.DataFrame, warnings: list[str]) -> dict[str, Any]:
    """Files in error, and what was noted on samples, counted by kind."""
    errors = fates.filter(pl.col("fate") == "error").select("dataset", "path", "reason").to_dicts()
    kinds: Counter[tuple[str, str]] = Counter()
    for name in sorted(cohorts[0].table["dataset"].unique().to_list()):
        for found in read_table(workspace.samples(name), SAMPLES, ["issues"])["issues"].to_list():
            kinds.update((name, text) for text in found or [])
    noted = [{"dataset": name, "text": text, "samples": number} for (name, text), number in kinds.most_common(ISSUES_SHOWN)]
    return {"errors": errors[:ISSUES_SHOWN], "error_count": len(errors), "noted": noted, "noted_count": sum(kinds.values()), "warnings": warnings}

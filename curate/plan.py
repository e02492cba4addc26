"""Plan a recipe: what a build would take in, leave out and be allowed to do, found by scanning and merging without writing a cohort."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.build import scan_member
from isocenter.curate.knowledge import known_of
from isocenter.curate.recipe import Recipe
from isocenter.curate.recipe_check import check_recipe, looked_at, require_use
from isocenter.curate.recipe_geometry import told
from isocenter.curate.recipe_rules import tried
from isocenter.curate.report.facts import coverage
from isocenter.curate.rights import licenses_of, together, told_by_dataset
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import Wish, look
from isocenter.harmonize.merge_conflicts import toml_line
from isocenter.harmonize.merge_ledger import fates
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.source import open_source


@dataclass(frozen=True, slots=True)
class RecipePlan:
    """What a build would do. members: one row per dataset, in or out with the reason. geometry: see `recipe_geometry.told`."""

    recipe: str
    members: list[dict[str, Any]]
    samples: int
    bytes: int
    coverage: dict[str, dict[str, int]]
    conflicts: list[str]
    licenses: list[dict[str, Any]]
    verdicts: dict[str, dict[str, Any]]
    stages: dict[str, dict[str, Any]]
    warnings: list[str] = field(default_factory=list)
    raw_values: list[dict[str, Any]] = field(default_factory=list)
    geometry: dict[str, Any] | None = None


def plan_recipe(workspace: Workspace, recipe: Recipe) -> RecipePlan:
    """Scan what lies here and say what a build would make of it; datasets without a local copy are listed as out. Raises what `check_recipe` finds."""
    check_recipe(workspace, recipe, with_roots=False)
    members: list[dict[str, Any]] = []
    warnings: list[str] = []
    present: list[str] = []
    for member in recipe.members:
        if member.root is None or not member.root.is_dir():
            members.append({"dataset": member.name, "in": False, "reason": f"no local copy ({looked_at(member)})", "layout": member.layout, "samples": 0, "bytes": 0, "errors": 0, "license": member.license})
            continue
        found = scan_member(workspace, recipe, member)
        warnings += found.warnings
        size = read_table(workspace.samples(member.name), SAMPLES, ["bytes"])["bytes"].sum()
        members.append({"dataset": member.name, "in": True, "reason": "", "layout": open_source(workspace, member.name).layout, "samples": found.samples - found.errors, "bytes": int(size or 0), "errors": found.errors, "license": member.license})
        present.append(member.name)
    if not present:
        return RecipePlan(recipe.name, members, 0, 0, {}, [], [], {}, recipe.stages, warnings)
    for name, known in known_of(workspace, present).items():
        warnings += [f"{name}: {text}" for text in known.warnings]
    merged = look(workspace, present, Wish(**recipe.merge))
    cohort = Cohort("plan", merged.rows.select("sample_id", "dataset", "uri", "labels"), {"space": merged.space.plain()})
    refused = [f"{error.what}\n  a build stops here; {error.hint}" for error in [tried(require_use, workspace, recipe, cohort)] if error is not None]
    open_ = [f"{one}\n  a build stops here until the recipe says under [merge.settle]: {toml_line(one.name, one.answers[0])}"
             for one in merged.found if one.answer is None and one.stops]
    if merged.aimless is not None:
        text = f"[merge.settle]: {merged.aimless.what.removeprefix('settle: ')}"
        if len(present) == len(members):
            open_ = [f"{text}\n  a build stops here; {merged.aimless.hint}", *open_]
        else:
            warnings.append(f"{text} among the datasets that are here")
    licenses = licenses_of(workspace, cohort)
    licensed = told_by_dataset(licenses)
    members = [row | {"license": licensed.get(row["dataset"], row["license"])} for row in members]
    states = {term: columns["merged"] for term, columns in coverage({"merged": cohort.table["labels"].to_list()}).items()}
    combined = together(licenses)
    size = int(cohort.samples(workspace, ["bytes"])["bytes"].cast(pl.Int64).sum() or 0)
    return RecipePlan(
        recipe.name, members, len(cohort), size, {term: counts | {"not_annotated": len(cohort) - sum(counts.values())} for term, counts in states.items()},
        [*refused, *open_, *_conflicts(workspace, present)], [{"stated": name, "read": license_.id, "samples": number} for name, (license_, number) in licenses.items()],
        {use: {"answer": verdict.answer, "reasons": [f"{reason.dataset}: {reason.why}" for reason in verdict.reasons]} for use, verdict in combined.verdicts.items()},
        recipe.stages, [*warnings, *merged.warnings], fates(merged.ledger), told(workspace, recipe, present),
    )


def _conflicts(workspace: Workspace, datasets: list[str]) -> list[str]:
    """What the datasets' own sources contradict, and raw values that no label map knows."""
    marks = ("label_error", "unknown_label", "patient_conflict", "metadata_conflict", "missing_column")
    tables = [read_table(workspace.samples(name), SAMPLES, ["dataset", "uri", "issues"]).explode("issues", empty_as_null=True).drop_nulls("issues") for name in datasets]
    found = pl.concat(tables).filter(pl.col("issues").str.contains(f"^({'|'.join(marks)})"))
    return [f"{dataset} > {uri}: {issue}" for dataset, uri, issue in found.iter_rows()]

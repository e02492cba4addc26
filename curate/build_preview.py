"""What a build would do, told without doing it: a recipe and a workspace go in, one row per step comes out, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isocenter.core.workspace import Workspace
from isocenter.curate.recipe import Recipe
from isocenter.curate.recipe_check import check_recipe
from isocenter.curate.recipe_options import geometry

COHORTS = {"merge": "merged", "dedup": "unique", "split": "split", "select": "selected"}


def preview(workspace: Workspace, recipe: Recipe, out: Path | None = None) -> list[dict[str, Any]]:
    """step, output, there (made before: kept if its inputs are as they were), options. Raises what `check_recipe` finds."""
    check_recipe(workspace, recipe, with_roots=True)
    rows: list[dict[str, Any]] = [{"step": "scan", "output": f"samples/{member.name}.parquet", "there": workspace.samples(member.name).exists(), "options": {"root": str(member.root)}}
                                  for member in recipe.members]
    if (wanted := geometry(recipe)) is not None:
        stores = {member.name: workspace.store(member.name) / wanted.name for member in recipe.members}
        rows += [{"step": "harmonize", "output": f"store/{name}/{wanted.name}/", "there": store.exists(), "options": wanted.told()} for name, store in stores.items()]
    for stage, end in COHORTS.items():
        if stage in recipe.stages:
            name = f"{recipe.name}.{end}"
            rows.append({"step": stage, "output": f"cohorts/{name}.parquet", "there": workspace.cohort(name).exists(), "options": recipe.stages[stage]})
    folder = out or workspace.export(recipe.name)
    rows.append({"step": "export", "output": str(folder), "there": folder.exists(), "options": recipe.stages["export"]})
    return rows

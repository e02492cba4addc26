"""The geometry of a recipe: its scanned datasets are brought into it, or back out of an earlier one; what could not come is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isocenter.core.progress import say
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.curate.recipe import Recipe
from isocenter.curate.recipe_options import geometry
from isocenter.harmonize.geometry.preset import Preset
from isocenter.harmonize.harmonize import ahead, harmonize
from isocenter.harmonize.in_geometry import geometry_of, outside
from isocenter.harmonize.sample import SAMPLES


def bring(workspace: Workspace, recipe: Recipe) -> list[str]:
    """Harmonize every member as the recipe asks. Returns a sentence for every sample that is not in that geometry; an export leaves it out or refuses.

    A dataset is in one geometry at a time: without a [geometry] one that an earlier command brought into another is as published again,
    so that a corpus depends on its recipe alone. What is done already is not done again.
    """
    wanted = geometry(recipe)
    for name in (member.name for member in recipe.members):
        if not _is_in(workspace, name, wanted):
            say(f"harmonize {name}: " + (f"into geometry {wanted.name}" if wanted else "back to what was published, for the recipe names no geometry"))
            harmonize(workspace, name, wanted)
        elif wanted is not None:
            say(f"harmonize {name}: done before")
    return [f"{sample} is not in geometry {wanted.name}: {why}" for member in recipe.members for sample, why in outside(workspace, member.name).items()] if wanted else []


def told(workspace: Workspace, recipe: Recipe, names: list[str]) -> dict[str, Any] | None:
    """What `bring` would do: the geometry, and of every dataset how many volumes; None without a [geometry]. Pictures have no place in space and stay as they are."""
    wanted = geometry(recipe)
    if wanted is None:
        return None
    ahead_of = {name: ahead(workspace, name) for name in names}
    return {**wanted.told(), "volumes": {name: one.series + one.volumes + one.done for name, one in ahead_of.items()}}


def _is_in(workspace: Workspace, name: str, wanted: Preset | None) -> bool:
    """Whether the dataset is in the geometry already, with every file of it there."""
    known = geometry_of(workspace, name)
    if wanted is None or known is None:
        return wanted is None and known is None
    stored = read_table(workspace.samples(name), SAMPLES, ["stored"])["stored"].drop_nulls()
    return {**wanted.told(), "left": known["left"]} == known and all(Path(path).exists() for path in stored)

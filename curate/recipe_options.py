"""What a recipe's [geometry], [split] and [select] say, as the types that those verbs take; files are found beside the recipe."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import file_hash
from isocenter.core.tables import table_fingerprint
from isocenter.core.workspace import Workspace
from isocenter.curate.recipe import Recipe
from isocenter.curate.select import Wishes
from isocenter.curate.split import BALANCED, Terms
from isocenter.harmonize.geometry.choice import choose
from isocenter.harmonize.geometry.preset import Preset

FILES = ("include", "exclude")


def geometry(recipe: Recipe) -> Preset | None:
    """`preset`, or `spacing` (a number or three, in mm) and `orientation`; None without the section. Raises what `geometry.choose` raises."""
    options = recipe.stages.get("geometry", {})
    spacing = options.get("spacing", [])
    return choose(options.get("preset"), spacing if isinstance(spacing, list) else [spacing], options.get("orientation"))


def split_terms(workspace: Workspace, recipe: Recipe) -> Terms:
    """`by`, `stratify`, `keep`, `allow_published_test`, `put = { test = ["Hospital A"] }`, `column = { date = "dates.csv" }`.

    A recipe may keep its own split (`keep = "<name>.split"`): the first build has none to keep, a later one with more data does.
    """
    options = recipe.stages["split"]
    keep = options.get("keep")
    if keep == f"{recipe.name}.split" and not workspace.cohort(keep).exists():
        keep = None
    put = {str(value): side for side, values in options.get("put", {}).items() for value in (values if isinstance(values, list) else [values])}
    return Terms(options.get("by", "label"), _texts(options, "stratify") or BALANCED, keep, put, _texts(options, "allow_published_test"), _tables(recipe, options))


def select_wishes(recipe: Recipe) -> Wishes:
    """`spend`, `limits = ["sex=F>=100"]`, `only_license`, `include` and `exclude` (files), `column = { cost = "minutes.csv" }`."""
    options = recipe.stages["select"]
    include, exclude = (_file(recipe, options[key]) if key in options else None for key in FILES)
    return Wishes(options.get("spend", "samples"), _texts(options, "limits"), _texts(options, "only_license"), include, exclude, _tables(recipe, options))


def contents(workspace: Workspace, recipe: Recipe, stage: str) -> dict[str, str]:
    """Fingerprints of what a stage reads beside its cohort: files that its options name, and an earlier split of another recipe."""
    options = recipe.stages[stage]
    files = [options[key] for key in FILES if key in options] + list(options.get("column", {}).values())
    found = {name: file_hash(_file(recipe, name)) for name in files}
    keep = options.get("keep")
    if keep is None or keep == f"{recipe.name}.split" or not workspace.cohort(keep).exists():
        return found
    return found | {keep: table_fingerprint(workspace.cohort(keep))}


def as_lines(advice: str) -> str:
    """Advice that names options of `isocenter export`, as it is written in a recipe.

    >>> as_lines("--skip-unfit leaves them out, or another --to")
    '[export] skip_unfit = true leaves them out, or another [export] to'
    """
    found = re.sub(r"--use (\w+)", r'use = "\1"', advice)
    found = re.sub(r"--identifying (\w+)", r'[export] identifying = "\1"', found)
    found = re.sub(r"--to(?: (\w+))?", lambda match: f'[export] to = "{match[1]}"' if match[1] else "[export] to", found)
    return re.sub(r"--(skip-unfit|accept-leakage|by-annotation)", lambda match: f"[export] {match[1].replace('-', '_')} = true", found)


def _texts(options: dict[str, Any], key: str) -> tuple[str, ...]:
    values = options.get(key, [])
    if not all(isinstance(value, str) for value in values):
        raise BadInput(f"{key} = {values!r} holds something that is no text", hint=f'{key} = ["…"]')
    return tuple(values)


def _tables(recipe: Recipe, options: dict[str, Any]) -> dict[str, Path]:
    return {name: _file(recipe, path) for name, path in options.get("column", {}).items()}


def _file(recipe: Recipe, name: str) -> Path:
    path = (recipe.path.parent / name).resolve()
    if not path.is_file():
        raise NotFound(f"no file {name}", where=str(recipe.path), hint="a path relative to the recipe")
    return path

"""Look at a recipe before anything expensive: names of plug-ins, columns, layouts and files, and after the merge its use; all that stands against it is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from isocenter.core.errors import BadInput, IsocenterError, NotFound
from isocenter.core.workspace import Workspace
from isocenter.curate.columns import require_column
from isocenter.curate.constraints import parse_limit
from isocenter.curate.export import EXPORTERS, Wishes
from isocenter.curate.recipe import Member, Recipe, parse_recipe
from isocenter.curate.recipe_options import contents, geometry
from isocenter.curate.recipe_rules import refuse, tried
from isocenter.curate.rights import licenses_of, require
from isocenter.curate.sample_licences import licence_id, sample_licences
from isocenter.curate.select import DEFAULT_ENCODER, DEFAULT_STRATEGY, STRATEGIES
from isocenter.embeddings.api import ENCODERS, split_spec
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.layout_match import ANY
from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.merge_where import require_columns
from isocenter.harmonize.source import identity, refuse_idle, same_ids
from isocenter.harmonize.space import ANCESTORS, read_space
from isocenter.registry import vocabulary

SPLIT_BY = ("label", "date", "hash")
SPENT = ("samples", "bytes", "volumes")
NAMING_ONLY = ("parquet",)


def open_recipe(workspace: Workspace, path: Path, data: Mapping[str, Path], *, with_roots: bool) -> Recipe:
    """Read and check a recipe at once: raises one error for what `read_recipe` and `check_recipe` find."""
    recipe, found = parse_recipe(path, data)
    refuse([*found, *_faults(workspace, recipe, with_roots=with_roots)], path)
    return recipe


def check_recipe(workspace: Workspace, recipe: Recipe, *, with_roots: bool) -> None:
    """Raises one error for everything that a build of the recipe would stumble over. with_roots: also for datasets without a folder here."""
    refuse(list(_faults(workspace, recipe, with_roots=with_roots)), recipe.path)


def _faults(workspace: Workspace, recipe: Recipe, *, with_roots: bool) -> Iterator[IsocenterError]:
    for member in recipe.members:
        yield from _member(workspace, member)
    yield from _twins(workspace, recipe)
    for look in (_geometry, _merge):
        yield from look(recipe)
    for look_up in (_split, _select, _export):
        yield from look_up(workspace, recipe)
    if with_roots and (error := tried(require_roots, recipe)) is not None:
        yield error


def require_roots(recipe: Recipe) -> None:
    """Raises NotFound that names every member without a folder here, where it was looked for, and what to type for it."""
    missing = [member for member in recipe.members if member.root is None or not member.root.is_dir()]
    if missing:
        named = "; ".join(f"{member.name} ({looked_at(member)})" for member in missing)
        raise NotFound(f"no local copy of {named}", where=str(recipe.path), hint=" ".join(f"--data {member.name}=/path/you/have" for member in missing))


def looked_at(member: Member) -> str:
    """Where the folder of a member was looked for."""
    if member.root is None:
        return f"{member.stated_root} is not set"
    stated = f"{member.stated_root} is " if member.stated_root.startswith("$") else ""
    return f"{stated}{member.root}, which is {'no folder' if member.root.exists() else 'not there'}"


def require_use(workspace: Workspace, recipe: Recipe, merged: Cohort) -> None:
    """Raises Refused when a licence of the samples that could be chosen stands against the use of the recipe."""
    options = recipe.stages.get("select", {})
    table = merged.table
    if only := {licence_id(text) for text in options.get("only_license", ())}:
        table = table.filter(pl.Series([licence in only for licence in sample_licences(workspace, merged)], dtype=pl.Boolean))
    if "exclude" in options:
        never = (recipe.path.parent / options["exclude"]).read_text(encoding="utf-8").split("\n")
        table = table.filter(~pl.col("sample_id").is_in([line.strip() for line in never]))
    require(licenses_of(workspace, Cohort(merged.name, table, merged.header)), recipe.name, recipe.use)


def _member(workspace: Workspace, member: Member) -> Iterator[IsocenterError]:
    found = [error for term in member.terms.values() if (error := tried(vocabulary.load().term, term)) is not None]
    if (error := tried(_described, workspace, member)) is not None:
        found.append(error)
    yield from (type(error)(f"dataset {member.name}: {error.what}", hint=error.hint) for error in found)


def _twins(workspace: Workspace, recipe: Recipe) -> Iterator[IsocenterError]:
    """Members that would be the dataset and release that an earlier one is, by their layout alone (see `adopt`)."""
    seen: dict[tuple[str, str | None], str] = {}
    for member in recipe.members:
        if tried(_layout, workspace, member) is not None:             # told by `_member`
            continue
        known = identity(member.name, member.dataset, _layout(workspace, member))
        if member.dataset is None and known in seen:
            yield same_ids(member.name, seen[known], *known)
        seen.setdefault(known, member.name)


def _layout(workspace: Workspace, member: Member) -> Layout:
    """The layout that the recipe names; one that is recognised belongs to no dataset, as ANY does."""
    return layouts.load(layouts.find(member.layout or ANY, workspace))


def _described(workspace: Workspace, member: Member) -> None:
    """Raises what stands against the layout of a member, or against its words where the recipe names a layout for them."""
    layout = _layout(workspace, member)
    if member.layout is not None:
        refuse_idle(layout, member.terms)


def _geometry(recipe: Recipe) -> Iterator[IsocenterError]:
    options = recipe.stages.get("geometry")
    if options is None:
        return
    if not options:
        yield BadInput("[geometry] says nothing", hint='orientation = "RAS", spacing = [1, 1, 1], or a preset')
    elif (error := tried(geometry, recipe)) is not None:
        yield type(error)(f"[geometry]: {error.what}", hint=error.hint)
    if recipe.stages["export"].get("to") in NAMING_ONLY:
        yield BadInput("[geometry] changes volumes, and this export only names the published files", hint='[export] to = "nnunet", "monai", "sat-jsonl" or "files"')


def _merge(recipe: Recipe) -> Iterator[IsocenterError]:
    space = str(recipe.merge["space"])
    if space not in ("union", "intersection") and not space.startswith(ANCESTORS) and (error := tried(read_space, Path(space))) is not None:
        yield error
    if "where" in recipe.merge and (error := tried(require_columns, recipe.merge["where"])) is not None:
        yield type(error)(f"[merge] where: {error.what}", hint=error.hint)


def _split(workspace: Workspace, recipe: Recipe) -> Iterator[IsocenterError]:
    options = recipe.stages.get("split")
    if options is None:
        return
    if (error := tried(contents, workspace, recipe, "split")) is not None:
        yield error
    columns = [options["by"]] if options.get("by", SPLIT_BY[0]) not in SPLIT_BY else []
    yield from _columns([*columns, *options.get("stratify", [])], options)
    keep = options.get("keep")
    if keep is not None and keep != f"{recipe.name}.split" and (error := tried(Cohort.open, workspace, keep)) is not None:
        yield error


def _select(workspace: Workspace, recipe: Recipe) -> Iterator[IsocenterError]:
    options = recipe.stages.get("select")
    if options is None:
        return
    encoder, _, _ = split_spec(options.get("encoder", DEFAULT_ENCODER))
    for table, name in ((STRATEGIES, options.get("by", DEFAULT_STRATEGY)), (ENCODERS, encoder)):
        if (error := tried(table.get, name, workspace.plugins)) is not None:
            yield error
    if (error := tried(contents, workspace, recipe, "select")) is not None:
        yield error
    spend = [options["spend"]] if options.get("spend", SPENT[0]) not in SPENT else []
    yield from _columns([*spend, options.get("on", "label"), *(parse_limit(text).column for text in options.get("limits", []))], options)


def _export(workspace: Workspace, recipe: Recipe) -> Iterator[IsocenterError]:
    options = recipe.stages["export"]
    if (error := tried(EXPORTERS.get, options.get("to", "files"), workspace.plugins)) is not None:
        yield error
    if (error := tried(Wishes.of, options)) is not None:
        yield error
    yield from (error for name in options.get("against", []) if (error := tried(Cohort.open, workspace, name)) is not None)


def _columns(names: list[str], options: dict[str, dict[str, str]]) -> Iterator[IsocenterError]:
    return (error for name in dict.fromkeys(names) if name not in options.get("column", {}) and (error := tried(require_column, name)) is not None)

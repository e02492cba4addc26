"""Recipes: one TOML file that describes a corpus. This reads it into plain data and refuses what it does not understand."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, IsocenterError, NotFound
from isocenter.core.files import fingerprint
from isocenter.core.near_names import near
from isocenter.curate.recipe_rules import STAGES, complaints, refuse, sound
from isocenter.registry.licenses import Use


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of a recipe. `root` is resolved; None when its variable is not set and no path was given.

    layout: None where the recipe names none, and the folder's own form is recognised as `adopt` does. terms: names of the dataset's own labels -> terms of the vocabulary.
    """

    name: str
    root: Path | None
    stated_root: str
    dataset: str | None = None
    layout: str | None = None
    license: str | None = None
    terms: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a corpus is made of and how. `stages` holds the options of the stages that the recipe names, in their fixed order."""

    name: str
    path: Path
    members: tuple[Member, ...]
    stages: dict[str, dict[str, Any]]
    use: Use = "local"
    seed: int = 0
    text: str = field(default="", repr=False)

    @property
    def merge(self) -> dict[str, Any]:
        """The options of the merge; the file of a label space is found beside the recipe."""
        options = dict(self.stages["merge"])
        wish = str(options.get("space", "union"))
        return options | {"space": str((self.path.parent / wish).resolve()) if wish.endswith(".toml") else wish}

    @property
    def merge_key(self) -> dict[str, Any]:
        """What decides the merge beside its datasets: the options, and the text of the space's file."""
        space = Path(self.merge["space"])
        return {**self.stages["merge"], "space": space.read_text(encoding="utf-8") if space.suffix == ".toml" and space.is_file() else str(space)}

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.text)


def read_recipe(path: Path, data: Mapping[str, Path] | None = None) -> Recipe:
    """Read a recipe. data: dataset name -> root, taking the place of the roots it states.

    Raises NotFound for a missing file, BadInput that names every key which cannot be carried out. To hear at the same time of names that nobody has, see
    `recipe_check.open_recipe`.
    """
    recipe, found = parse_recipe(path, data or {})
    refuse(found, path)
    return recipe


def parse_recipe(path: Path, data: Mapping[str, Path]) -> tuple[Recipe, list[IsocenterError]]:
    """The recipe as far as it can be understood, and everything in it that cannot. Raises NotFound for a missing file, BadInput for one that is no TOML."""
    if not path.is_file():
        raise _no_recipe(path)
    try:
        text = path.read_text(encoding="utf-8")
        written = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not valid TOML: {error}", where=str(path)) from error
    found, body = complaints(written), sound(written)
    members = tuple(_member(path, rule, data) for rule in body["dataset"])
    names = [member.name for member in members]
    if unknown := data.keys() - set(names):
        found.append(BadInput(f"--data names {', '.join(sorted(unknown))}, which the recipe does not", hint=f"its datasets: {', '.join(names)}"))
    stages = {stage: dict(body.get(stage, {})) for stage in STAGES if stage in body or stage in ("merge", "export")}
    return Recipe(body.get("name", path.stem), path, members, stages, body.get("use", "local"), body.get("seed", 0), text), found


def _no_recipe(path: Path) -> NotFound:
    """What lies where the recipe was looked for, and what to type instead."""
    if path.is_dir():
        inside = sorted(path.glob("*.toml"))
        return NotFound("a folder, not a recipe", where=str(path), hint=f"isocenter plan {inside[0]}" if inside else "the path of a TOML file")
    beside = sorted(one.name for one in path.parent.glob("*.toml")) if path.parent.is_dir() else []
    close = near(path.name, beside)
    return NotFound("no such recipe", where=str(path), hint=f"isocenter plan {shlex.quote(str(path.parent / close))}" if close else "docs/how-to/build.md shows one; `isocenter demo` writes one and builds it")


def _member(path: Path, rule: dict[str, Any], data: Mapping[str, Path]) -> Member:
    layout = rule.get("layout")
    if layout is not None and layout.endswith(".toml"):
        layout = str((path.parent / layout).resolve())
    root = data.get(rule["name"]) or _root(path, rule["root"])
    return Member(rule["name"], root, rule["root"], rule.get("dataset"), layout, rule.get("license"), rule.get("terms", {}))


def _root(path: Path, stated: str) -> Path | None:
    """An environment variable (`$NAME`, maybe with a path behind it) or a path relative to the recipe; None if the variable is not set."""
    expanded = os.path.expandvars(os.path.expanduser(stated))
    return None if "$" in expanded else (path.parent / expanded).resolve()

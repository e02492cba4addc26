"""Recipes: one TOML file that describes a corpus. This reads it into plain data and refuses what it does not understand."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from rapidfuzz import process

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import fingerprint
from isocenter.registry.licenses import Use

STAGES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "merge": {"where": str, "space": str, "uncertain": (str, dict), "settle": dict},
    "dedup": {"near": bool},
    "split": {"ratio": dict, "by": str, "stratify": list, "keep": str, "put": dict, "allow_published_test": list, "column": dict},
    "select": {"by": str, "budget": (int, float), "encoder": str, "on": str, "spend": str, "limits": list, "only_license": list, "include": str, "exclude": str,
               "column": dict},
    "export": {"to": str, "accept_leakage": bool, "against": list, "identifying": str, "keep_dates": bool, "skip_unfit": bool, "by_annotation": bool, "conceal_names": bool},
}
TOP: dict[str, type | tuple[type, ...]] = {"name": str, "use": str, "seed": int, "dataset": list, "description": str}
DATASET: dict[str, type | tuple[type, ...]] = {"name": str, "root": str, "dataset": str, "layout": str, "license": str, "terms": dict}


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of a recipe. `root` is resolved; None when its variable is not set and no path was given.

    terms: names of the dataset's own labels -> terms of the vocabulary.
    """

    name: str
    root: Path | None
    stated_root: str
    dataset: str | None = None
    layout: str = "folder"
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


def read_recipe(path: Path, data: dict[str, Path] | None = None) -> Recipe:
    """Read a recipe. data: dataset name -> root, taking the place of the roots it states.

    Raises NotFound for a missing file, BadInput naming the key.
    """
    if not path.is_file():
        raise NotFound("no such recipe", where=str(path), hint="isocenter build examples/demo/recipe.toml")
    text = path.read_text(encoding="utf-8")
    try:
        body = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not valid TOML: {error}", where=str(path)) from error
    try:
        return _recipe(path, text, body, data or {})
    except BadInput as error:
        raise BadInput(error.what, where=error.where or str(path), hint=error.hint) from error


def _recipe(path: Path, text: str, body: dict[str, Any], data: dict[str, Path]) -> Recipe:
    _check(body, TOP | dict.fromkeys(STAGES, dict), "the recipe")
    members = [_member(path, rule, number, data) for number, rule in enumerate(body.get("dataset", []))]
    if not members:
        raise BadInput("the recipe names no dataset", hint="[[dataset]] with name and root")
    names = [member.name for member in members]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"dataset {', '.join(sorted(doubled))} is named twice")
    if unknown := data.keys() - set(names):
        raise BadInput(f"--data names {', '.join(sorted(unknown))}, which the recipe does not", hint=f"its datasets: {', '.join(names)}")
    for stage, options in STAGES.items():
        _check(body.get(stage, {}), options, f"[{stage}]")
    use = body.get("use", "local")
    if use not in get_args(Use):
        raise BadInput(f"use = {use!r}", hint="local, share or commercial")
    if "select" in body and "budget" not in body["select"]:
        raise BadInput("[select] lacks a budget", hint="budget = 1000")
    stages = {stage: dict(body.get(stage, {})) for stage in STAGES if stage in body or stage in ("merge", "export")}
    return Recipe(body.get("name", path.stem), path, tuple(members), stages, use, body.get("seed", 0), text)


def _member(path: Path, rule: dict[str, Any], number: int, data: dict[str, Path]) -> Member:
    where = f"dataset[{number}]"
    _check(rule, DATASET, where)
    for key in ("name", "root"):
        if key not in rule:
            raise BadInput(f"{where} lacks {key!r}")
    layout = rule.get("layout", "folder")
    if layout.endswith(".toml"):
        layout = str((path.parent / layout).resolve())
    root = data.get(rule["name"]) or _root(path, rule["root"])
    return Member(rule["name"], root, rule["root"], rule.get("dataset"), layout, rule.get("license"), rule.get("terms", {}))


def _root(path: Path, stated: str) -> Path | None:
    """An environment variable (`$NAME`, maybe with a path behind it) or a path relative to the recipe; None if the variable is not set."""
    expanded = os.path.expandvars(os.path.expanduser(stated))
    return None if "$" in expanded else (path.parent / expanded).resolve()


def _check(body: dict[str, Any], allowed: dict[str, Any], where: str) -> None:
    for key, value in body.items():
        if key not in allowed:
            guess = process.extractOne(key, list(allowed), score_cutoff=60)
            raise BadInput(f"{where} has no key {key!r}", hint=f"did you mean {guess[0]}?" if guess else f"one of: {', '.join(allowed)}")
        if not isinstance(value, allowed[key]) or (isinstance(value, bool) and allowed[key] is not bool):
            raise BadInput(f"{where}: {key} = {value!r} is no {getattr(allowed[key], '__name__', 'value')}")

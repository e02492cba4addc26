"""A fusion rule: the JSON document that the Imaging-X portal publishes goes in verbatim, a checked `Rule` comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, NotFound


@dataclass(frozen=True, slots=True)
class Selection:
    """Demands on the whole: enough datasets and organisations per modality, and a budget of storage in GB (10^9 bytes)."""

    enable: bool = False
    min_datasets_per_modality: int = 1
    min_orgs_per_modality: int = 1
    storage_budget_gb: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Which datasets a corpus wants. An empty list or None means "any"."""

    dimension: str | None = None
    modalities: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    license_allowlist: tuple[str, ...] | None = None
    include_unlabeled: bool = True
    prefer_labeled: bool = False
    min_valid_image_n_per_dataset: int = 0
    anatomy_whitelist: tuple[str, ...] = ()
    release_date_min: str | None = None
    allow_3d_as_2d_sources: bool = False
    selection: Selection = field(default_factory=Selection)
    ignored: tuple[str, ...] = ()   # fields of the document that no rule knows

    @property
    def year_min(self) -> int | None:
        return int(self.release_date_min[:4]) if self.release_date_min else None


def read_rule(path: Path) -> Rule:
    """The rule in a JSON file. Raises NotFound, or BadInput naming the field that cannot be understood."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound("no such rule", where=str(path), hint="isocenter plan examples/rules/open-liver.json") from error
    except (ValueError, OSError) as error:
        raise BadInput(f"the rule is not JSON: {error}", where=str(path)) from error
    try:
        return parse_rule(document)
    except BadInput as error:
        raise BadInput(error.what, where=str(path), hint=error.hint) from error


def parse_rule(document: Any) -> Rule:
    """The rule in a JSON value. Missing fields mean "any"; unknown ones are kept by name in `ignored`."""
    if not isinstance(document, Mapping):
        raise BadInput("a rule is a JSON object", hint='{"modalities": ["CT"], "task_types": ["segmentation"]}')
    selection = document.get("selection") or {}
    if not isinstance(selection, Mapping):
        raise BadInput("selection must be an object")
    names = {one.name for one in fields(Rule)} - {"ignored"}
    return Rule(
        dimension=_text(document, "dimension"),
        modalities=_list(document, "modalities"), task_types=_list(document, "task_types"),
        license_allowlist=_list(document, "license_allowlist") or None,
        include_unlabeled=_flag(document, "include_unlabeled", True), prefer_labeled=_flag(document, "prefer_labeled", False),
        min_valid_image_n_per_dataset=int(_number(document, "min_valid_image_n_per_dataset") or 0),
        anatomy_whitelist=_list(document, "anatomy_whitelist"), release_date_min=_year(document),
        allow_3d_as_2d_sources=_flag(document, "allow_3d_as_2d_sources", False),
        selection=Selection(
            _flag(selection, "enable", False), int(_number(selection, "min_datasets_per_modality") or 0),
            int(_number(selection, "min_orgs_per_modality") or 0), _number(selection, "storage_budget_gb"),
        ),
        ignored=tuple(sorted(set(document) - names)),
    )


def _list(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"{name} must be a list of strings", hint=f'"{name}": []')
    return tuple(value)


def _flag(document: Mapping[str, Any], name: str, default: bool) -> bool:
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"{name} must be true or false")
    return default if value is None else value


def _number(document: Mapping[str, Any], name: str) -> float | None:
    value = document.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
        raise BadInput(f"{name} must be a number, zero or more")
    return value


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise BadInput(f"{name} must be a string")
    return value or None


def _year(document: Mapping[str, Any]) -> str | None:
    value = document.get("release_date_min")
    text = str(value) if value is not None else ""
    if text and not text[:4].isdigit():
        raise BadInput("release_date_min must begin with a year", hint='"release_date_min": "2018-01"')
    return text or None

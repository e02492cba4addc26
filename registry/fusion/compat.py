"""The portal's own fusion, to the row: its rule and its table go in, its counts come out (Project Imaging-X, portal of 2025).

Kept with everything it does not do: it never reads `prefer_labeled`, `storage_budget_gb` or `quality_flag`, compares licences as
strings, and counts a missing `data_volume_total` as no images. `engine.py` is the mode that honours them.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, NotFound
from isocenter.registry.fusion.rule import Rule

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModalityCount:
    """Distinct names, images (sum of `data_volume_total`) and distinct organisations of one modality."""

    names: int
    images: int
    orgs: int


@dataclass(frozen=True, slots=True)
class CompatPlan:
    """What the portal shows: surviving rows and names after phases 1 and 2, counts per modality, and what phase 3 keeps."""

    rows: int
    names: int
    images: int
    modalities: Mapping[str, ModalityCount]
    phase3: Mapping[str, int]
    excluded: Mapping[str, int]
    slugs: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_portal(path: Path) -> list[Record]:
    """Records of the portal's JSON: a list of objects, or an object whose `rows` are objects or lists beside `columns`."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound("no portal data here", where=str(path)) from error
    except (ValueError, OSError) as error:
        raise BadInput(f"the portal data is not JSON: {error}", where=str(path)) from error
    rows = data.get("rows") if isinstance(data, dict) else data
    if isinstance(rows, list) and isinstance(data, dict) and all(isinstance(row, list) for row in rows):
        rows = [dict(zip(data.get("columns", []), row)) for row in rows]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadInput("the portal data must be a list of records", where=str(path))
    return rows


def fuse_like_portal(rule: Rule, records: Sequence[Record]) -> CompatPlan:
    """Phases 1 to 4 as the portal computes them."""
    reasons = [why_not_there(rule, record) for record in records]
    kept = [record for record, why in zip(records, reasons) if why is None]
    groups = _by_modality(rule, kept)
    third = _phase3(rule, kept, groups)
    excluded: dict[str, int] = defaultdict(int)
    for why in reasons:
        if why:
            excluded[why] += 1
    return CompatPlan(
        len(kept), _names(kept), sum(_volume(record) for record in kept),
        {name: ModalityCount(_names(rows), sum(_volume(row) for row in rows), len({row.get("organization") or "Unknown" for row in rows}))
         for name, rows in groups.items()},
        {"rows": len(third), "names": _names(third)}, dict(excluded), tuple(str(record.get("slug") or record.get("name")) for record in kept),
    )


def why_not_there(rule: Rule, record: Record) -> str | None:
    """The first rule that drops a record, in the portal's order, or None."""
    if rule.dimension and not _dimension_fits(rule, _entries(record, "dimension")):
        return "dimension"
    if rule.modalities and not _lower(rule.modalities) & _lower(_entries(record, "modality")):
        return "modalities"
    if rule.task_types and not _lower(rule.task_types) & _lower(_entries(record, "task")):
        return "task_types"
    if rule.license_allowlist and str(record.get("license") or "").lower() not in _lower(rule.license_allowlist):
        return "license_allowlist"
    if not rule.include_unlabeled and not _entries(record, "task"):
        return "include_unlabeled"
    if _volume(record) < rule.min_valid_image_n_per_dataset:
        return "min_valid_image_n_per_dataset"
    organ = " ".join(_entries(record, "organ")).lower()
    if rule.anatomy_whitelist and not any(wanted in organ for wanted in _lower(rule.anatomy_whitelist)):
        return "anatomy_whitelist"
    if rule.year_min is not None and _number(record.get("year")) < rule.year_min:
        return "release_date_min"
    return None


def _dimension_fits(rule: Rule, entries: Sequence[str]) -> bool:
    text, wanted = " | ".join(entries).lower(), (rule.dimension or "").lower()
    if "2d" in wanted:
        return "2d" in text or (rule.allow_3d_as_2d_sources and "3d" in text)
    return next((mark in text for mark in ("3d", "video") if mark in wanted), wanted in text)


def _by_modality(rule: Rule, kept: Sequence[Record]) -> dict[str, list[Record]]:
    """Rows per modality; only those of the rule's list, compared with case, in its order."""
    groups: dict[str, list[Record]] = {name: [] for name in rule.modalities}
    for record in kept:
        for name in dict.fromkeys(_entries(record, "modality")):
            if name in groups or not rule.modalities:
                groups.setdefault(name, []).append(record)
    return {name: rows for name, rows in groups.items() if rows}


def _phase3(rule: Rule, kept: Sequence[Record], groups: Mapping[str, list[Record]]) -> list[Record]:
    enough = {
        name for name, rows in groups.items()
        if _names(rows) >= rule.selection.min_datasets_per_modality
        and len({row.get("organization") or "Unknown" for row in rows}) >= rule.selection.min_orgs_per_modality
    }
    return [record for record in kept if enough.intersection(_entries(record, "modality"))]


def _entries(record: Record, name: str) -> list[str]:
    value = record.get(name)
    if value is None or value == "":
        return []
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _lower(texts: Sequence[str]) -> set[str]:
    return {text.lower() for text in texts}


def _volume(record: Record) -> int:
    return _number(record.get("data_volume_total"))


def _number(value: object) -> int:
    """The leading digits of a value, 0 without any: a missing count is no images, a missing year is before every other."""
    digits = re.match(r"\s*(\d+)", str(value))
    return int(digits[1]) if digits else 0


def _names(rows: Sequence[Record]) -> int:
    return len({row.get("name") for row in rows})

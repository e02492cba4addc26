"""Label maps of the catalog by name, read from the text facts: `label_map.csv` names them, `label_map_entry.csv` holds their values."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

from isocenter.core.errors import NotFound
from isocenter.core.near_names import advice
from isocenter.registry.labelmap import Entry, LabelMap, Mode, Rule, State

FACTS = Path(__file__).parent / "facts"


@cache
def all_maps() -> dict[str, LabelMap]:
    """Every label map of the catalog by name."""
    values: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows("label_map_entry"):
        values[row["map_id"]][row["raw_value"]].append(row)
    return {row["map_id"]: LabelMap(row["map_id"], tuple(entry for raw, rows in values[row["map_id"]].items() for entry in _entries(raw, rows)), cast(Mode, row["mode"] or "mentions"),
                                    row.get("separator") or None, row["slug"], row["release"], row["encoding"]) for row in _rows("label_map")}


def _entries(raw: str, rows: list[dict[str, str]]) -> list[Entry]:
    """One raw value: an entry per rule with the terms that the rule gives it."""
    by_rule: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_rule[row["rule"] or "identity"].append(row)
    return [Entry(raw, tuple(row["term"] for row in some if row["term"]), cast(State, some[0].get("state") or "present"), some[0]["raw_name"],
                  cast(Rule, rule), some[0]["evidence"]) for rule, some in by_rule.items()]


def maps_of(slug: str) -> list[LabelMap]:
    """Every map of a dataset, whatever its release and encoding."""
    return [mapping for mapping in all_maps().values() if mapping.dataset == slug]


def knows(name: str) -> bool:
    """Whether `find` finds it."""
    return name in all_maps() or _plain(name) in all_maps()


def find(name: str) -> LabelMap:
    """The label map of that name; case, blanks and underscores do not count (`Brain_Atlas`). Raises NotFound with the nearest name."""
    maps = all_maps()
    if name not in maps and _plain(name) in maps:
        return maps[_plain(name)]
    if name not in maps:
        raise NotFound(f"no label map {name!r} in the catalog", hint=advice(name, maps, "give the values in the layout: [[labels]] with name and values"))
    return maps[name]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(" ", "-")


def _rows(table: str) -> Iterator[dict[str, str]]:
    path = FACTS / f"{table}.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            yield from csv.DictReader(stream)

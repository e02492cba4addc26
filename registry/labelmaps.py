"""Label maps of the catalog by name, read from the text facts: `label_map.csv` names them, `label_map_entry.csv` holds their values."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

from rapidfuzz import process

from isocenter.core.errors import NotFound
from isocenter.registry.labelmap import Entry, LabelMap, Mode, Rule, State

FACTS = Path(__file__).parent / "facts"


@cache
def all_maps() -> dict[str, LabelMap]:
    """Every label map of the catalog by name."""
    values: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows("label_map_entry"):
        values[row["map_id"]][row["raw_value"]].append(row)
    return {row["map_id"]: LabelMap(row["map_id"], tuple(_entry(raw, rows) for raw, rows in values[row["map_id"]].items()), cast(Mode, row["mode"] or "mentions"),
                                    row.get("separator") or None, row["slug"], row["release"], row["encoding"]) for row in _rows("label_map")}


def _entry(raw: str, rows: list[dict[str, str]]) -> Entry:
    """One raw value: its rows name one term each."""
    first = rows[0]
    return Entry(raw, tuple(row["term"] for row in rows if row["term"]), cast(State, first.get("state") or "present"), first["raw_name"],
                 cast(Rule, first["rule"] or "identity"), first["evidence"])


def find(name: str) -> LabelMap:
    """The label map of that name. Raises NotFound with the nearest name."""
    maps = all_maps()
    if name not in maps:
        guess = process.extractOne(name, list(maps), score_cutoff=60)
        raise NotFound(f"no label map {name!r} in the catalog", hint=f"did you mean {guess[0]}?" if guess else "give the values in the layout: [[labels]] with name and values")
    return maps[name]


def _rows(table: str) -> Iterator[dict[str, str]]:
    path = FACTS / f"{table}.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            yield from csv.DictReader(stream)

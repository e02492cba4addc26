"""Pairs that a person has settled: a table of verdicts goes in; it is kept in the workspace and from then on decides instead of the proof.

A verdict names two sample ids, so it holds wherever the two meet again. What it says of a picture it says of its exact copies.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from isocenter.core.errors import BadInput, Conflict
from isocenter.core.files import write_text
from isocenter.core.workspace import Workspace
from isocenter.curate.groups import Pair, Verdict

PERSON = "person"                  # the net of a pair that a person settled
EXACT = ("file", "pixel")
UNKNOWN = '{"kind": "unknown"}'
SAYS: dict[str, Verdict] = {"same": "same", "different": "different"}
FORM = ("page", "row", "score", "a", "b", "verdict")

Ends = tuple[str, str]
Settled = dict[Ends, Verdict]      # two ids, the smaller first


def settled(workspace: Workspace) -> Settled:
    """Every verdict that the workspace keeps."""
    path = _place(workspace)
    return read_verdicts(path) if path.exists() else {}


def keep(workspace: Workspace, verdicts: Settled) -> None:
    """Write the verdicts to the workspace, sorted, in place of those that it kept."""
    write_text(_place(workspace), _text(("a", "b", "verdict"), [(*ends, verdict) for ends, verdict in sorted(verdicts.items())]))


def read_verdicts(path: Path) -> Settled:
    """The verdicts of a CSV file with the columns a, b and verdict (same, different, or nothing yet). Raises BadInput naming the line."""
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"the verdicts cannot be read: {error}", where=str(path)) from error
    found: Settled = {}
    for line, row in enumerate(rows, start=2):
        if missing := [name for name in ("a", "b", "verdict") if row.get(name) is None]:
            raise BadInput(f"no column {', '.join(missing)}", where=f"{path}, line {line}", hint="columns a, b and verdict, as isocenter dedup … --sheets FOLDER writes them")
        said = row["verdict"].strip().lower()
        if not said:
            continue
        if said not in SAYS or not row["a"] or not row["b"] or row["a"] == row["b"]:
            raise BadInput(f"{row['a']!r} and {row['b']!r} are {said!r}", where=f"{path}, line {line}", hint="two different ids, and same or different; leave open what is not settled")
        found[_ends(row["a"], row["b"])] = SAYS[said]
    return found


def write_form(path: Path, pairs: Sequence[Pair], rows_on_page: int, shown: int) -> None:
    """A CSV file in which a person settles pairs: page and row on the contact sheets (of the first `shown`), ids, an empty verdict.

    Verdicts that an earlier file of that name holds for the same pairs stay.
    """
    before = read_verdicts(path) if path.exists() else {}
    rows = [(place // rows_on_page + 1 if place < shown else "", place % rows_on_page + 1 if place < shown else "", pair.score, pair.a, pair.b,
             before.get(_ends(pair.a, pair.b), "")) for place, pair in enumerate(pairs)]
    write_text(path, _text(FORM, rows))


def concerning(verdicts: Settled, ids: Iterable[str]) -> Settled:
    """Verdicts on two of these samples."""
    there = set(ids)
    return {ends: verdict for ends, verdict in verdicts.items() if there.issuperset(ends)}


def apply(pairs: Sequence[Pair], verdicts: Settled) -> list[Pair]:
    """The pairs with a person's verdicts in the place of the proof's.

    Pairs that no net brought together are added; where pictures settled as different would still be joined through others, the
    weakest link between them is unsettled. Raises Conflict when equal pixels, or verdicts among each other, leave no such link.
    """
    first = {pair.b: pair.a for pair in pairs if pair.net in EXACT and pair.verdict == "same"}
    by_picture: dict[Ends, tuple[Ends, Verdict]] = {}
    for ends, verdict in verdicts.items():
        a, b = (_first(one, first) for one in ends)
        if a != b:
            by_picture[_ends(a, b)] = ends, verdict
        elif verdict == "different":
            raise Conflict(f"{ends[0]} and {ends[1]} were settled as different, but their files or pixels are equal", hint=_amend(ends))
    found = []
    for pair in pairs:
        said = None if pair.net in EXACT else by_picture.pop(_ends(pair.a, pair.b), None)
        found.append(replace(pair, net=PERSON, score=float(said[1] == "same"), verdict=said[1]) if said else pair)
    found += [Pair(*ends, PERSON, float(verdict == "same"), verdict, UNKNOWN) for ends, (_, verdict) in sorted(by_picture.items())]
    for pair in [pair for pair in found if pair.net == PERSON and pair.verdict == "different"]:
        found = _part(found, pair)
    return found


def _part(pairs: list[Pair], apart: Pair) -> list[Pair]:
    """The pairs without a way of `same` links between two pictures that a person told apart: the weakest link of every way is unsettled."""
    while way := _way(apart.a, apart.b, pairs):
        weakest = min((pair for pair in way if pair.net not in (*EXACT, PERSON)), key=lambda pair: (pair.score, pair.a, pair.b), default=None)
        if weakest is None:
            raise Conflict(f"{apart.a} and {apart.b} were settled as different, and as the same by way of {', '.join(sorted({one.b for one in way} - {apart.a, apart.b})) or 'others'}",
                           hint=_amend((apart.a, apart.b)))
        pairs = [replace(pair, verdict="unsettled") if pair is weakest else pair for pair in pairs]
    return pairs


def _way(start: str, end: str, pairs: Sequence[Pair]) -> list[Pair]:
    """The links of a shortest way over pairs that show one picture; empty if there is none."""
    links: dict[str, list[tuple[str, Pair]]] = {}
    for pair in pairs:
        if pair.verdict == "same":
            links.setdefault(pair.a, []).append((pair.b, pair))
            links.setdefault(pair.b, []).append((pair.a, pair))
    ways: dict[str, list[Pair]] = {start: []}
    front = [start]
    while front and end not in ways:
        here = front.pop(0)
        for other, link in links.get(here, []):
            if other not in ways:
                ways[other] = [*ways[here], link]
                front.append(other)
    return ways.get(end, [])


def _first(one: str, first: Mapping[str, str]) -> str:
    while one in first:
        one = first[one]
    return one


def _ends(a: str, b: str) -> Ends:
    return cast(Ends, tuple(sorted((a, b))))


def _amend(ends: Ends) -> str:
    return f"give {ends[0]} and {ends[1]} the other verdict with isocenter dedup … --settle FILE"


def _place(workspace: Workspace) -> Path:
    return workspace.root / "groups" / "settled.csv"


def _text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    return out.getvalue()

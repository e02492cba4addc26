"""Label coverage of a plan: the members' label maps go in; which member annotates which term, and where maps disagree, come out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from isocenter.registry.fusion.plan import LabelCoverage
from isocenter.registry.fusion.snapshot import Snapshot

AS_PUBLISHED = ("as published", "raw", "", None)


def coverage(slugs: Sequence[str], snapshot: Snapshot) -> LabelCoverage:
    """Terms and the members that annotate them. A member without a map is named: silence is not absence."""
    terms: dict[str, set[str]] = defaultdict(set)
    readings: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    without = []
    for slug in slugs:
        maps = snapshot.label_maps.get(slug, ())
        if not maps:
            without.append(slug)
        for one in maps:
            for entry in snapshot.label_entries.get(one["map_id"], ()):
                if entry["term"]:
                    terms[entry["term"]].add(slug)
                    readings[slug, entry["raw_value"]][entry["term"]].add(_edition(one))
    conflicts = [*_two_meanings(readings, snapshot), *_parts_and_wholes(terms, snapshot)]
    return LabelCoverage({term: tuple(sorted(members)) for term, members in sorted(terms.items())}, tuple(without), tuple(conflicts))


def _edition(row: object) -> str:
    assert isinstance(row, dict)
    encoding = "as published" if row["encoding"] in AS_PUBLISHED else row["encoding"]
    return f"{row['release']}, {encoding}" if row["release"] else encoding


def _two_meanings(readings: dict[tuple[str, str], dict[str, set[str]]], snapshot: Snapshot) -> list[str]:
    """One raw value that means different things in different releases or encodings of one dataset."""
    found = []
    for (slug, value), terms in sorted(readings.items()):
        editions = set.union(*terms.values())
        if len(terms) < 2 or len(editions) < 2 or not _unrelated(list(terms), snapshot) or any(said == editions for said in terms.values()):
            continue
        said = "; ".join(f"{term} ({', '.join(sorted(where))})" for term, where in sorted(terms.items()))
        found.append(f"{slug}: value {value} means {said}")
    return found


def _unrelated(terms: list[str], snapshot: Snapshot) -> bool:
    above = {term: snapshot.vocabulary.ancestors(term, ("is-a", "part-of", "union-of")) for term in terms}
    return any(a not in above[b] and b not in above[a] for a in terms for b in terms if a < b)


def _parts_and_wholes(terms: dict[str, set[str]], snapshot: Snapshot) -> list[str]:
    """A term that some members annotate whole and others only in kinds: needs a union before they can be one class."""
    found = []
    for term in sorted(terms):
        below = snapshot.vocabulary.descendants(term, ("is-a", "union-of")) & terms.keys()
        others = set().union(*(terms[part] for part in below)) - terms[term] if below else set()
        if others:
            found.append(f"{term}: whole in {_few(terms[term])}, only as {', '.join(sorted(below)[:4])} in {_few(others)}")
    return found


def _few(slugs: set[str]) -> str:
    listed = sorted(slugs)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")

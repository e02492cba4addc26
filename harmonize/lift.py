"""Climb the vocabulary: a term goes in, its ancestors at most so many steps below a root come out, and what lies in a whole."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry import vocabulary

PARTS = ("is-a", "part-of")


@cache
def depth(term: str) -> int:
    """Fewest is-a steps from a root of the vocabulary; a term of one's own is a root."""
    above = [parent for parent, relation in vocabulary.load().parents.get(term, ()) if relation == "is-a"]
    return 1 + min(map(depth, above)) if above else 0


def level_of(term: str, level: int) -> frozenset[str]:
    """The term itself if it is at most `level` steps below a root, else the nearest terms above it that are."""
    if depth(term) <= level:
        return frozenset({term})
    above = {other for other in ancestors(term) if depth(other) <= level}
    return frozenset(other for other in above if not any(other in ancestors(nearer) for nearer in above))


def parts_of(term: str, stated: Iterable[str]) -> tuple[str, ...]:
    """Terms that lie in this one (is-a and part-of, at least one part-of), in order; kinds of it are none of its parts."""
    known = vocabulary.load()
    return tuple(sorted(one for one in set(stated) if one in known.terms and term in known.ancestors(one, PARTS) and term not in known.ancestors(one)))

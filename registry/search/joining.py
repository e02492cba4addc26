"""Join what was read from the phrases of a query: alternatives ("CT or MRI"), what is asked for together, and what is to be left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from isocenter.registry.search.wishes import TermWish, Wish

_NOT = re.compile(r"(?:\b(?:not|no|nor|without|except|exclude|excluding|other than|rather than|instead of)|(?<=\s)-)\s*(?:(?:the|any|from)\s+)?$")
_AND = re.compile(r"(?:^|[\s,])(?:and|\+|&|plus|with|as well as)\s*$")     # "with BI-RADS and": what stands between does not matter
_OR = re.compile(r"^\s*(?:or|/|\|)\s*$")
_ALSO = re.compile(r"^\s*(?:or|and|nor|/|&|\+)\s*(?:the |any )?$")         # "not CT or MRI" wants neither
_NEXT = re.compile(r"^[\s-]*$")


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a piece of the query, text[start:stop], was read as."""

    start: int
    stop: int
    wish: TermWish


@dataclass(slots=True)
class Joined:
    """Wishes, and terms to leave out; among those `both` means that only what has the one before as well is left out."""

    wishes: list[Wish] = field(default_factory=list)
    excluded: list[TermWish] = field(default_factory=list)


def join(text: str, phrases: Sequence[Phrase], names: Sequence[Wish]) -> Joined:
    """Read the words between the phrases; `names` are wishes already found."""
    joined = Joined(list(names))
    last: Phrase | None = None
    refused = False
    for phrase in phrases:
        gap = text[last.stop:phrase.start] if last else ""
        if _NOT.search(text[:phrase.start]):
            joined.excluded.append(phrase.wish)
            refused = True
        elif last and refused and _ALSO.match(gap) and phrase.wish.facet == last.wish.facet:
            joined.excluded.append(phrase.wish)
        elif last and refused and _NEXT.match(gap) and any(wish.facet == phrase.wish.facet for wish in joined.wishes):
            joined.excluded.append(replace(phrase.wish, both=True))          # "chest x-ray not chest CT": CT is not asked for
        else:
            refused = False
            _add(joined.wishes, phrase.wish, gap if last else None)
        last = phrase
    return joined


def _add(wishes: list[Wish], wish: TermWish, gap: str | None) -> None:
    """Add a wish that stands `gap` behind another phrase (None: behind none), as its alternative, its companion or by itself."""
    before = wishes[-1] if wishes else None
    if gap is not None and _OR.match(gap) and isinstance(before, TermWish) and before.facet == wish.facet:
        wishes[-1] = TermWish(wish.facet, (*before.terms, *wish.terms), f"{before.phrase} or {wish.phrase}")
    elif not any(isinstance(other, TermWish) and set(other.terms) == set(wish.terms) for other in wishes):
        wishes.append(replace(wish, both=bool(gap is not None and _AND.search(gap))))

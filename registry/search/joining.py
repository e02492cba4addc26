"""Join what was read from the phrases of a query: alternatives ("CT or MRI"), what is asked for together, and what is to be left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from isocenter.registry.search.wishes import TermWish, Wish

NOT = re.compile(r"(?:\b(?:not|no|nor|without|except|exclude|excluding|other than|rather than|instead of)|(?<=\s)-)\s*(?:(?:the|any|from)\s+)?$")
_AND = re.compile(r"(?:^|[\s,])(?:and|\+|&|plus|with|as well as)\s*$")     # "with BI-RADS and": what stands between does not matter
_OR = re.compile(r"^\s*(?:or|/|\|)\s*$")
_ALSO = re.compile(r"^\s*(?:or|and|nor|/|&|\+)\s*(?:the |any )?$")         # "not CT and MRI" wants neither
_NOR = re.compile(r"^\s*n?or\s")                                          # "not CT or phantoms" wants neither, whatever they are
_ALL = re.compile(r"(?:except|exclude|excluding|other than)\s*(?:the |any )?$")
REFUSING = frozenset({"nor", "except", "exclude", "excluding", "other", "rather", "instead"})
_NEXT = re.compile(r"^[\s-]*$")


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a piece of the query, text[start:stop], was read as."""

    start: int
    stop: int
    wish: TermWish


@dataclass(slots=True)
class Joined:
    """Wishes, and what to leave out; there `both` means that only what has the one before as well is left out."""

    wishes: list[Wish] = field(default_factory=list)
    excluded: list[Wish] = field(default_factory=list)


def join(text: str, phrases: Sequence[Phrase], names: Sequence[Wish], others: Sequence[Wish]) -> Joined:
    """Read the words between the phrases; `names` were asked for before them, `others` were left out."""
    joined = Joined(list(names), list(others))
    last: Phrase | None = None
    refused = all_refused = False
    for phrase in phrases:
        gap = text[last.stop:phrase.start] if last else ""
        if NOT.search(text[:phrase.start]):
            joined.excluded.append(phrase.wish)
            refused, all_refused = True, bool(_ALL.search(text[:phrase.start]))
        elif last and refused and _ALSO.match(gap) and (all_refused or _NOR.match(gap) or phrase.wish.facet == last.wish.facet):
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

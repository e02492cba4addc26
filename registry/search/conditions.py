"""Access, licence and label wishes in a query: "open access", "for commercial use", "CC BY", "annotated"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from isocenter.registry.search.joining import NOT
from isocenter.registry.search.wishes import ChoiceWish


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold, what must not ("not CC0"), and the text with both blanked out."""

    wishes: list[ChoiceWish]
    excluded: list[ChoiceWish]
    text: str


def read(text: str) -> Conditions:
    """Read lower-case text."""
    found = Conditions([], [], text)
    for pattern, make in _RULES:
        for match in pattern.finditer(found.text):
            (found.excluded if NOT.search(found.text[:match.start()]) else found.wishes).append(make(match))
        found = replace(found, text=pattern.sub(" , ", found.text))
    return found


def _license(text: str) -> str:
    """The licence as the start of an SPDX id: "cc by nc" is CC-BY-NC."""
    joined = re.sub(r"[\s-]+", "-", re.sub(r"\s*licen[cs]e", "", text.strip())).upper()
    return {"CC-0": "CC0", "APACHE": "Apache", "APACHE-2": "Apache-2.0", "APACHE-2.0": "Apache-2.0"}.get(joined, joined)


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], ChoiceWish]], ...] = (
    (re.compile(r"\b(?:open[- ]access|openly (?:available|accessible)|open data|freely (?:available|accessible|downloadable)|free(?: to)? download|"
                r"(?:no|without) (?:registration|login|account)|direct(?:ly)? download(?:able)?|open(?![- ](?:angle|globe|mouth|field|surgery))|free(?![- ](?:text|hand|form|breathing)))\b"),
     lambda m: ChoiceWish("access", "open", m.group())),
    (re.compile(r"\b(?:(?:after|with|requires?|needs?) (?:free )?(?:registration|login|an account)|registration (?:required|needed|only)|registered access)\b"),
     lambda m: ChoiceWish("access", "registration", m.group())),
    (re.compile(r"\b(?:(?:on|by|upon|after) (?:application|request)|application (?:required|needed)|(?:restricted|controlled|credentialed)(?: access)?|data use agreement)\b"),
     lambda m: ChoiceWish("access", "application", m.group())),
    (re.compile(r"\b(?:non-?\s?|not (?:for )?|no )commercial(?: use| only| purposes)?\b"), lambda m: ChoiceWish("allows", "use", m.group())),
    (re.compile(r"\b(?:(?:that )?allow(?:s|ing|ed)?\s+)?(?:for\s+)?commercial(?:ly)?(?:\s+(?:use|usable|usage|purposes?|projects?|products?|licen[cs]ed?|allowed|permitted))*\b|"
                r"\bpermissive(?:ly)?(?:[- ]licen[cs]ed?)?\b"), lambda m: ChoiceWish("allows", "commercial", m.group())),
    (re.compile(r"\b(?:redistribut\w+|re-?shar(?:e|ing|able)|shar(?:e|ing) allowed)\b"), lambda m: ChoiceWish("allows", "redistribution", m.group())),
    (re.compile(r"\b(?:cc[- ]?0|cc[- ]by(?:[- ](?:nc|sa|nd))*|mit licen[cs]e|apache(?:[- ]2(?:\.0)?)?(?: licen[cs]e)?)(?:[- ]\d\.\d)?\b"),
     lambda m: ChoiceWish("license", _license(m.group()), m.group())),
    (re.compile(r"\b(?:un-?label?led|un-?annotated|without (?:labels|annotations))\b"), lambda m: ChoiceWish("labelled", "no", m.group())),
    (re.compile(r"\b(?:label?led|annotated|with (?:labels|annotations?|ground[- ]truth))\b(?! (?:by|with))"), lambda m: ChoiceWish("labelled", "yes", m.group())),
)

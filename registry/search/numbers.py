"""Numbers, years, access and licence wishes in a query: "more than 100 cases", "since 2020", "open access", "for commercial use"."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

from isocenter.registry.search.wishes import ChoiceWish, NumberWish, Operator, Wish

_MORE: dict[str, Operator] = {">": ">", "more than": ">", "over": ">", "above": ">", "greater than": ">", "larger than": ">", "exceeding": ">",
                              ">=": ">=", "≥": ">=", "at least": ">=", "minimum": ">=", "min": ">=", "no fewer than": ">=", "no less than": ">=",
                              "<": "<", "less than": "<", "fewer than": "<", "under": "<", "below": "<", "smaller than": "<",
                              "<=": "<=", "≤": "<=", "at most": "<=", "no more than": "<=", "maximum": "<=", "max": "<=", "up to": "<="}
_OPERATOR = "|".join(re.escape(word) for word in sorted(_MORE, key=len, reverse=True))
_NUMBER = r"(?P<number>\d[\d,]*(?:\.\d+)?)\s*(?P<scale>k|m|thousand|million|hundred)?"
_PEOPLE = r"patients?|subjects?|participants?|people|individuals?|volunteers"
_THINGS = (r"cases?|images?|scans?|volumes?|samples?|slices?|slides?|videos?|stud(?:y|ies)|exams?|frames?|patch(?:es)?|pairs?|records?|radiographs?|"
           r"x-?rays?|pictures?|photos?|films?|series|examples?|clips?|tiles?|crops?|wsis?|reports?|questions?")
_UNIT = rf"(?P<unit>(?:\w+\s)?(?:{_PEOPLE}|{_THINGS}))"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000, "hundred": 100}
LARGE, SMALL, RECENT_YEARS = 10_000, 100, 3
_SINCE: dict[str, Operator] = {"since": ">=", "from": ">=", "after": ">", "later than": ">", "newer than": ">", "before": "<", "older than": "<",
                               "earlier than": "<", "until": "<=", "up to": "<=", "no later than": "<="}


def read(text: str, latest_year: int) -> tuple[list[Wish], str]:
    """The wishes found in lower-case text, and the text with what was read blanked out. `latest_year` says what "recent" means."""
    wishes: list[Wish] = []
    for pattern, make in _rules(latest_year):
        def take(match: re.Match[str], make: Callable[[re.Match[str]], list[Wish]] = make) -> str:
            found = make(match)
            wishes.extend(found)
            return " , " if found else match.group()

        text = pattern.sub(take, text)
    return wishes, text


@lru_cache(maxsize=8)
def _rules(latest_year: int) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], list[Wish]]]]:
    year: Literal["year"] = "year"
    return [
        (re.compile(rf"\b(?:between|from)?\s*{_YEAR}\s*(?:and|to|-|–|until)\s*(?P<last>(?:19|20)\d\d)\b"),
         lambda m: [NumberWish(year, ">=", int(m["year"]), m.group().strip()), NumberWish(year, "<=", int(m["last"]), m.group().strip())]),
        (re.compile(rf"\b(?:released |published )?(?P<since>{'|'.join(_SINCE)})\s+(?:the year\s+)?{_YEAR}\b(?! ?(?:{_PEOPLE}|{_THINGS}))"),
         lambda m: [NumberWish(year, _SINCE[m["since"]], int(m["year"]), m.group())]),
        (re.compile(rf"(?P<operator>>=|<=|[<>≥≤])\s*{_YEAR}\b(?!\s*(?:{_PEOPLE}|{_THINGS}))"), lambda m: [NumberWish(year, _MORE[m["operator"]], int(m["year"]), m.group())]),
        (re.compile(rf"\b(?:in|year|of the year|published in|released in)\s+{_YEAR}\b"), lambda m: [NumberWish(year, "==", int(m["year"]), m.group())]),
        (re.compile(r"\b(?:recent|newest|latest)\b"), lambda m: [NumberWish(year, ">=", latest_year - RECENT_YEARS, m.group())]),
        (re.compile(rf"(?<![\w.])(?P<operator>{_OPERATOR})\s*(?:of\s+)?{_NUMBER}\b(?:\s*{_UNIT}\b)?"), _amount),
        (re.compile(rf"\b{_NUMBER}\s*(?:\+|plus|or more)\s*{_UNIT}?\b"), _amount),
        (re.compile(rf"\b{_NUMBER}\s+{_UNIT}(?:\s+or more)?\b"), _amount),
        (re.compile(r"\b(?:large[- ]scale|very large|large dataset|large|big)\b(?! (?:bowel|intestine|b-?cell|vessel))"), lambda m: [NumberWish("samples", ">=", LARGE, m.group())]),
        (re.compile(r"\b(?:open[- ]access|openly (?:available|accessible)|open data|freely (?:available|accessible|downloadable)|free(?: to)? download|"
                    r"(?:no|without) (?:registration|login|account)|direct(?:ly)? download(?:able)?|open(?![- ](?:angle|globe|mouth|field|surgery))|free(?![- ](?:text|hand|form|breathing)))\b"),
         lambda m: [ChoiceWish("access", "open", m.group())]),
        (re.compile(r"\b(?:(?:after|with|requires?|needs?) (?:free )?(?:registration|login|an account)|registration (?:required|needed|only)|registered access)\b"),
         lambda m: [ChoiceWish("access", "registration", m.group())]),
        (re.compile(r"\b(?:(?:on|by|upon|after) (?:application|request)|application (?:required|needed)|(?:restricted|controlled|credentialed)(?: access)?|data use agreement)\b"),
         lambda m: [ChoiceWish("access", "application", m.group())]),
        (re.compile(r"\b(?:non-?\s?commercial)(?: use| only| purposes)?\b"), lambda m: [ChoiceWish("allows", "use", m.group())]),
        (re.compile(r"\b(?:(?:that )?allow(?:s|ing|ed)?\s+)?(?:for\s+)?commercial(?:ly)?(?:\s+(?:use|usable|usage|purposes?|projects?|products?|licen[cs]ed?|allowed|permitted))*\b|"
                    r"\bpermissive(?:ly)?(?:[- ]licen[cs]ed?)?\b"), lambda m: [ChoiceWish("allows", "commercial", m.group())]),
        (re.compile(r"\b(?:redistribut\w+|re-?shar(?:e|ing|able)|shar(?:e|ing) allowed)\b"), lambda m: [ChoiceWish("allows", "redistribution", m.group())]),
        (re.compile(r"\b(?:cc[- ]?0|cc[- ]by(?:[- ](?:nc|sa|nd))*|mit licen[cs]e|apache(?:[- ]2(?:\.0)?)?(?: licen[cs]e)?)(?:[- ]\d\.\d)?\b"),
         lambda m: [ChoiceWish("license", _license(m.group()), m.group())]),
        (re.compile(r"\b(?:un-?label?led|un-?annotated|without (?:labels|annotations))\b"), lambda m: [ChoiceWish("labelled", "no", m.group())]),
        (re.compile(r"\b(?:label?led|annotated|with (?:labels|annotations?|ground[- ]truth))\b(?! (?:by|with))"), lambda m: [ChoiceWish("labelled", "yes", m.group())]),
    ]


def _amount(match: re.Match[str]) -> list[Wish]:
    value = float(match["number"].replace(",", "")) * _SCALES.get(match["scale"] or "", 1)
    found = match.groupdict()
    unit = found.get("unit") or ""
    operator = _MORE[found["operator"]] if found.get("operator") else ">="
    return [NumberWish("subjects" if re.search(_PEOPLE, unit) else "samples", operator, int(value), match.group().strip())]


def _license(text: str) -> str:
    """The licence as the start of an SPDX id: "cc by nc" is CC-BY-NC."""
    joined = re.sub(r"[\s-]+", "-", re.sub(r"\s*licen[cs]e", "", text.strip())).upper()
    return {"CC-0": "CC0", "APACHE": "Apache", "APACHE-2": "Apache-2.0", "APACHE-2.0": "Apache-2.0"}.get(joined, joined)

"""Sizes and years in a query: "more than 100 cases", "2k chest x-rays", "since 2020"; numbers inside a name or a term are none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from isocenter.registry.search.wishes import NumberWish, Operator

Span = tuple[int, int]
_MORE: dict[str, Operator] = {">": ">", "more than": ">", "over": ">", "above": ">", "greater than": ">", "larger than": ">", "exceeding": ">",
                              ">=": ">=", "≥": ">=", "at least": ">=", "minimum": ">=", "min": ">=", "no fewer than": ">=", "no less than": ">=", "not less than": ">=",
                              "<": "<", "less than": "<", "fewer than": "<", "under": "<", "below": "<", "smaller than": "<",
                              "<=": "<=", "≤": "<=", "at most": "<=", "no more than": "<=", "not more than": "<=", "maximum": "<=", "max": "<=", "up to": "<="}
_OPERATOR = "|".join(re.escape(word) for word in sorted(_MORE, key=len, reverse=True))
_MEASURE = r"mm|cm|um|µm|microns?|nm|t|tesla|[km]?hz|kvp?|fps|days?|weeks?|months?|years?|yrs?|hours?|min(?:ute)?s?|sec(?:ond)?s?|bits?|pixels?|px|degrees?|[kmgt]b|percent"
_PARTS = r"leads?|views?|class(?:es)?|channels?|folds?|photons?|organs?|labels?|dimension(?:s|al)?|times|x(?![- ]?ray)|points?|directions?"
_DIGITS = r"(?<![\w.,-])(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?![.,]?\d)"
_NUMBER = rf"{_DIGITS}(?:\s*(?P<scale>k|m|thousand|million|hundred)\b)?(?![\s-]*(?:(?:{_MEASURE}|{_PARTS})\b|%))"
_PEOPLE = r"patients?|subjects?|participants?|people|individuals?|volunteers"
_COUNTED = (r"cases?|images?|scans?|volumes?|samples?|slices?|slides?|stud(?:y|ies)|exams?|frames?|patch(?:es)?|pairs?|records?|"
            r"pictures?|films?|series|examples?|clips?|tiles?|crops?|reports?|questions?")
_SHOWN = r"radiographs?|x-?rays?|photos?|videos?|wsis?|whole[- ]slides?(?: images?)?"       # units that say what is shown stay in the text
_THINGS = rf"{_COUNTED}|{_SHOWN}"
_KIND = r"(?P<kind>(?:(?!(?:and|or|with|without|not|no|in|from|for|by|to)\b)[a-z][\w-]*\s+){0,3}?)"
_UNIT = rf"{_KIND}(?:(?P<unit>{_PEOPLE}|{_COUNTED})|(?P<shown>{_SHOWN}))"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_GRADED = r"(?:who )?grade|stage|type|level|score|age[ds]?"
_RANKED = re.compile(rf"\b(?:{_GRADED}|rads|gleason|isup|fitzpatrick|lawrence|trisomy|weeks?|days?)[\s:=-]*$")
_QUANTITIES = (re.compile(rf"\b(?:{_GRADED})[\s-]*(?P<number>\d+(?:\.\d+)?|i{{1,3}}|iv|v)\b"), re.compile(rf"{_DIGITS}[\s-]*(?:{_MEASURE})\b"))
_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000, "hundred": 100}
LARGE, RECENT_YEARS = 10_000, 3
FEWEST = 10                            # a bare number below it is no size: "type 2 patients"
FIRST_YEAR = 1980
_SINCE: dict[str, Operator] = {"since": ">=", "from": ">=", "after": ">", "later than": ">", "newer than": ">", "before": "<", "older than": "<",
                               "earlier than": "<", "until": "<=", "up to": "<=", "no later than": "<="}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bounds on samples, subjects and years, quantities that no dataset states ("5 mm", "grade 3"), and the text without either, as long as before."""

    wishes: list[NumberWish]
    quantities: list[str]
    text: str


def read(text: str, latest_year: int, held: Sequence[Span] = ()) -> Sizes:
    """Read lower-case text. latest_year: the year of the newest dataset, which says what "recent" means. held: spans of names and terms
    whose numbers are their own.

    What stands between a number and its unit ("500 chest CT scans"), and a unit that says what is shown ("x-rays"), stays in the text.
    """
    wishes: list[NumberWish] = []
    for pattern, make in _rules(latest_year):
        for match in _free(pattern, text, held):
            if found := make(match):
                wishes.extend(found)
                text = _blanked(text, match)
    quantities = []
    for pattern in _QUANTITIES:
        for match in _free(pattern, text, held):
            quantities.append(match.group())
            text = _blanked(text, match)
    return Sizes(wishes, quantities, text)


def _free(pattern: re.Pattern[str], text: str, held: Sequence[Span]) -> list[re.Match[str]]:
    """Matches whose number lies in no held span."""
    group = next((name for name in ("number", "year") if name in pattern.groupindex), 0)
    return [match for match in pattern.finditer(text) if not any(match.start(group) < stop and start < match.end(group) for start, stop in held)]


def _blanked(text: str, match: re.Match[str]) -> str:
    kept = {at for group in ("kind", "shown") if match.groupdict().get(group) for at in range(*match.span(group))}
    blank = "".join(text[at] if at in kept else "," if at == match.start() else " " for at in range(*match.span()))
    return text[:match.start()] + blank + text[match.end():]


@lru_cache(maxsize=8)
def _rules(latest_year: int) -> list[tuple[re.Pattern[str], Callable[[re.Match[str]], list[NumberWish]]]]:
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
        (re.compile(rf"{_NUMBER}\s*(?:\+|plus|or more)(?:\s*{_UNIT}\b)?(?![\w+])"), _amount),
        (re.compile(rf"{_NUMBER}\s+{_UNIT}\b(?P<more>\s+or more\b)?"), lambda m: [] if _is_no_size(m, latest_year) else _amount(m)),
        (re.compile(r"\b(?:large[- ]scale|very large|large dataset|large|big)\b(?! (?:bowel|intestine|b-?cell|vessel))"), lambda m: [NumberWish("samples", ">=", LARGE, m.group())]),
    ]


def _amount(match: re.Match[str]) -> list[NumberWish]:
    """The bound on samples or subjects; none after a word that ranks or dates ("BI-RADS at least 4")."""
    if _RANKED.search(match.string[:match.start()]):
        return []
    found = match.groupdict()
    operator = _MORE[found["operator"]] if found.get("operator") else ">="
    return [NumberWish("subjects" if re.fullmatch(_PEOPLE, found.get("unit") or "") else "samples", operator, _value(match), match.group().strip())]


def _value(match: re.Match[str]) -> int:
    return int(float(match["number"].replace(",", "")) * _SCALES.get(match["scale"] or "", 1))


def _is_no_size(match: re.Match[str], latest_year: int) -> bool:
    """Whether a number without "more than" or "+" rather ranks ("type 2 patients") or dates ("2018 DSB images")."""
    if match["more"] or match["scale"]:
        return False
    dates = match["number"].isdigit() and FIRST_YEAR <= _value(match) <= latest_year + 1 and _value(match) % 100 != 0
    return dates or _value(match) < FEWEST

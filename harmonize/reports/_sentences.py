"""Cut a report into sentences that state what is seen: text in; (start, end) of sentences out, without history and technique."""

from __future__ import annotations

import re
from collections.abc import Iterator

HEADING = re.compile(r"(?:^|(?<=[\n.;]))[ \t]*([A-Za-z][A-Za-z /&()-]{2,40}?)[ \t]*:", re.MULTILINE)
SILENT = re.compile(
    r"indication|history|clinical|comparison|technique|reason|exam|procedure|study|date|view|order|referring|signs|symptom|wet read|dictat|electronic", re.IGNORECASE)
"""Sections that tell why or how the picture was taken, not what it shows."""
SPEAKING = re.compile(r"finding|impression|conclusion|opinion|interpretation|report|result|lung|heart|pleura|bone|mediastin|support|line|tube|chest$", re.IGNORECASE)
END = re.compile(r"(?<!\d)[.](?!\d)|(?<=\d)[.](?=\s|$)|[;!?]|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)]))")
ABBREVIATION = re.compile(r"\b(dr|mr|mrs|ms|vs|e\.g|i\.e|approx|cm|mm|no|fig)$", re.IGNORECASE)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the sentences outside silent sections, in order."""
    for first, last in _speaking_parts(text):
        start = first
        for end in END.finditer(text, first, last):
            if ABBREVIATION.search(text[max(start, end.start() - 8) : end.start()]) and end.group() == "." and text[end.end() : end.end() + 2].strip()[:1].islower():
                continue
            if text[start : end.start()].strip():
                yield start, end.start()
            start = end.end()
        if text[start:last].strip():
            yield start, last


def _speaking_parts(text: str) -> Iterator[tuple[int, int]]:
    headings = [match for match in HEADING.finditer(text) if SILENT.search(match.group(1)) or SPEAKING.search(match.group(1))]
    if not headings:
        yield 0, len(text)
        return
    yield 0, headings[0].start()
    for here, following in zip(headings, [*headings[1:], None]):
        if SPEAKING.search(here.group(1)) or not SILENT.search(here.group(1)):
            yield here.end(), following.start() if following else len(text)

"""One made-up sample of a miniature, and values for the tokens of its paths."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from isocenter.harmonize.layout_rules import Layout
from isocenter.harmonize.pattern_examples import example
from isocenter.harmonize.patterns import Pattern


@dataclass(frozen=True, slots=True)
class MiniSample:
    """One made-up sample: the tokens of its path, that path, its shape where the path does not tell, and cells for the tables."""

    tokens: dict[str, str]
    path: str
    shape: tuple[int, ...] | None = None
    cells: dict[str, str] = field(default_factory=dict)


def token(pattern: Pattern, name: str, number: int, layout: Layout) -> str:
    """A value that the token's regex takes: one of a label token's values, or what the regex gives."""
    expression = pattern.expression(name)
    for label in layout.labels:
        if label.token == name:
            raws = [entry.raw for entry in label.map.entries if expression is None or re.fullmatch(expression, entry.raw)]
            return raws[number % len(raws)]
    raws = [entry.raw for rule in layout.masks if rule.raw == f"{{{name}}}" for mapping in layout.maps if mapping.name in rule.labels for entry in mapping.entries]
    if raws and expression is None:
        return raws[number % len(raws)]
    return example(expression, number) if expression else f"{name[:1]}{number + 1:03d}"

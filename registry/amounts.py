"""A number of things in words: 3348 and "volume" give "3,348 volumes"."""

from __future__ import annotations

PLURALS = {"box": "boxes", "study": "studies", "series": "series", "patch": "patches", "copy": "copies"}


def amount(number: int | None, unit: str | None) -> str:
    """The number with its unit in the singular or plural; "" for an unknown number, no unit where none is stated.

    >>> amount(3348, "volume"), amount(1, "study"), amount(2, "study"), amount(5, None)
    ('3,348 volumes', '1 study', '2 studies', '5')
    """
    if number is None:
        return ""
    return f"{number:,} {unit if number == 1 else plural(unit)}" if unit else f"{number:,}"


def plural(unit: str) -> str:
    return PLURALS.get(unit) or (unit if unit.endswith("s") else f"{unit}s")

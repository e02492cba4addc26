"""What a value counts for where samples are grouped: a label list gives its terms, an age its age group, nothing gives `not stated`."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

AGES = (18, 40, 60, 80)


def trait(column: str, value: Any) -> tuple[str, ...]:
    """The groups of one value of a column.

    >>> trait("age", 47), trait("label", ("cyst", "liver")), trait("sex", None)
    (('40-59',), ('cyst', 'liver'), ('not stated',))
    """
    if isinstance(value, (tuple, list)):
        return tuple(str(one) for one in value)
    if column == "age" and isinstance(value, (int, float)):
        place = bisect_right(AGES, value)
        return (f"{(0, *AGES)[place]}-{AGES[place] - 1}" if place < len(AGES) else f"{AGES[-1]} and over",)
    return ("not stated" if value is None else str(value),)

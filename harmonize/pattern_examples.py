"""Make up a text that a token's regex takes: a regex and a number go in, the number-th of its texts comes out, for miniatures."""

from __future__ import annotations

import re
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from isocenter.core.errors import BadInput

WORD = "abcdefghijklmnopqrstuvwxyz"


def example(expression: str, number: int) -> str:
    """The number-th text: alternatives in turn, digits count up, other classes take letters in turn. Raises BadInput when none is found."""
    text = _sequence(parser.parse(expression), number)
    if re.fullmatch(expression, text) is None:
        raise BadInput(f"no text for the regex {expression!r} (tried {text!r})", hint="write alternatives, digits, classes and repeats; no assertions")
    return text


def _sequence(nodes: Any, number: int) -> str:
    return "".join(_node(op, value, number) for op, value in nodes)


def _node(op: Any, value: Any, number: int) -> str:
    if op is ops.LITERAL:
        return chr(value)
    if op is ops.BRANCH:
        return _sequence(value[1][number % len(value[1])], number)
    if op is ops.SUBPATTERN:
        return _sequence(value[-1], number)
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        return _repeated(*value, number=number)
    if op in (ops.ANY, ops.NOT_LITERAL, ops.IN):
        return _one_of(value if op is ops.IN else [], number)
    return ""


def _repeated(least: int, most: int, nodes: Any, *, number: int) -> str:
    """Digits as one number with leading zeros; of other things as few as are asked, but one."""
    if _is_digits(nodes):
        return str(number + 1).zfill(least)[-int(most):]
    count = max(least, 1 if most and (least or most > 1) else 0)
    return "".join(_sequence(nodes, number + i) for i in range(count))


def _is_digits(nodes: Any) -> bool:
    return len(nodes) == 1 and nodes[0][0] is ops.IN and [item for item in nodes[0][1] if item[0] is not ops.NEGATE] in ([(ops.CATEGORY, ops.CATEGORY_DIGIT)], [(ops.RANGE, (48, 57))])


def _one_of(items: Any, number: int) -> str:
    """A character of a class; of a negated class a letter that it does not name."""
    if not items or items[0][0] is ops.NEGATE:
        named = {chr(value) for op, value in items if op is ops.LITERAL}
        return next(letter for letter in WORD[number % 20:] + WORD if letter not in named)
    op, value = items[number % len(items)]
    if op is ops.LITERAL:
        return chr(value)
    if op is ops.RANGE:
        return chr(value[0] + number % (value[1] - value[0] + 1))
    return str((number + 1) % 10) if value is ops.CATEGORY_DIGIT else " " if value is ops.CATEGORY_SPACE else WORD[number % 26]

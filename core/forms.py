"""What values a file of settings may hold: a table read from TOML and the form of each key go in, every complaint comes out with what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.core.near_names import advice


@dataclass(frozen=True, slots=True)
class Form:
    """What the value of a key must be: its name in words, an example after `key = `, and the test."""

    words: str
    example: str
    fits: Callable[[Any], bool]


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def table_of(inside: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """The test of a table whose values all pass a test."""
    return lambda value: isinstance(value, dict) and all(inside(one) for one in value.values())


def one_of(*known: str) -> Form:
    """A text that is one of these."""
    return Form(" or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known), f'"{known[0]}"', lambda value: isinstance(value, str) and value in known)


TEXT = Form("text", '"…"', is_text)
FLAG = Form("true or false", "true", lambda value: isinstance(value, bool))
WHOLE = Form("whole number", "1", lambda value: isinstance(value, int) and not isinstance(value, bool))
TEXTS = Form("list of texts", '["…", "…"]', are_texts)
NAMES = Form("table of name = text", '{ NAME = "…" }', table_of(is_text))


def complaints(body: Mapping[str, Any], forms: Mapping[str, Form], where: str, sections: Sequence[str] = ()) -> Iterator[BadInput]:
    """Keys that nobody knows, answered by the one that was meant, and values of another form. sections: keys that are looked at elsewhere."""
    for key, value in body.items():
        if key in sections:
            continue
        if key not in forms:
            yield BadInput(f"{where} has no key {key!r}", hint=advice(key, [*forms, *sections]))
        elif not forms[key].fits(value):
            yield BadInput(f"{where}: {key} = {value!r} is no {forms[key].words}", hint=f"{key} = {forms[key].example}")

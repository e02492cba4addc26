"""What silence means: the truth table of column modes, unions, is-a, and merged copies."""

from __future__ import annotations

import pytest

from isocenter.harmonize.space import LabelSpace, space_of
from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry.labelmap import Entry, LabelMap, Mode, combine

ENTRIES = (Entry("P", ("pneumonia",)), Entry("E", ("pleural effusion",)), Entry("N", ("no finding",)))
P, E, N = "pneumonia", "pleural effusion", "no finding"


@pytest.mark.parametrize(("mode", "cell", "states"), [
    ("exclusive", "P", {P: "present", E: "absent", N: "absent"}),
    ("exclusive", "", {}),
    ("exclusive", None, {}),
    ("exclusive", "  ", {}),
    ("list", "P|E", {P: "present", E: "present", N: "absent"}),
    ("list", "", {}),
    ("list", "N", {N: "present", P: "absent", E: "absent"}),
    ("mentions", "P", {P: "present"}),
    ("mentions", "", {}),
])
def test_what_a_cell_states(mode: Mode, cell: str | None, states: dict[str, str]) -> None:
    assert LabelMap("m", ENTRIES, mode, "|").read(cell).states == states


@pytest.mark.parametrize("mode", ["exclusive", "list"])
def test_a_cell_that_was_not_understood_whole_denies_nothing(mode: Mode) -> None:
    reading = LabelMap("m", ENTRIES, mode, "|").read("P|?" if mode == "list" else "?")
    assert "absent" not in reading.states.values()
    assert reading.unknown == ("?",)


def test_an_exclusive_class_does_not_deny_what_it_is_a_kind_of() -> None:
    mapping = LabelMap("m", (Entry("L", ("legionella pneumonia",)), Entry("P", (P,))), "exclusive")
    assert mapping.read("L", ancestors).states == {"legionella pneumonia": "present"}


def test_a_value_without_terms_denies_the_whole_map() -> None:
    mapping = LabelMap("m", (*ENTRIES[:2], Entry("healthy", ())), "list", "|")
    assert mapping.read("healthy").states == {P: "absent", E: "absent"}


def test_an_uncertain_value_denies_nothing_in_an_exclusive_column() -> None:
    mapping = LabelMap("m", (Entry("P", (P,)), Entry("P?", (P,), "uncertain"), Entry("E", (E,))), "exclusive")
    assert mapping.read("P?").states == {P: "uncertain"}


def test_copies_complete_each_other_and_contradictions_are_withheld() -> None:
    joined, conflicts = combine([{P: "present", E: "absent"}, {N: "absent", E: "present"}, {P: "uncertain"}])
    assert joined == {P: "present", N: "absent"}
    assert conflicts == (E,)


def test_present_climbs_is_a_and_absent_descends() -> None:
    space = LabelSpace("s", (P, "legionella pneumonia", "lung disease"))
    assert space.carry({"legionella pneumonia": "present"}) == {P: "present", "legionella pneumonia": "present", "lung disease": "present"}
    assert space.carry({P: "absent"}) == {P: "absent", "legionella pneumonia": "absent"}


def test_neither_follows_part_of() -> None:
    assert LabelSpace("s", ("lung", "thorax")).carry({"lung": "present"}) == {"lung": "present"}


@pytest.mark.parametrize(("states", "union"), [
    ({"a": "present", "b": "absent"}, "present"), ({"a": "absent", "b": "absent"}, "absent"), ({"a": "uncertain", "b": "absent"}, "uncertain"),
    ({"a": "absent"}, None), ({}, None),
])
def test_a_union_is_what_its_parts_say(states: dict[str, str], union: str | None) -> None:
    assert LabelSpace("s", ("whole",), {"whole": ("a", "b")}).carry(states).get("whole") == union


def test_an_intersection_holds_what_every_member_can_say() -> None:
    assert space_of({"a": [P, E], "b": [P, N]}, "intersection").terms == (P,)
    assert P in space_of({"a": ["legionella pneumonia"], "b": [P]}, "intersection").terms

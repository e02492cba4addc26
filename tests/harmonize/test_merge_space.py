"""Label spaces: what a target term may be told by a sample's states, for all states; and the spaces that are asked for by a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.core.errors import BadInput, NotFound
from isocenter.harmonize.doubt import Doubt, doubt_of_texts, read_doubt
from isocenter.harmonize.lift import depth
from isocenter.harmonize.space import LabelSpace, read_space, space_of
from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry import vocabulary
from isocenter.registry.labelmap import State, States, combine

# A family with two generations, a sibling, a structure with its parts, and a stranger.
TERMS = ("lung disease", "pneumonia", "legionella pneumonia", "streptococcal pneumonia", "lung opacity", "lung", "left lung", "right lung upper lobe", "fracture")
STATES = st.dictionaries(st.sampled_from(TERMS), st.sampled_from(["present", "absent", "uncertain"]))
SPACE = LabelSpace("s", TERMS)
PARTS = {term: vocabulary.load().ancestors(term, ("part-of",)) for term in TERMS}


@given(STATES)
def test_what_is_said_of_a_term_itself_stands(states: States) -> None:
    assert {term: SPACE.carry(states)[term] for term in states} == states


@given(STATES)
def test_present_climbs_is_a(states: States) -> None:
    carried = SPACE.carry(states)
    assert all(carried[above] == "present" for term, state in states.items() if state == "present" for above in ancestors(term) & set(TERMS) - states.keys())


@given(STATES)
def test_absent_descends_is_a_unless_something_below_is_present(states: States) -> None:
    carried = SPACE.carry(states)
    for term in set(TERMS) - states.keys():
        if any(states.get(above) == "absent" for above in ancestors(term)):
            below = any(state == "present" and term in ancestors(other) for other, state in states.items())
            assert carried[term] == ("present" if below else "absent")


@given(STATES)
def test_every_state_has_a_reason_and_absence_never_climbs(states: States) -> None:
    for term, state in SPACE.carry(states).items():
        below = {said for other, said in states.items() if term in ancestors(other)}
        above = {states[other] for other in states if other in ancestors(term)}
        assert states.get(term) == state or (state in below and state != "absent") or (state == "absent" and "absent" in above)


@given(st.sampled_from(["present", "absent", "uncertain"]))
def test_nothing_follows_part_of(state: State) -> None:
    for term, wholes in PARTS.items():
        for whole in wholes & set(TERMS) - ancestors(term):
            assert whole not in SPACE.carry({term: state})
            assert term not in SPACE.carry({whole: state})


@given(STATES, st.sets(st.sampled_from(("fracture", "lung opacity", "pneumonia", "left lung")), min_size=1))
def test_a_union_is_present_if_any_part_is_absent_if_all_are_uncertain_if_one_is_and_none_is_present(states: States, parts: set[str]) -> None:
    said = [LabelSpace("p", (part,)).carry(states).get(part) for part in sorted(parts)]
    expected = "present" if "present" in said else "uncertain" if "uncertain" in said else "absent" if set(said) == {"absent"} else None
    assert LabelSpace("s", ("whole",), {"whole": tuple(sorted(parts))}).carry(states).get("whole") == expected


@given(st.lists(STATES, max_size=4))
def test_joined_copies_invent_nothing_and_forget_nothing_but_contradictions(several: list[States]) -> None:
    joined, conflicts = combine(several)
    said = {term: {states[term] for states in several if term in states} for term in TERMS}
    assert set(conflicts) == {term for term, found in said.items() if {"present", "absent"} <= found}
    assert joined.keys() | set(conflicts) == {term for term, found in said.items() if found}
    assert all(state in said[term] and (state != "uncertain" or said[term] == {"uncertain"}) for term, state in joined.items())


@given(STATES, st.sampled_from(["keep", "ones", "zeros", "ignore"]))
def test_a_policy_leaves_no_uncertain_behind_and_never_makes_something_of_silence(states: States, policy: str) -> None:
    carried = LabelSpace("s", TERMS, doubt=read_doubt(policy)).carry(states)
    assert policy == "keep" or "uncertain" not in carried.values()
    certain = {term: state for term, state in states.items() if state != "uncertain"}
    if policy == "ignore":
        assert carried == SPACE.carry(certain)


def test_ancestors_up_to_a_level_lift_what_lies_deeper_and_leave_the_rest() -> None:
    assert [depth(term) for term in ("lung disease", "pneumonia", "legionella pneumonia", "left lung", "a term of my own")] == [1, 2, 3, 1, 0]
    space = space_of({"a": ["legionella pneumonia", "left lung"], "b": ["pneumonia", "a term of my own"]}, "ancestors:2")
    assert space.terms == ("a term of my own", "left lung", "pneumonia")
    assert space_of({"a": ["legionella pneumonia", "left lung"]}, "ancestors:0").terms == ("lung", "thoracic disease")


def test_a_child_that_is_absent_says_nothing_of_the_ancestor_it_is_lifted_to() -> None:
    space = space_of({"a": ["legionella pneumonia", "streptococcal pneumonia"]}, "ancestors:2")
    assert space.terms == ("pneumonia",)
    assert space.carry({"legionella pneumonia": "absent", "streptococcal pneumonia": "absent"}) == {}
    assert space.carry({"legionella pneumonia": "absent", "streptococcal pneumonia": "uncertain"}) == {"pneumonia": "uncertain"}
    assert space.carry({"legionella pneumonia": "present"}) == {"pneumonia": "present"}


def test_named_ancestors_also_take_what_lies_in_them_but_no_absence() -> None:
    space = space_of({"a": ["left heart ventricle", "pneumonia", "spleen"]}, "ancestors:heart, lung disease")
    assert space.terms == ("heart", "lung disease")
    assert space.carry({"left heart ventricle": "present", "pneumonia": "absent"}) == {"heart": "present"}
    assert space.carry({"left heart ventricle": "absent", "pneumonia": "uncertain", "spleen": "present"}) == {"lung disease": "uncertain"}


@pytest.mark.parametrize(("wish", "message"), [
    ("ancestors:hart", "did you mean"), ("ancestors:", "no level and no term"), ("onion", "ancestors:LEVEL"),
])
def test_a_space_that_means_nothing_is_answered_with_what_there_is(wish: str, message: str) -> None:
    with pytest.raises((BadInput, NotFound), match=message):
        space_of({"a": ["pneumonia"]}, wish)


def test_a_file_gives_terms_unions_and_policies_and_the_command_line_goes_before_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('terms = ["pneumonia"]\n[unions]\n"any opacity" = ["infiltration", "consolidation"]\n[uncertain]\ndefault = "zeros"\npneumonia = "ones"\n')
    assert read_space(path).carry({"infiltration": "uncertain", "pneumonia": "uncertain"}) == {"pneumonia": "present"}
    assert read_space(path).carry({"infiltration": "uncertain", "consolidation": "absent"}) == {"any opacity": "absent"}
    over = space_of({}, str(path), read_doubt(doubt_of_texts(["ignore", "any opacity=keep"])))
    assert over.doubt == Doubt("ignore", {"pneumonia": "ones", "any opacity": "keep"})


@pytest.mark.parametrize(("text", "message"), [
    ('term = ["a"]', "has no key term"), ('terms = "a"', "terms is no list"), ("terms = [", "not a label space"), ("", "without terms"), ('terms = ["a"]\n[uncertain]\na = "maybe"', "maybe"),
])
def test_a_file_that_is_no_space_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        read_space(path)

"""What is advised for a name that is not known."""

from __future__ import annotations

import pytest

from isocenter.core.errors import NotFound
from isocenter.core.near_names import advice, near
from isocenter.core.plugins import PluginTable


@pytest.mark.parametrize(("name", "known", "meant"), [
    ("kcenter", ["k-center", "random"], "k-center"), ("suoth", ["north", "south"], "south"), ("Pneumonia", ["pneumonia", "mass"], "pneumonia"),
    ("CC-BUY-4.0", ["CC-BY-4.0", "CC0-1.0"], "CC-BY-4.0"), ("xyz", ["north", "south"], None), ("nort", [], None),
])
def test_the_name_that_was_meant_is_found_and_no_other(name: str, known: list[str], meant: str | None) -> None:
    assert near(name, known) == meant


def test_without_a_near_name_the_names_are_listed_and_the_rest_is_counted() -> None:
    assert advice("zzz", [f"name{number}" for number in range(30)]).endswith("name19 and 10 more")
    assert advice("zzz", []) == "there is none yet"


def test_one_plug_in_is_named_in_the_singular() -> None:
    with pytest.raises(NotFound, match="no strategy named 'kcenter'"):
        PluginTable("strategies", "isocenter.curate.strategies", ("pick",)).get("kcenter")

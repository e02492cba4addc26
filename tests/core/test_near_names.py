"""What is advised for a name that is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from isocenter.core.errors import NotFound
from isocenter.core.files import require_file
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


def test_a_file_that_is_not_there_is_answered_by_the_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "losses.csv").touch()
    assert require_file(tmp_path / "losses.csv").name == "losses.csv"
    with pytest.raises(NotFound, match=r"no such file(.|\n)*did you mean .*losses.csv"):
        require_file(tmp_path / "loses.csv")
    with pytest.raises(NotFound, match="a folder, not a file"):
        require_file(tmp_path)

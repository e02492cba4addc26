"""Labels and boxes reach the keeper only as far as the proven transform lets them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isocenter.curate.duplicates import carry
from isocenter.curate.duplicates.transform import Transform, read, ways_to
from isocenter.curate.groups import Pair

WHOLE, CROP = (100, 100), (60, 60)
INTO_CROP = Transform(np.array([[1.0, 0, -20], [0, 1, -20]]), False, WHOLE, CROP)
MIRROR = Transform(np.array([[-1.0, 0, 99], [0, 1, 0]]), False, WHOLE, WHOLE)


def test_absent_never_travels_from_a_crop_to_the_whole() -> None:
    assert carry.labels({"nodule": "absent", "effusion": "present"}, INTO_CROP.back()) == {"effusion": "present"}


def test_present_never_travels_from_the_whole_to_a_crop() -> None:
    assert carry.labels({"nodule": "absent", "effusion": "present"}, INTO_CROP) == {"nodule": "absent"}


def test_a_mirror_swaps_sides_that_have_a_term_and_withholds_the_others() -> None:
    states = {"left lung": "present", "right hilum": "present", "effusion": "absent"}
    assert carry.labels(states, MIRROR, {"left lung", "right lung"}) == {"right lung": "present", "effusion": "absent"}  # type: ignore[arg-type]


def test_nothing_travels_an_unknown_way() -> None:
    assert carry.labels({"effusion": "present"}, None) == {}


def test_boxes_follow_the_picture_and_boxes_cut_off_stay_behind() -> None:
    assert carry.box((30, 30, 50, 40), INTO_CROP) == (10, 10, 30, 20)
    assert carry.box((0, 0, 22, 30), INTO_CROP) is None
    assert carry.box((10, 0, 20, 10), MIRROR) == (80, 0, 90, 10)


def test_a_box_that_is_there_already_is_not_doubled() -> None:
    own = [("RBC", (10.0, 10.0, 30.0, 30.0))]
    carried = [("RBC", (11.0, 10.0, 30.0, 31.0)), ("WBC", (11.0, 10.0, 30.0, 31.0)), ("RBC", (50.0, 50.0, 60.0, 60.0)), ("RBC", (10.0, 22.0, 30.0, 40.0))]
    assert carry.without_doubles(own, carried) == carried[1:]                      # a neighbour that overlaps by a fourth is another cell
    assert carry.without_doubles(own, [("RBC", (10.0, 18.0, 30.0, 38.0))]) == []     # by 0.43: the same cell, drawn by another hand


def test_the_way_to_the_keeper_goes_over_other_copies() -> None:
    def affine(dx: int) -> str:
        return json.dumps({"kind": "affine", "matrix": [1, 0, dx, 0, 1, 0], "inverted": False, "size_a": [50, 50], "size_b": [50, 50]})

    pairs = [Pair("a", "b", "local-features", 1.0, "same", affine(3)), Pair("c", "b", "local-features", 1.0, "same", affine(10)),
             Pair("c", "d", "volume", 1.0, "same", '{"kind": "volume", "matrix": []}')]
    ways = ways_to("a", pairs)
    assert ways["c"] is not None
    np.testing.assert_allclose(ways["c"].matrix @ [0, 0, 1], [7, 0])
    assert ways["d"] is None
    assert read('{"kind": "identity"}') is not None
    assert ways["a"] is not None
    assert ways["a"].shown == pytest.approx((1, 1))

"""A pair is weighed by its distance to the best rival: copies stand alone, neighbours stand in a row."""

from __future__ import annotations

import pytest

from isocenter.curate.duplicates.alone import LOWEST, weigh
from isocenter.curate.duplicates.line import CLEAR

FAR_AWAY = {(a, a + 1): -15.0 for a in range(1000, 1100)}


def test_a_weak_link_that_nothing_else_comes_near_is_one_picture() -> None:
    found = weigh({(0, 1): -1.0, (0, 2): -14.0, (1, 2): -13.0} | FAR_AWAY, (), 200)
    assert found.odds[0, 1] > CLEAR
    assert found.odds[0, 2] < -CLEAR


def test_no_distance_makes_one_picture_of_clearly_two() -> None:
    assert weigh({(0, 1): LOWEST - 1} | FAR_AWAY, (), 200).odds[0, 1] == LOWEST - 1


def test_slices_in_a_row_are_not_joined_by_links_that_alone_would_do() -> None:
    row = {(a, a + 1): 2.0 + 0.1 * (a % 3) for a in range(6)} | {(a, a + 2): -6.0 for a in range(5)}
    assert max(weigh(row, (), 200).odds.values()) < CLEAR


def test_a_copy_of_a_copy_is_no_rival() -> None:
    three = {(0, 1): 2.0, (0, 2): 1.8, (1, 2): 1.0} | FAR_AWAY
    assert min(weigh(three, (), 200).odds[pair] for pair in ((0, 1), (0, 2), (1, 2))) > CLEAR


def test_the_original_and_its_sure_copy_count_as_one() -> None:
    found = weigh({(0, 1): 12.0, (0, 2): 1.0, (1, 2): -1.0} | FAR_AWAY, (), 200)
    assert found.odds[0, 1] == 12.0
    assert found.odds[0, 2] > CLEAR


@pytest.mark.parametrize(("pictures", "rows"), [(10, 0), (200, 20)])
def test_nothing_is_gained_in_a_small_corpus_or_among_many_rows_of_slices(pictures: int, rows: int) -> None:
    crowd = {(10 * r + a, 10 * r + a + 1): 0.5 for r in range(1, rows + 1) for a in range(3)}
    assert weigh({(0, 1): -1.0} | crowd, (), pictures).odds[0, 1] < CLEAR


def test_among_dense_neighbours_standing_alone_helps_a_little_and_only_what_is_likely_without_it() -> None:
    crowd = {(10 * r + a, 10 * r + a + 1): 0.5 for r in range(1, 21) for a in range(3)}
    found = weigh({(0, 1): 1.0, (2, 3): 0.3, (4, 5): -0.1} | crowd, (), 200).odds
    assert found[0, 1] > CLEAR
    assert 0.3 < found[2, 3] < CLEAR
    assert found[4, 5] == -0.1


def test_among_dense_neighbours_a_next_neighbour_is_a_rival_though_it_resembles_both() -> None:
    end_of_row = {(0, 1): 1.6, (0, 2): 1.5, (1, 2): -0.4}
    crowd = {(10 * r + a, 10 * r + a + 1): 0.5 for r in range(1, 21) for a in range(3)}
    assert weigh(end_of_row | crowd, (), 200).odds[0, 1] < CLEAR
    assert weigh(end_of_row | FAR_AWAY, (), 200).odds[0, 1] > CLEAR

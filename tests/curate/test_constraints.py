"""Claims about constraints, for any strategy's ranking."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.core.errors import BadInput, UsageError
from isocenter.curate.api import Pool
from isocenter.curate.constraints import Constraints, Limit, allowed, apply, parse_limit
from isocenter.curate.constraints_choice import choose
from isocenter.curate.select import STRATEGIES

IDS = [f"s{at}" for at in range(20)]
COLUMNS = {
    "dataset": ["lits"] * 15 + ["btcv"] * 5, "sex": (["M"] * 4 + ["F"]) * 4, "age": list(range(20, 80, 3)),
    "label": [("liver", "tumour") if at % 6 == 0 else ("liver",) for at in range(20)],
}


def chosen(constraints: Constraints, **options: object) -> list[int]:
    return apply(range(20), IDS, COLUMNS, constraints, **options).tolist()


def test_without_wishes_the_ranking_is_cut_at_the_budget():
    assert chosen(Constraints(6)) == [0, 1, 2, 3, 4, 5]


def test_floors_are_kept_by_the_best_ranked_that_serve_them():
    picks = chosen(Constraints(6, (Limit("dataset", "btcv", least=2), Limit("sex", "F", least=3))))
    assert sum(COLUMNS["dataset"][at] == "btcv" for at in picks) >= 2
    assert sum(COLUMNS["sex"][at] == "F" for at in picks) >= 3
    assert 19 in picks, "one sample that serves both floors is taken before two that serve one each"
    assert len(picks) == 6


def test_caps_are_kept_and_the_rest_is_spent_elsewhere():
    picks = chosen(Constraints(8, (Limit("dataset", "lits", most=3),)))
    assert [at for at in picks if at < 15] == [0, 1, 2]
    assert len(picks) == 8


def test_a_label_of_many_counts_for_each():
    picks = chosen(Constraints(5, (Limit("label", "tumour", least=3),)))
    assert {0, 6, 12} <= set(picks)


def test_an_age_group_is_a_range():
    assert 15 in chosen(Constraints(3, (Limit("age", "65-69", least=1),)))


def test_a_budget_may_be_bytes():
    sizes = np.where(np.arange(20) % 2, 10.0, 100.0)
    picks = chosen(Constraints(230), costs=sizes)
    assert sizes[picks].sum() <= 230
    assert picks == [0, 1, 2, 3, 5]


def test_included_samples_come_first_and_excluded_ones_never():
    constraints = Constraints(4, include=frozenset({"s17"}), exclude=frozenset({"s0"}))
    ranking = np.flatnonzero(allowed(IDS, constraints))
    assert apply(ranking, IDS, COLUMNS, constraints).tolist() == [17, 1, 2, 3]


def test_a_sample_of_unknown_licence_is_not_allowed_where_licences_are_named():
    keep = allowed(["a", "b", "c"], Constraints(3, licences=frozenset({"CC-BY-4.0"})), ["CC-BY-4.0", None, "CC-BY-NC-4.0"])
    assert keep.tolist() == [True, False, False]


def test_wishes_that_cannot_be_kept_are_all_named_with_what_there_is():
    wishes = (Limit("dataset", "btcv", least=9), Limit("sex", "F", least=4))
    with pytest.raises(BadInput, match=r"dataset=btcv>=9: the pool has 5.*sex=F>=4: costs 4 at least, the budget is 3"):
        chosen(Constraints(3, wishes))


def test_floors_that_a_cap_forbids_are_named():
    with pytest.raises(BadInput, match="could be taken within the caps"):
        chosen(Constraints(9, (Limit("dataset", "btcv", least=3), Limit("sex", "F", most=0), Limit("age", "62-80", most=2))))


def test_a_floor_above_its_own_cap_is_named_before_anything_is_chosen():
    with pytest.raises(BadInput, match=r"sex=F>=3 stands against the cap of 2"):
        chosen(Constraints(9, (Limit("sex", "F", least=3), Limit("sex", "F", most=2))))


def test_a_pool_of_which_nothing_may_be_taken_says_why():
    pool, strategy = Pool(tuple(IDS)), STRATEGIES.get("random")
    with pytest.raises(BadInput, match=r"no sample is under MIT; there are CC-BY-4.0 \(12\), not stated \(8\)"):
        choose(pool, strategy, Constraints(3, licences=frozenset({"MIT"})), seed=0, columns={}, licences=["CC-BY-4.0"] * 12 + [None] * 8)
    with pytest.raises(BadInput, match="the cheapest sample costs 7, the budget is 3"):
        choose(pool, strategy, Constraints(3), seed=0, columns={}, costs=[7.0] * 20)


def test_limits_are_read_from_text_and_nonsense_is_refused():
    assert parse_limit("sex=F>=100") == Limit("sex", "F", least=100)
    assert parse_limit("dataset=lits<=500") == Limit("dataset", "lits", most=500)
    with pytest.raises(UsageError, match="COLUMN=VALUE"):
        parse_limit("sex>3")

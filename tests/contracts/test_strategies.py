"""The questions put to every selection strategy."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from isocenter.core.plugins import PluginTable
from isocenter.curate.api import Pool

STRATEGIES = PluginTable("strategies", "isocenter.curate.strategies", ("pick", "needs", "uses_features"))
COUNT = 400


def _pool(count: int = COUNT) -> Pool:
    rng = np.random.default_rng(11)
    label = rng.integers(0, 6, count) ** 2 // 6
    rows = rng.standard_normal((8, 24))[label] + 0.4 * rng.standard_normal((count, 24))
    members = rng.dirichlet(np.ones(4), (count, 3))
    starts = rng.integers(0, 90, (count, 3))
    columns = {
        "stratum": label.astype(str).astype(object), "score": rng.random(count), "foreground": (rng.random(count) > 0.7).astype(float),
        "predictions": members, "entropy": rng.random(count), "class_entropy": rng.random((count, 4)), "bald": rng.random(count), "beta": np.ones(count),
        "image": np.array([f"case{at % 10}" for at in range(count)], object), "box": np.hstack([starts, starts + 4]),
        "label": label.astype(str).astype(object),
    }
    return Pool(tuple(f"s{at}" for at in range(count)), (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), columns)


POOL = _pool()


@pytest.fixture(params=STRATEGIES.names())
def strategy(request: pytest.FixtureRequest) -> ModuleType:
    return STRATEGIES.get(request.param)


def test_spends_its_budget_without_repeats(strategy):
    picks = strategy.pick(POOL, 40, seed=3)
    assert len(set(picks.indices.tolist())) == len(picks.gains) == 40
    assert picks.indices.min() >= 0
    assert picks.indices.max() < COUNT


def test_a_seed_gives_the_same_picks_again(strategy):
    first, again = strategy.pick(POOL, 30, seed=5), strategy.pick(POOL, 30, seed=5)
    assert first.indices.tolist() == again.indices.tolist()
    assert first.gains.tolist() == again.gains.tolist()


def test_gains_are_finite_numbers_of_every_pick(strategy):
    picks = strategy.pick(POOL, 25, seed=0)
    assert picks.indices.dtype == np.int64
    assert np.isfinite(picks.gains).all()


def test_a_budget_of_the_whole_pool_takes_everything(strategy):
    picks = strategy.pick(POOL, COUNT, seed=1)
    assert sorted(picks.indices.tolist()) == list(range(COUNT))


def test_a_budget_of_nothing_takes_nothing(strategy):
    assert len(strategy.pick(POOL, 0, seed=0).indices) == 0


def test_a_head_is_the_smaller_choice_where_the_docstring_says_so(strategy):
    if "prefix property holds" not in " ".join((strategy.__doc__ or "").lower().split()):
        pytest.skip("states that it has no prefix property")
    if "below" in (strategy.__doc__ or "").lower().partition("prefix property holds")[2][:40]:
        pytest.skip("holds below a stated budget")
    assert strategy.pick(POOL, 15, seed=2).indices.tolist() == strategy.pick(POOL, 60, seed=2).indices.tolist()[:15]


def test_states_its_source_or_what_it_reads_its_cost_and_its_prefix_property(strategy):
    text = " ".join((strategy.__doc__ or "").lower().split())
    assert "prefix property" in text
    assert "o(n" in text
    assert "source" in text or "baseline" in text or "reads" in text


def test_copies_in_the_pool_are_no_obstacle(strategy):
    same = Pool(POOL.ids, np.repeat(POOL.features[:20], 20, axis=0), POOL.columns)
    assert len(set(strategy.pick(same, 60, seed=4).indices.tolist())) == 60

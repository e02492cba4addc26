"""Choose under constraints: a pool, a strategy and wishes go in; the picks that keep every wish come out, still most worth first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate.api import Picks, Pool
from isocenter.curate.constraints import Constraints, allowed, apply
from isocenter.curate.patches import apart


def choose(pool: Pool, strategy: ModuleType, constraints: Constraints, *, seed: int, columns: Mapping[str, Sequence[object]],
           licences: Sequence[str | None] | None = None, costs: Sequence[float] | None = None) -> Picks:
    """The strategy's own choice where no wish stands against it; else its choice first, then twice as many of its picks, then the rest at random.

    Of patches, which have a column `box`, no two that are chosen overlap.

    columns, licences, costs: aligned with the pool; columns hold what the limits name. Included samples have gain 0 unless the strategy picked them.
    Raises BadInput when the wishes cannot be kept, naming each.
    """
    price = np.ones(len(pool)) if costs is None else np.asarray(costs, float)
    if not np.isfinite(price).all() or (price < 0).any():
        raise BadInput("some samples have no cost", hint="a non-negative number for every sample of the pool")
    keep = np.flatnonzero(allowed(pool.ids, constraints, licences) & (price <= constraints.budget))
    if not len(keep):
        raise BadInput(f"nothing of the pool may be taken: {_nothing(pool, constraints, licences, price)}", hint="widen the pool or the wishes")
    open_ = part(pool, keep)
    typical = float(price[keep].mean())
    number = min(len(open_), max(1, int(constraints.budget / typical)) if typical else len(open_))
    picks: Picks = strategy.pick(open_, number, seed=seed)
    patches = "box" in pool.columns
    free = costs is None and not constraints.limits and not constraints.include
    if free and not (patches and apart(picks.indices.tolist(), open_)[1]):
        return Picks(keep[picks.indices], picks.gains, picks.reasons)
    more: Picks = strategy.pick(open_, min(len(open_), 2 * number), seed=seed)
    rest = np.random.default_rng(seed).permutation(len(open_))
    ranking = keep[np.concatenate([picks.indices, more.indices, rest])]
    if patches:
        ranking = np.array(apart(list(dict.fromkeys(ranking.tolist())), pool)[0], np.int64)
    chosen = apply(ranking, pool.ids, columns, constraints, costs=costs)
    if not len(chosen):
        caps = ", ".join(str(limit) for limit in constraints.limits if limit.most is not None)
        raise BadInput(f"nothing is chosen: {f'every sample is beyond a cap ({caps})' if caps else 'no sample fits the wishes'}", hint="raise a cap, or widen the pool")
    gain = dict(zip(keep[more.indices].tolist(), more.gains.tolist())) | dict(zip(keep[picks.indices].tolist(), picks.gains.tolist()))
    said = dict(zip(keep[picks.indices].tolist(), picks.reasons))
    return Picks(chosen, np.array([gain.get(at, 0.0) for at in chosen.tolist()]), tuple(said.get(at, "") for at in chosen.tolist()) if said else ())


def _nothing(pool: Pool, constraints: Constraints, licences: Sequence[str | None] | None, price: NDArray[np.float64]) -> str:
    """Which wish leaves nothing, in words."""
    if not len(pool):
        return "it is empty, or no sample of it can be encoded"
    if constraints.licences is not None and not allowed(pool.ids, Constraints(constraints.budget, licences=constraints.licences), licences).any():
        there = Counter(one or "not stated" for one in licences or [])
        return f"no sample is under {', '.join(sorted(constraints.licences))}; there are {', '.join(f'{name} ({number})' for name, number in there.most_common(6))}"
    if not (price <= constraints.budget).any():
        return f"the cheapest sample costs {price.min():g}, the budget is {constraints.budget:g}" if price.min() < 1e300 else "it has no sample that the budget can be spent on"
    return f"{len(constraints.exclude)} samples are excluded, and others cost too much or are under another licence"


def part(pool: Pool, positions: NDArray[np.integer]) -> Pool:
    """The pool cut to these positions."""
    features = pool.features[positions] if len(pool.features) == len(pool) else pool.features
    return Pool(tuple(pool.ids[at] for at in positions), features, {name: values[positions] for name, values in pool.columns.items()}, pool.sides)

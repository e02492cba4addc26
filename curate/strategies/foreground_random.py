"""Random choice that sees to the foreground: a third of the picks are drawn where foreground is, the rest anywhere.

Source: nnActive's improved random baseline (66 % uniform, 33 % around a random voxel of the foreground). Reads the column `foreground`: the share or
the number of annotated voxels of a sample or patch, 0 for none, as `isocenter patches` notes it; a foreground pick is drawn in proportion to it.
O(n log n) time, O(n) memory. Prefix property holds: every third pick is a foreground pick.
"""

from __future__ import annotations

import numpy as np

from isocenter.curate.api import Picks, Pool

needs: tuple[str, ...] = ("foreground",)
uses_features = False


def pick(pool: Pool, budget: int, *, seed: int) -> Picks:
    """A random order in which every third pick is drawn from the foreground while it lasts; a gain is 1 on foreground, else 0."""
    rng = np.random.default_rng(seed)
    foreground = np.array([float(value or 0) for value in pool.columns["foreground"].tolist()])
    anywhere = iter(rng.permutation(len(pool)).tolist())
    drawn = np.log(np.maximum(foreground, 1e-300)) + rng.gumbel(size=len(pool))
    shown = iter([at for at in np.argsort(-drawn, kind="stable").tolist() if foreground[at] > 0])
    picks: dict[int, None] = {}
    while len(picks) < min(budget, len(pool)):
        queue = shown if len(picks) % 3 == 0 else anywhere
        one = next((at for at in queue if at not in picks), None)
        picks[one if one is not None else next(at for at in anywhere if at not in picks)] = None
    chosen = np.fromiter(picks, np.int64, len(picks))
    return Picks(chosen, (foreground[chosen] > 0).astype(np.float64))

"""k-center against the loops people write, on one input: python benchmarks/kcenter.py [ROWS] [BUDGET] [--large-budget N]"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from selection_pools import clusters, timed

from isocenter.embeddings.kernels.farthest import farthest_first


def textbook(rows: NDArray[np.float32], budget: int) -> NDArray[np.int64]:
    nearest, picks = np.full(len(rows), np.inf, np.float32), [0]
    while len(picks) < budget:
        nearest = np.minimum(nearest, 2 - 2 * (rows @ rows[picks[-1]]))
        picks.append(int(nearest.argmax()))
    return np.array(picks)


def on_torch(rows: NDArray[np.float32], budget: int) -> NDArray[np.int64]:
    import torch

    tensor = torch.from_numpy(rows)
    nearest, picks = torch.full((len(rows),), torch.inf), [0]
    while len(picks) < budget:
        nearest = torch.minimum(nearest, 2 - 2 * (tensor @ tensor[picks[-1]]))
        picks.append(int(nearest.argmax()))
    return np.array(picks)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", nargs="?", type=int, default=100_000)
    parser.add_argument("budget", nargs="?", type=int, default=1_000)
    parser.add_argument("--large-budget", type=int, default=10_000)
    options = parser.parse_args()
    rows, _ = clusters(options.rows)
    (ours, _), cost = timed(lambda: farthest_first(rows, options.budget, first=0))
    print(f"isocenter        {cost}")
    plain, plain_cost = timed(lambda: textbook(rows, options.budget))
    print(f"numpy loop       {plain_cost}  same picks: {bool((plain == ours).all())}  cpu ratio {plain_cost.cpu / cost.cpu:.1f}")
    peer, peer_cost = timed(lambda: on_torch(rows, options.budget))
    print(f"torch loop       {peer_cost}  same picks: {bool((peer == ours).all())}  wall ratio {peer_cost.wall / cost.wall:.1f}")
    _, large = timed(lambda: farthest_first(rows, options.large_budget, first=0))
    print(f"isocenter {options.large_budget:>6} {large}")


if __name__ == "__main__":
    main()

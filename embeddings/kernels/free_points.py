"""Free points on the sphere that imitate the distribution of given rows and keep apart from each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TEMPERATURE, BALANCE, RATE, ROUNDS, RESETTLE = 0.07, 1.0, 1e-3, 300, 10
SMALL = 1_000_000       # cosines; below, threads cost more than they give


def free_points(features: NDArray[np.float32], count: int, *, seed: int, rounds: int = ROUNDS) -> NDArray[np.float32]:
    """(count, d) unit rows that minimise -mean log(e^{s_i/τ} / (e^{s_i/τ} + λ·Σ_{k≠c} e^{θ_c·θ_k/τ})), s_i the cosine of row i to its point c.

    They start on seeded rows; which point is a row's nearest is settled anew every 10 rounds. Source: Xie et al. 2023, ActiveFT.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(threads if len(features) * count > SMALL else 1)
    try:
        return _descend(features, count, seed, rounds)
    finally:
        torch.set_num_threads(threads)


def _descend(features: NDArray[np.float32], count: int, seed: int, rounds: int) -> NDArray[np.float32]:
    import torch

    start = np.sort(np.random.default_rng(seed).permutation(len(features))[:count])
    rows = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    points = rows[torch.from_numpy(start)].clone().requires_grad_(True)
    solver = torch.optim.Adam([points], lr=RATE)
    for turn in range(rounds):
        unit = torch.nn.functional.normalize(points, dim=1)
        if turn % RESETTLE == 0:
            with torch.no_grad():
                nearest = (rows @ unit.T).argmax(1)
        near = (rows * unit[nearest]).sum(1) / TEMPERATURE
        apart = (unit @ unit.T / TEMPERATURE).masked_fill(torch.eye(count, dtype=torch.bool), -torch.inf).logsumexp(1)
        loss = torch.nn.functional.softplus(apart[nearest] + np.log(BALANCE) - near).mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
    result: NDArray[np.float32] = torch.nn.functional.normalize(points.detach(), dim=1).numpy()
    return result

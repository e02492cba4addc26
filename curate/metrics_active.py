"""Figures of active learning in 3D: the area under the budget curve, the pairwise penalty matrix, and what a foreground voxel was worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from isocenter.curate.evaluate_summary import ALPHA, paired_p


def aubc(budgets: NDArray[np.floating], dice: NDArray[np.floating]) -> float:
    """Trapezoid area under Dice over budget, the budget axis scaled to 0 … 1: a constant c gives c."""
    x = np.asarray(budgets, float)
    return float(np.trapezoid(dice, (x - x[0]) / (x[-1] - x[0])))


def penalty_matrix(dice: NDArray[np.floating], *, holm: bool = False) -> NDArray[np.float64]:
    """(methods, methods): share of budgets at which the row beats the column significantly.

    dice: (methods, budgets, seeds). A paired t-test on the seeds per budget, α = 0.05, Holm-corrected over all comparisons of a budget on request.
    """
    methods, budgets, _ = dice.shape
    won = np.zeros((methods, methods))
    for budget in range(budgets):
        wins = [(a, b, paired_p(dice[a, budget] - dice[b, budget])) for a in range(methods) for b in range(methods) if a != b]
        limits = _holm([p for *_, p in wins]) if holm else [p < ALPHA for *_, p in wins]
        for (a, b, _), significant in zip(wins, limits):
            if significant and dice[a, budget].mean() > dice[b, budget].mean():
                won[a, b] += 1 / budgets
    return won


def foreground_efficiency(share: NDArray[np.floating], dice: NDArray[np.floating], full: float) -> float:
    """γ of y(x) = full - (full - y₀)·exp(-γ(x - x₀)), fitted by least squares; higher: more Dice per annotated foreground.

    share: annotated share of all foreground voxels; x₀ is the smallest, y₀ the mean Dice there; full: Dice with everything annotated.
    """
    x, y = np.asarray(share, float), np.asarray(dice, float)
    x0 = x.min()
    y0 = float(y[x == x0].mean())

    def loss(log_gamma: float) -> float:
        return float(((full - (full - y0) * np.exp(-np.exp(log_gamma) * (x - x0)) - y) ** 2).sum())

    grid = np.linspace(-6, 12, 181)
    best = grid[int(np.argmin([loss(value) for value in grid]))]
    return float(np.exp(minimize_scalar(loss, bounds=(best - 0.2, best + 0.2), method="bounded", options={"xatol": 1e-10}).x))


def _holm(values: list[float]) -> list[bool]:
    order = np.argsort(values)
    significant = [False] * len(values)
    for place, at in enumerate(order):
        if values[at] >= ALPHA / (len(values) - place):
            break
        significant[int(at)] = True
    return significant

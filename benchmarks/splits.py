"""How even splits are, and how fast, beside scikit-learn's StratifiedGroupKFold on the same groups and labels: `python benchmarks/splits.py`.

Groups of 1 to about 10 samples, 8 classes whose sizes fall off as 1/rank^1.3, 70 % of a group's samples of one class, five folds. Printed per
seed: the largest and the mean deviation of a class's share of a fold from its share of all, in points, and CPU seconds. The last rows add sex and
age group: what scikit-learn is given is the label alone, because it balances one column.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from isocenter.curate.split_assign import assign

SAMPLES, CLASSES, FOLDS = 20_000, 8, 5


def planted(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Group, label and subgroup of every sample."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(SAMPLES), rng.geometric(0.35, SAMPLES))[:SAMPLES].astype(np.int64)
    share = 1 / np.arange(1, CLASSES + 1) ** 1.3
    base = rng.choice(CLASSES, size=group.max() + 1, p=share / share.sum())
    label = np.where(rng.random(SAMPLES) < 0.7, base[group], rng.choice(CLASSES, size=SAMPLES, p=share / share.sum()))
    return group, label, rng.integers(0, 8, group.max() + 1)[group]


def uneven(fold: NDArray[np.int64], label: NDArray[np.int64]) -> tuple[float, float]:
    gaps = [abs((label[fold == one] == kind).mean() - (label == kind).mean()) * 100 for one in range(FOLDS) for kind in np.unique(label)]
    return max(gaps), float(np.mean(gaps))


def theirs(group: NDArray[np.int64], label: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    fold = np.zeros(SAMPLES, np.int64)
    for number, (_, test) in enumerate(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(np.zeros(SAMPLES), label, group)):
        fold[test] = number
    return fold


def ours(group: NDArray[np.int64], traits: list[tuple[str, ...]], seed: int) -> NDArray[np.int64]:
    return np.array([int(name) for name in assign(group, traits, {str(one): 1 / FOLDS for one in range(FOLDS)}, seed)])[group]


def timed(work: Callable[..., NDArray[np.int64]], *inputs: object) -> tuple[NDArray[np.int64], float]:
    start = time.process_time()
    return work(*inputs), time.process_time() - start


def main() -> None:
    print("seed  who                 label max  label mean  subgroup max  CPU s")
    for seed in range(4):
        group, label, subgroup = planted(seed)
        alone, both = [(f"l{one}",) for one in label], [(f"l{one}", f"s{two}") for one, two in zip(label, subgroup)]
        rows = {"scikit-learn": timed(theirs, group, label, seed), "isocenter, label": timed(ours, group, alone, seed), "isocenter, both": timed(ours, group, both, seed)}
        for name, (fold, seconds) in rows.items():
            worst, mean = uneven(fold, label)
            print(f"{seed:4}  {name:18} {worst:10.3f} {mean:11.4f} {uneven(fold, subgroup)[0]:13.3f} {seconds:6.2f}")


if __name__ == "__main__":
    main()

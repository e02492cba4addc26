"""Claims about farthest-first traversal."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.embeddings.kernels.farthest import farthest_first


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clusters(count: int, seed: int, dimension: int = 32) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return unit(rng.standard_normal((40, dimension))[rng.zipf(1.4, count) % 40] + 0.3 * rng.standard_normal((count, dimension)))


def textbook(features: np.ndarray, budget: int, first: int) -> list[int]:
    features = features.astype(np.float64)
    nearest, picks = np.full(len(features), np.inf), [first]
    while len(picks) < budget:
        nearest = np.minimum(nearest, 2 - 2 * (features @ features[picks[-1]]))
        picks.append(int(nearest.argmax()))
    return picks


@pytest.mark.parametrize(("count", "budget"), [(300, 300 - 1), (6_000, 400), (12_000, 900)])
def test_the_picks_are_those_of_the_textbook_loop(count, budget):
    features = clusters(count, seed=count)
    picks, _ = farthest_first(features, budget, first=17)
    assert picks.tolist() == textbook(features, budget, 17)


def test_structureless_data_gives_the_textbook_picks_too():
    features = unit(np.random.default_rng(3).standard_normal((5_000, 256)))
    assert farthest_first(features, 300, first=0)[0].tolist() == textbook(features, 300, 0)


def test_distances_fall_and_equal_the_distance_to_the_earlier_picks():
    features = clusters(4_000, seed=5)
    picks, squared = farthest_first(features, 200, first=3)
    assert (np.diff(squared) <= 1e-6).all()
    chosen = features[picks].astype(np.float64)
    for at in (1, 50, 199):
        assert squared[at] == pytest.approx(((chosen[at] - chosen[:at]) ** 2).sum(1).min(), abs=1e-5)


def test_copies_are_never_picked_twice_and_come_last():
    features = np.repeat(clusters(50, seed=1), 4, axis=0)
    picks, squared = farthest_first(features, 200, first=0)
    assert sorted(picks.tolist()) == list(range(200))
    assert len(set((picks[:50] // 4).tolist())) == 50
    assert squared[50:].max() < 1e-5


def test_half_precision_from_a_memory_map_is_read_in_blocks(tmp_path):
    features = clusters(3_000, seed=9).astype(np.float16)
    np.save(tmp_path / "pool.npy", features)
    mapped = np.load(tmp_path / "pool.npy", mmap_mode="r")
    assert farthest_first(mapped, 50, first=0)[0].tolist() == textbook(features.astype(np.float32), 50, 0)

"""The threshold join finds exactly the pairs that brute force finds, whatever it skips."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.embeddings.api import unit
from isocenter.embeddings.kernels import join as kernel
from isocenter.embeddings.kernels.join import Pairs, components, join


def clustered(count: int, width: int, clusters: int, spread: float, seed: int, twins: int = 50) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = unit(rng.standard_normal((clusters, width)))
    home = rng.choice(clusters, count, p=(w := 1 / np.arange(1, clusters + 1)) / w.sum())
    rows = unit(centres[home] + spread * rng.standard_normal((count, width)) / np.sqrt(width))
    rows[-twins:] = unit(rows[:twins] + 0.1 * rng.standard_normal((twins, width)) / np.sqrt(width))
    return rows


def by_brute_force(rows: np.ndarray, tau: float) -> set[tuple[int, int]]:
    products = np.triu(rows.astype(np.float64) @ rows.T.astype(np.float64) >= tau, 1)
    return set(zip(*(side.tolist() for side in np.nonzero(products))))


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    return set(zip(pairs.left.tolist(), pairs.right.tolist()))


@pytest.fixture(params=["own screens", "one screen"])
def small_blocks(request, monkeypatch):
    """Sizes at which a few hundred rows take every path that a million take."""
    monkeypatch.setattr(kernel, "SMALL", 200)
    monkeypatch.setattr(kernel, "BLOCK", 128)
    monkeypatch.setattr(kernel, "OWN_DIRECTIONS", 8 if request.param == "own screens" else 10**9)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("width", "clusters", "spread", "tau"), [
    (160, 30, 0.8, 0.98),       # cells and screen
    (160, 30, 0.4, 0.85),       # blocks full of pairs
    (64, 30, 0.8, 0.7),         # too narrow for a screen
    (160, 1, 0.3, 0.93),        # one cluster: cells cannot help
    (160, 600, 3.0, 0.3),      # no clusters at all
    (300, 10, 0.02, 0.9995),    # a threshold close to one, among near copies
])
def test_equals_brute_force(width, clusters, spread, tau):
    rows = clustered(600, width, clusters, spread, seed=width + clusters)
    assert as_set(join(rows, tau, device="cpu")) == by_brute_force(rows, tau)


def test_a_single_block_equals_brute_force():
    rows = clustered(700, 33, 5, 0.5, seed=8)
    assert as_set(join(rows, 0.9, device="cpu")) == by_brute_force(rows, 0.9)


def test_copies_are_found_at_a_threshold_of_one_minus_rounding_and_cosines_are_told():
    rows = clustered(300, 48, 10, 0.5, seed=1)
    rows[7] = rows[200]
    pairs = join(rows, 0.999999, device="cpu")
    assert as_set(pairs) == {(7, 200)}
    assert pairs.cosine[0] == pytest.approx(1.0, abs=1e-6)


def test_skips_most_of_the_work_when_the_rows_form_clusters():
    assert join(clustered(5000, 160, 60, 0.6, seed=2), 0.98, device="cpu").work < 0.15


def test_the_number_of_threads_is_as_before():
    import torch

    before = torch.get_num_threads()
    join(clustered(300, 16, 3, 0.5, seed=6), 0.9, device="cpu")
    assert torch.get_num_threads() == before


def test_rows_of_zeros_are_near_nothing():
    rows = clustered(100, 16, 3, 0.5, seed=3, twins=5)
    rows[[4, 9]] = 0
    assert not {4, 9} & {i for pair in as_set(join(rows, 0.5, device="cpu")) for i in pair}


def test_rows_of_other_lengths_are_refused():
    with pytest.raises(BadInput, match="length one"):
        join(np.full((4, 4), 2.0, np.float32), 0.9, device="cpu")


def test_too_many_pairs_are_refused_before_memory_is_gone():
    with pytest.raises(BadInput, match="raise the threshold"):
        join(np.tile(unit(np.ones((1, 8))), (50, 1)), 0.9, device="cpu", most=100)


def test_components_are_numbered_by_first_appearance():
    pairs = Pairs(np.array([0, 2]), np.array([4, 3]), np.ones(2, np.float32))
    assert components(pairs, 5).tolist() == [0, 1, 2, 2, 0]


@pytest.mark.gpu
def test_a_gpu_finds_the_same_pairs():
    rows = clustered(20000, 256, 100, 0.7, seed=4)
    assert as_set(join(rows, 0.95, device="cuda")) == as_set(join(rows, 0.95, device="cpu"))

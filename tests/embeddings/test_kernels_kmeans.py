"""Claims about k-means, trees of clusters and their balanced order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from isocenter.embeddings.kernels.kmeans import divided_kmeans, kmeans, medoids, nearest_centre, settled, water_fill
from isocenter.embeddings.kernels.kmeans_tree import balanced_order, cluster_tree, default_levels


def blobs(sizes: list[int], seed: int, dimension: int = 24, noise: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    rows = rng.standard_normal((len(sizes), dimension))[truth] + noise * rng.standard_normal((len(truth), dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), truth


@pytest.mark.parametrize("cluster", [kmeans, divided_kmeans])
def test_planted_blobs_are_found(cluster):
    rows, truth = blobs([200, 100, 50, 20, 10], seed=1)
    _, assigned = cluster(rows, 5, seed=0, rounds=20)
    assert len({(a, b) for a, b in zip(assigned.tolist(), truth.tolist())}) == 5


def test_a_seed_gives_the_same_clusters_again():
    rows, _ = blobs([300] * 6, seed=2)
    assert (kmeans(rows, 9, seed=4)[1] == kmeans(rows, 9, seed=4)[1]).all()


def test_dividing_first_costs_little_accuracy():
    rows, _ = blobs([60] * 100, seed=3, noise=0.5)
    loss = [float(((rows - centres[assigned]) ** 2).sum()) for centres, assigned in (kmeans(rows, 800, seed=0), divided_kmeans(rows, 800, seed=0))]
    assert loss[1] < 1.1 * loss[0]


def test_more_clusters_than_distinct_rows_is_no_failure():
    rows = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    centres, assigned = kmeans(rows, 6, seed=0)
    assert np.allclose(centres[assigned], rows)


def test_the_nearest_centre_is_that_of_the_full_distance_matrix():
    rows, _ = blobs([50] * 4, seed=5)
    assigned, squared = nearest_centre(rows, rows[:7] * 2)
    full = ((rows[:, None] - 2 * rows[None, :7]) ** 2).sum(2)
    assert (assigned == full.argmin(1)).all()
    assert np.allclose(squared, full.min(1), atol=1e-5)


@pytest.mark.parametrize(("sizes", "target", "taken"), [
    ([10, 10, 10], 9, [3, 3, 3]), ([1, 10, 10], 9, [1, 4, 4]), ([2, 2, 2], 99, [2, 2, 2]), ([1, 2, 100], 50, [1, 2, 47]), ([5], 0, [0]),
])
def test_water_filling_shares_equally_and_spends_everything(sizes, target, taken):
    assert water_fill(np.array(sizes), target).tolist() == taken


def test_a_balanced_order_shares_every_head_over_the_top_clusters():
    rows, truth = blobs([2_000, 300, 100, 60], seed=6)
    tree = cluster_tree(rows, [40, 4], seed=0)
    order = balanced_order(tree, seed=1)
    assert sorted(order.tolist()) == list(range(len(rows)))
    for head in (40, 200):
        assert np.bincount(truth[order[:head]]).tolist() == [head // 4] * 4


def test_a_cluster_has_one_parent():
    rows, _ = blobs([100] * 20, seed=7, noise=0.6)
    tree = cluster_tree(rows, [200, 20, 4], seed=0)
    for child, parent in pairwise(tree):
        assert all(len(set(parent[child == at].tolist())) <= 1 for at in range(child.max() + 1))


def test_levels_follow_the_size_of_the_pool():
    assert default_levels(20_000) == [1000, 100, 10]
    assert default_levels(3) == [1]


def test_cells_settle_around_their_members_and_none_is_empty():
    rows, truth = blobs([300, 40, 40], seed=4)
    cell = settled(rows, np.array([0, 300, 340, 1]), 2)
    assert set(cell.tolist()) == {0, 1, 2, 3}
    assert len(set(truth[medoids(rows, cell)].tolist())) == 3
    copies = np.repeat(rows[[0, 300]], 5, axis=0)
    assert sorted(settled(copies, np.arange(10), 1).tolist()) == list(range(10))

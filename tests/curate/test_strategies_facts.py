"""One fact of its source for each strategy, on planted data."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.core.plugins import PluginTable
from isocenter.curate.api import Picks, Pool
from isocenter.curate.strategies.density import feasible, shares
from isocenter.curate.strategies.typiclust import typicality
from isocenter.embeddings.kernels.cover import ball_cover, kernel_cover
from isocenter.embeddings.kernels.facility import facility_location
from isocenter.embeddings.kernels.free_points import free_points
from isocenter.embeddings.kernels.prototypes import balanced_assignment, curate_stream
from isocenter.embeddings.kernels.redundancy import redundancy

STRATEGIES = PluginTable("strategies", "isocenter.curate.strategies", ("pick", "needs"))


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def planted(sizes: list[int], seed: int = 0, noise: float = 0.3, dimension: int = 32) -> tuple[Pool, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(len(sizes)), sizes)
    rows = unit(rng.standard_normal((len(sizes), dimension))[label] + noise * rng.standard_normal((len(label), dimension)))
    return Pool(tuple(map(str, range(len(label)))), rows), label


def run(name: str, pool: Pool, budget: int, seed: int = 0) -> Picks:
    return STRATEGIES.get(name).pick(pool, budget, seed=seed)


def test_k_center_opens_every_cluster_before_it_returns_to_one():
    pool, label = planted([500, 100, 20, 5, 2])
    assert len(set(label[run("k-center", pool, 5).indices])) == 5


def test_spread_stands_for_the_crowd_by_the_middle_of_its_largest_cells():
    pool, label = planted([300, 60, 12])
    far, middle = np.split(run("spread", pool, 6).indices, 2)
    assert sorted(label[far].tolist()) == [0, 1, 2]
    assert label[middle[0]] == 0
    centre = pool.features[label == 0].mean(0)
    rank = np.argsort(-(pool.features[label == 0] @ centre)).tolist().index(middle[0])
    assert rank <= 0.3 * 300


def test_spread_reaches_with_half_of_its_budget_as_k_center_does():
    pool, _ = planted([300, 60, 12], noise=0.8)
    picks = run("spread", pool, 40)
    assert len(set(picks.indices.tolist())) == 40
    assert picks.indices[:20].tolist() == run("k-center", pool, 20).indices.tolist()
    assert picks.gains[20:].tolist() == sorted(picks.gains[20:], reverse=True)
    assert picks.gains[20:].sum() < 1


def test_spread_reaches_on_the_first_side_and_cuts_cells_on_the_last():
    plain, _ = planted([100, 100, 5])
    drawn, _ = planted([205], seed=1)
    pool = Pool(plain.ids, np.hstack([plain.features, 3 * drawn.features]), sides=(plain.features.shape[1], drawn.features.shape[1]))
    picks = run("spread", pool, 20).indices
    assert picks[:10].tolist() == run("k-center", plain, 10).indices.tolist()
    assert picks[10:].tolist() != run("spread", plain, 20).indices[10:].tolist()


def test_facility_location_reaches_the_greedy_objective_of_the_dense_kernel():
    pool, _ = planted([200, 150, 100, 50], noise=0.8)
    cosines = np.maximum(pool.features @ pool.features.T, 0)
    covered, dense = np.zeros(len(pool)), []
    for _ in range(40):
        dense.append(int(np.maximum(cosines - covered, 0).sum(1).argmax()))
        covered = np.maximum(covered, cosines[dense[-1]])
    picks, gains = facility_location(pool.features, 40, k=80)
    assert cosines[picks].max(0).sum() >= 0.995 * covered.sum()
    assert (np.diff(gains) <= 1e-4).all()


def test_hierarchical_kmeans_gives_rare_clusters_more_than_their_share():
    pool, label = planted([2000, 400, 80, 40], noise=0.2)
    counts = np.bincount(label[run("hierarchical-kmeans", pool, 80).indices], minlength=4)
    assert counts[2] + counts[3] >= 5 * 80 * 120 / 2520


def test_semdedup_leaves_exact_copies_for_last():
    pool, _ = planted([100, 100])
    copies = Pool(tuple(map(str, range(260))), np.vstack([pool.features, pool.features[:60]]))
    assert len(set((run("semdedup", copies, 200).indices % 200).tolist())) == 200
    assert (redundancy(copies.features, seed=0) > 0.999).sum() == 60


def test_d4_drops_what_is_typical():
    pool, label = planted([400, 400], noise=0.5)
    chosen = run("d4", pool, 100).indices
    centres = np.stack([pool.features[label == one].mean(0) for one in (0, 1)])
    distance = np.linalg.norm(pool.features - centres[label], axis=1)
    assert distance[chosen].mean() > np.quantile(distance, 0.7)


def test_density_solves_its_quadratic_programme():
    rng = np.random.default_rng(1)
    wanted, least, most = rng.random(12) * 30, np.full(12, 4.0), rng.integers(6, 30, 12)
    found = feasible(wanted, least, most, 120.0)
    minimize = pytest.importorskip("scipy.optimize").minimize
    peer = minimize(lambda x: ((x - wanted) ** 2).sum(), np.full(12, 10.0), bounds=list(zip(least, most)), constraints={"type": "eq", "fun": lambda x: x.sum() - 120})
    assert found.sum() == pytest.approx(120)
    assert found == pytest.approx(peer.x, abs=1e-3)


def test_density_gives_complex_clusters_the_larger_share():
    share = shares(np.eye(3, dtype=np.float32), np.array([0.2, 0.4, 0.8]))
    assert share.tolist() == sorted(share.tolist())
    assert share.sum() == pytest.approx(1)
    assert share[2] / share[0] == pytest.approx(np.exp((0.8 - 0.2) / 0.5))


def test_typiclust_covers_every_cluster_with_its_typical_sample_at_the_smallest_budget():
    pool, label = planted([60] * 8)
    picks = run("typiclust", pool, 8).indices
    assert len(set(label[picks])) == 8
    values = typicality(pool.features[label == label[picks[0]]])
    assert values[picks[0] - np.flatnonzero(label == label[picks[0]])[0]] == pytest.approx(values.max())


def test_probcover_takes_balls_that_do_not_overlap_before_it_covers_twice():
    pool, label = planted([50, 30, 10], noise=0.1)
    picks, gains = ball_cover(pool.features, 4, cosine=0.7, seed=0)
    assert label[picks[:3]].tolist() == [0, 1, 2]
    assert gains.tolist() == [50, 30, 10, 0]


def test_probcover_sees_every_row_whatever_the_pool_size():
    pool, label = planted([1500, 620], noise=0.05)
    assert label[ball_cover(pool.features, 2, cosine=0.6, seed=0)[0]].tolist() == [0, 1]


def test_maxherding_is_greedy_on_the_mean_of_the_largest_kernel_value():
    pool, _ = planted([40, 30, 20], noise=0.5)
    kernel = np.exp((pool.features @ pool.features.T - 1) / np.float32(0.3))
    covered, expected = np.zeros(len(pool)), []
    for _ in range(10):
        expected.append(int(np.maximum(kernel - covered, 0).mean(1).argmax()))
        covered = np.maximum(covered, kernel[expected[-1]])
    picks, gains = kernel_cover(pool.features, 10, variance=0.3)
    assert picks[:8].tolist() == expected[:8]
    assert gains.sum() == pytest.approx(covered.mean(), rel=1e-4)


def test_prototype_meets_its_target_and_doubles_the_tail():
    weight = 1 / np.arange(1, 61) ** 1.2
    pool, label = planted((24_000 * weight / weight.sum()).astype(int).tolist(), noise=0.6, dimension=64)
    budget = round(0.224 * len(pool))
    for name in ("prototype", "prototype-global"):
        picks = run(name, pool, budget).indices
        assert len(set(picks.tolist())) == budget
        assert (label[picks] >= 30).mean() >= 2 * (label >= 30).mean()


def test_the_stream_of_prototypes_spends_its_target_evenly():
    pool, _ = planted([900, 540], noise=0.5)
    kept, _ = curate_stream(pool.features, 324, seed=3)
    order = np.random.default_rng(3).permutation(len(pool))
    place = np.argsort(order)[kept]
    assert np.bincount(place // 480, minlength=3).tolist() == [108, 108, 108]


def test_sinkhorn_balances_prototypes_that_similarity_alone_would_not():
    similarity = np.column_stack([np.linspace(0.5, 0.9, 40), np.full(40, 0.4)])
    assert (similarity.argmax(1) == 0).all()
    assert np.bincount(balanced_assignment(similarity)).tolist() == pytest.approx([20, 20], abs=4)


def test_activeft_moves_its_points_apart_and_keeps_them_on_the_sphere():
    pool, _ = planted([120, 60, 30], noise=0.4)
    start = pool.features[np.sort(np.random.default_rng(0).permutation(210)[:6])]
    moved = free_points(pool.features, 6, seed=0, rounds=100)
    crowding = [np.exp((points @ points.T)[~np.eye(6, dtype=bool)] / 0.07).mean() for points in (start, moved)]
    assert crowding[1] < crowding[0]
    assert np.linalg.norm(moved, axis=1) == pytest.approx(np.ones(6), abs=1e-5)


def predicted(values: object) -> Pool:
    rows = np.array(values, float)
    return Pool(tuple(map(str, range(len(rows)))), unit(np.ones((len(rows), 2))), {"predictions": rows})


def test_entropy_is_log_c_for_a_uniform_prediction():
    picks = run("entropy", predicted([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]]), 3)
    assert picks.indices.tolist() == [1, 2, 0]
    assert picks.gains == pytest.approx([np.log(3), np.log(2), 0])


def test_margin_and_entropy_disagree_where_they_should():
    pool = predicted([[0.5, 0.5, 0.0], [0.4, 0.3, 0.3]])
    assert run("margin", pool, 1).indices.tolist() == [0]
    assert run("entropy", pool, 1).indices.tolist() == [1]


def test_bald_is_zero_for_identical_members_and_highest_where_sure_members_disagree():
    pool = predicted([[[0.5, 0.5], [0.5, 0.5]], [[1, 0], [0, 1]], [[0.9, 0.1], [0.9, 0.1]]])
    picks = run("bald", pool, 3)
    assert picks.indices[0] == 1
    assert picks.gains == pytest.approx([np.log(2), 0, 0], abs=1e-12)
    with pytest.raises(BadInput, match="one prediction"):
        run("bald", predicted([[0.5, 0.5]]), 1)


def test_badge_measures_distances_of_gradients_it_never_writes_out():
    rng = np.random.default_rng(5)
    probabilities, features = rng.dirichlet(np.ones(3), 30), unit(rng.standard_normal((30, 4)))
    picks = run("badge", Pool(tuple(map(str, range(30))), features, {"predictions": probabilities}), 6)
    error = probabilities - np.eye(3)[probabilities.argmax(1)]
    gradient = (error[:, :, None] * features[:, None, :]).reshape(30, -1)
    for place in (1, 5):
        apart = np.linalg.norm(gradient[picks.indices[:place]] - gradient[picks.indices[place]], axis=1).min()
        assert picks.gains[place] == pytest.approx(apart, abs=1e-6)


def test_predictions_that_are_no_probabilities_are_refused():
    with pytest.raises(BadInput, match="sum to 1"):
        run("entropy", predicted([[3.0, 4.0]]), 1)


def test_a_score_that_training_measured_decides_and_missing_ones_come_last():
    pool = Pool(("a", "b", "c", "d"), None, {"score": np.array(["0.1", "None", "5", "2"], object)})
    assert run("score", pool, 4).indices.tolist() == [2, 3, 0, 1]


def test_foreground_random_hits_foreground_more_often_than_random():
    pool = Pool(tuple(map(str, range(1000))), None, {"foreground": (np.arange(1000) < 50).astype(float)})
    assert run("foreground-random", pool, 90).gains.mean() >= 0.33
    assert (run("random", pool, 90).indices < 50).mean() < 0.15


def test_foreground_random_hits_it_more_often_where_it_is_common_too():
    pool = Pool(tuple(map(str, range(3000))), None, {"foreground": (np.arange(3000) < 1500).astype(float)})
    assert run("foreground-random", pool, 900).gains.mean() == pytest.approx(1 / 3 + 2 / 3 / 2, abs=0.04)


def test_foreground_random_draws_patches_in_proportion_to_what_they_show():
    share = np.where(np.arange(4000) < 2000, 0.3, 0.1)
    picks = run("foreground-random", Pool(tuple(map(str, range(4000))), None, {"foreground": share}), 300).indices[::3]
    assert np.mean(picks < 2000) == pytest.approx(0.75, abs=0.09)


def test_stratified_gives_each_stratum_the_same():
    pool = Pool(tuple(map(str, range(100))), None, {"stratum": np.array(["a"] * 80 + ["b"] * 15 + ["c"] * 5, object)})
    assert np.bincount(np.searchsorted([80, 95], run("stratified", pool, 15).indices, side="right")).tolist() == [5, 5, 5]

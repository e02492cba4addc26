"""Claims about strategies for patches: uncertainty on hand-made probability maps, boxes that never overlap, and one fact of its source for each."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.curate.api import Pool
from isocenter.curate.patches import apart, class_entropies, means, mutual_information, power_noise, predictive_entropy
from isocenter.curate.strategies import clasp_pe, kmeans_bald, power_bald, power_entropy, softrank_bald
from isocenter.harmonize.part import Part

RNG = np.random.default_rng(0)


def members(*per_member: list[float]) -> np.ndarray:
    return np.broadcast_to(np.array(per_member)[:, :, None, None, None], (len(per_member), len(per_member[0]), 4, 4, 4))


def test_a_uniform_prediction_has_entropy_log_c_everywhere():
    assert predictive_entropy(members([0.25] * 4)) == pytest.approx(np.full((4, 4, 4), np.log(4)))


def test_identical_folds_have_no_mutual_information_and_sure_opposites_log_two():
    assert np.abs(mutual_information(members([0.7, 0.3], [0.7, 0.3]))).max() < 1e-12
    assert mutual_information(members([1.0, 0.0], [0.0, 1.0])) == pytest.approx(np.full((4, 4, 4), np.log(2)))


def test_class_entropies_sum_to_the_entropy():
    maps = RNG.dirichlet(np.ones(3), (2, 5, 5, 5)).transpose(0, 4, 1, 2, 3)
    assert class_entropies(maps).sum(0) == pytest.approx(predictive_entropy(maps))


def test_the_score_of_a_patch_is_the_mean_of_the_map_in_its_box():
    values = RNG.random((9, 8, 7))
    assert means(values, [Part("s", (2, 5, 1), (5, 7, 5))]) == pytest.approx([values[2:5, 5:7, 1:5].mean()])


def test_power_noise_samples_in_proportion_to_the_score():
    score = np.array([1.0, 3.0])
    wins = np.mean([power_noise(score, 1.0, np.random.default_rng(seed)).argmax() for seed in range(4000)])
    assert wins == pytest.approx(0.75, abs=0.03)
    assert all(power_noise(score, 100.0, np.random.default_rng(seed)).argmax() == 1 for seed in range(200))


def pool(count: int = 300, beta: float = 1.0, **columns: np.ndarray) -> Pool:
    """Patches of six images that overlap here and there."""
    starts = np.random.default_rng(2).integers(0, 40, (count, 3))
    parts = np.random.default_rng(3).random((count, 4)) * [1.0, 0.5, 0.01, 0.001]
    known = {"entropy": parts.sum(1), "class_entropy": parts, "beta": np.full(count, beta), "bald": parts[:, 1],
             "image": np.array([f"case{at % 6}" for at in range(count)], object), "box": np.hstack([starts, starts + 8])}
    rows = np.random.default_rng(4).standard_normal((count, 8))
    return Pool(tuple(map(str, range(count))), (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), known | columns)


def lone(count: int, **columns: np.ndarray) -> Pool:
    """Patches each of an image of its own, so that none overlap."""
    return pool(count, image=np.array([f"case{at}" for at in range(count)], object), **columns)


@pytest.mark.parametrize("strategy", [clasp_pe, power_entropy, power_bald, softrank_bald, kmeans_bald])
def test_patches_picked_of_one_image_do_not_overlap(strategy):
    made = pool()
    picks = strategy.pick(made, 40, seed=1).indices.tolist()
    assert apart(picks, made)[1] == []


def test_boxes_that_only_touch_do_not_overlap():
    made = pool(3, image=np.array(["a", "a", "b"], object), box=np.array([[0, 0, 0, 8, 8, 8], [8, 0, 0, 16, 8, 8], [0, 0, 0, 8, 8, 8]]))
    assert apart([0, 1, 2], made) == ([0, 1, 2], [])
    made = pool(2, image=np.array(["a", "a"], object), box=np.array([[0, 0, 0, 8, 8, 8], [7, 7, 7, 15, 15, 15]]))
    assert apart([1, 0], made) == ([1], [0])


def test_clasp_pe_gives_every_foreground_class_its_share_however_small_its_entropy():
    made = pool(beta=100.0)
    picks = clasp_pe.pick(made, 30, seed=0).indices
    for one in (1, 2, 3):
        best = set(np.argsort(-made.columns["class_entropy"][:, one])[:30].tolist())
        assert len(best & set(picks.tolist())) >= 4, "6 of 30 are its own; a few fall to overlaps"


def test_clasp_pe_draws_freely_in_the_first_round_and_takes_the_best_in_the_last():
    taken = [clasp_pe.pick(lone(300, beta=np.full(300, beta)), 30, seed=0).gains.mean() for beta in (1.0, 100.0)]
    assert taken[0] < taken[1]


def test_power_bald_draws_in_proportion_to_the_mutual_information():
    made = lone(200, bald=np.where(np.arange(200) < 100, 0.3, 0.1))
    first = [power_bald.pick(made, 1, seed=seed).indices[0] < 100 for seed in range(400)]
    assert np.mean(first) == pytest.approx(0.75, abs=0.06)


def test_softrank_bald_draws_rank_r_first_with_a_chance_of_one_over_r_whatever_the_scores():
    harmonic = sum(1 / rank for rank in range(1, 11))
    for score in (np.linspace(1, 0.1, 40), np.exp(-np.arange(40.0))):
        made = lone(40, bald=score)
        first = np.bincount([softrank_bald.pick(made, 5, seed=seed).indices[0] for seed in range(1500)], minlength=40)
        assert first[0] / 1500 == pytest.approx(1 / harmonic, abs=0.04)
        assert first[1] / 1500 == pytest.approx(0.5 / harmonic, abs=0.04)
        assert first[10:].sum() == 0, "candidates are twice the budget"


def test_kmeans_bald_takes_one_of_each_kind_where_plain_ranking_takes_one_kind_over_and_over():
    kinds = np.eye(8, dtype=np.float32)[np.repeat(np.arange(8), [100, 5, 5, 5, 5, 5, 5, 5])]
    rows = kinds + 0.05 * np.random.default_rng(0).standard_normal(kinds.shape).astype(np.float32)
    bald = np.where(np.arange(135) < 100, 0.9, 0.5) + 1e-3 * np.arange(135)[::-1]
    made = lone(135, bald=bald)
    made = Pool(made.ids, rows / np.linalg.norm(rows, axis=1, keepdims=True), made.columns)
    picks = kmeans_bald.pick(made, 14, seed=0).indices
    assert set(rows[picks].argmax(1).tolist()) == set(range(8))
    assert set(rows[np.argsort(-bald)[:14]].argmax(1).tolist()) == {0}
    assert picks[0] == 0, "the best of the best cluster comes first"


def test_a_patch_without_a_score_is_named_with_what_to_type():
    made = lone(5, bald=np.array([0.1, None, None, 0.2, 0.3], object))
    with pytest.raises(BadInput, match="2 of 5 patches have no bald"):
        softrank_bald.pick(made, 2, seed=0)

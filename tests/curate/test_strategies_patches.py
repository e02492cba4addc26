"""Claims about patches of volumes: uncertainty on hand-made probability maps, boxes that never overlap, and ClaSP PE."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.curate.api import Pool
from isocenter.curate.patches import (
    apart,
    best_patches,
    box_means,
    class_entropies,
    mutual_information,
    power_noise,
    predictive_entropy,
)
from isocenter.curate.strategies import clasp_pe, power_entropy

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


def test_box_means_are_the_means_of_the_boxes():
    values = RNG.random((9, 8, 7))
    means = box_means(values, (3, 2, 4))
    assert means.shape == (7, 7, 4)
    assert means[2, 5, 1] == pytest.approx(values[2:5, 5:7, 1:5].mean())


def test_greedy_patches_never_overlap_and_the_best_comes_first():
    scores = RNG.random((20, 20, 20))
    corners, values = best_patches(scores, (6, 6, 6), 12, taken=np.array([[0, 0, 0]]))
    every = [*corners, np.zeros(3, int)]
    assert all((np.abs(a - b) >= 6).any() for at, a in enumerate(every) for b in every[:at])
    assert (np.diff(values) <= 0).all()


def test_power_noise_samples_in_proportion_to_the_score():
    score = np.array([1.0, 3.0])
    wins = np.mean([power_noise(score, 1.0, np.random.default_rng(seed)).argmax() for seed in range(4000)])
    assert wins == pytest.approx(0.75, abs=0.03)
    assert all(power_noise(score, 100.0, np.random.default_rng(seed)).argmax() == 1 for seed in range(200))


def pool(count: int = 300) -> Pool:
    starts = np.random.default_rng(2).integers(0, 40, (count, 3))
    parts = np.random.default_rng(3).random((count, 4)) * [1.0, 0.5, 0.01, 0.001]
    columns = {"entropy": parts.sum(1), "class_entropy": parts, "image": np.array([f"case{at % 6}" for at in range(count)], object), "box": np.hstack([starts, starts + 8])}
    return Pool(tuple(map(str, range(count))), columns=columns)


@pytest.mark.parametrize("strategy", [clasp_pe, power_entropy])
def test_patches_picked_of_one_image_do_not_overlap(strategy):
    made = pool()
    picks = strategy.pick(made, 40, seed=1).indices.tolist()
    assert apart(picks, made.columns["image"].tolist(), made.columns["box"])[1] == []


def test_clasp_pe_gives_every_foreground_class_its_share_however_small_its_entropy():
    made = pool()
    picks = clasp_pe.pick_in_round(made, 30, seed=0, round_=9, rounds=10).indices
    for one in (1, 2, 3):
        best = set(np.argsort(-made.columns["class_entropy"][:, one])[:30].tolist())
        assert len(best & set(picks.tolist())) >= 4, "6 of 30 are its own; a few fall to overlaps"

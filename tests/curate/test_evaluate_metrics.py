"""Claims about the figures of classifiers, choices and sets of features."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.core.errors import BadInput
from isocenter.curate import metrics
from isocenter.curate.metrics_active import aubc, foreground_efficiency, penalty_matrix
from isocenter.curate.metrics_distance import cmmd, frd, frechet, gaussian_frechet, kid, out_of_distribution
from isocenter.curate.metrics_equity import equity_scaled, parity_difference, size_correlation

peers = pytest.importorskip("sklearn.metrics")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("ties", [False, True])
def test_auroc_and_auprc_are_those_of_scikit_learn(ties):
    truth = RNG.random(700) < 0.2
    score = truth * 0.4 + RNG.random(700)
    score = np.round(score, 1) if ties else score
    assert metrics.auroc(truth, score) == pytest.approx(peers.roc_auc_score(truth, score), abs=1e-12)
    assert metrics.auprc(truth, score) == pytest.approx(peers.average_precision_score(truth, score), abs=1e-12)


def test_one_against_rest_is_the_macro_average_of_scikit_learn():
    truth, score = RNG.integers(0, 4, 300), RNG.dirichlet(np.ones(4), 300)
    assert metrics.one_against_rest(truth, score) == pytest.approx(peers.roc_auc_score(truth, score, multi_class="ovr"), abs=1e-12)


def test_recall_over_all_classes_is_balanced_accuracy():
    truth, predicted = RNG.integers(0, 5, 200), RNG.integers(0, 5, 200)
    assert metrics.recall_of(truth, predicted, np.arange(5)) == pytest.approx(peers.balanced_accuracy_score(truth, predicted))


def test_the_tail_is_the_rarer_half_and_the_top_the_largest_class():
    labels = np.repeat([0, 1, 2, 3], [50, 30, 5, 2])
    assert sorted(metrics.tail_classes(labels, 4).tolist()) == [2, 3]
    assert metrics.top_share(labels) == pytest.approx(50 / 87)


def test_the_frechet_distance_has_the_closed_form_of_gaussians():
    a, b = np.diag([1.0, 4.0]), np.diag([9.0, 1.0])
    expected = 25.0 + (1 - 3) ** 2 + (2 - 1) ** 2
    assert gaussian_frechet(np.zeros(2), a, np.array([3.0, 4.0]), b) == pytest.approx(expected)
    rows = [RNG.standard_normal((200_000, 2)) * scale + shift for scale, shift in (((1, 2), 0), ((3, 1), (3, 4)))]
    assert frechet(*rows) == pytest.approx(expected, rel=0.01)


def test_correlated_gaussians_agree_with_a_matrix_square_root():
    sqrtm = pytest.importorskip("scipy.linalg").sqrtm
    a, b = (np.cov(RNG.standard_normal((6, 40)) @ RNG.standard_normal((40, 40))) for _ in range(2))
    expected = np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert gaussian_frechet(np.zeros(6), a, np.zeros(6), b) == pytest.approx(expected, rel=1e-6)


def test_frd_v1_scales_by_the_reference_and_reports_both_logarithms():
    reference, other = RNG.standard_normal((4_000, 3)) * [1, 10, 100] + 5, RNG.standard_normal((4_000, 3)) * [1, 10, 100] + [7, 5, 5]
    found = frd(reference, other)
    assert found.squared == pytest.approx(4.0, rel=0.1), "a shift of two deviations of the reference in one column"
    assert found.log_squared == pytest.approx(np.log(found.squared))
    assert found.log_distance == pytest.approx(found.log_squared / 2)
    assert found.leading[0] == 0


def test_frd_v0_scales_both_sets_together_and_is_symmetric():
    a, b = RNG.standard_normal((300, 4)), RNG.standard_normal((200, 4)) + 1
    assert frd(a, b, version="v0").squared == pytest.approx(frd(b, a, version="v0").squared)
    assert frd(a, b).squared != pytest.approx(frd(b, a).squared, rel=1e-3)


def test_frd_of_a_set_with_itself_is_minus_infinity_and_useless_columns_are_dropped():
    rows = RNG.standard_normal((50, 4))
    rows[:, 1], rows[3, 2] = 7.0, np.nan
    found = frd(rows, rows)
    assert found.log_squared == -np.inf
    assert found.dropped == (1, 2)
    with pytest.raises(BadInput, match="no feature"):
        frd(np.ones((5, 2)), np.ones((5, 2)))


def test_kernel_distances_are_near_zero_for_one_distribution_and_grow_with_a_shift():
    rows = [RNG.standard_normal((600, 16)) for _ in range(2)]
    for distance in (kid, cmmd):
        steps = [distance(rows[0], rows[1] + shift) for shift in (0.0, 0.5, 1.5)]
        assert abs(steps[0]) < steps[1] < steps[2]


def test_rows_far_from_the_reference_are_out_and_nfrd_reaches_one():
    reference = RNG.standard_normal((500, 8))
    far = out_of_distribution(reference, reference[:100] + 30)
    assert far.out.all()
    assert far.nfrd == pytest.approx(1.0)
    same = out_of_distribution(reference, RNG.standard_normal((500, 8)))
    assert same.out.mean() == pytest.approx(0.05, abs=0.05)
    assert same.nfrd < 0.2


def test_equity_scaling_follows_fairseg():
    assert equity_scaled(0.8, {"a": 0.9, "b": 0.7}) == pytest.approx(0.8 / 1.2)
    assert equity_scaled(0.8, {"a": 0.9, "b": 0.7}, by="deviation") == pytest.approx(0.8 / 1.1)
    group = np.array(["F", "F", "M", "M"], object)
    assert parity_difference(np.array([True, True, True, False]), group, "F", "M") == pytest.approx(0.5)
    assert size_correlation({"a": 1, "b": 2, "c": 3}, {"a": 0.1, "b": 0.2, "c": 0.3}) == pytest.approx(1.0)


def test_the_area_under_a_constant_budget_curve_is_the_constant():
    assert aubc(np.array([20, 40, 100]), np.full(3, 0.1)) == pytest.approx(0.1)


def test_a_planted_foreground_efficiency_is_recovered():
    share = np.linspace(0.01, 0.4, 9)
    dice = 0.9 - (0.9 - 0.3) * np.exp(-12.5 * (share - 0.01))
    assert foreground_efficiency(share, dice, 0.9) == pytest.approx(12.5, rel=1e-4)


def test_a_method_that_always_wins_gets_every_budget_of_the_penalty_matrix():
    dice = RNG.normal(0.5, 0.01, (2, 4, 5))
    dice[1] += 0.2
    for holm in (False, True):
        won = penalty_matrix(dice, holm=holm)
        assert won[1, 0] == pytest.approx(1.0)
        assert won[0, 1] == 0

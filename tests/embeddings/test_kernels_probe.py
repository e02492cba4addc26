"""Claims about the linear probe and the neighbour vote."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.embeddings.kernels.probe import linear_probe, neighbour_vote

linear_model = pytest.importorskip("sklearn.linear_model")
datasets = pytest.importorskip("sklearn.datasets")


def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(rows))
    rows, labels = rows[order], labels[order]
    return rows[:300], labels[:300], rows[300:], labels[300:]


def test_the_probe_is_the_logistic_regression_of_scikit_learn():
    train, labels, test, _ = digits()
    mean, spread = train.mean(0), train.std(0)
    spread[spread == 0] = 1
    peer = linear_model.LogisticRegression(C=1.0, max_iter=2000, tol=1e-8).fit((train - mean) / spread, labels)
    expected = peer.predict_proba((test - mean) / spread)
    assert np.abs(linear_probe(train, labels, test, 10, rounds=1000) - expected).max() < 2e-3


def test_a_class_that_was_never_chosen_is_never_predicted():
    train, labels, test, _ = digits()
    keep = labels != 3
    assert linear_probe(train[keep], labels[keep], test, 10)[:, 3].max() == 0
    assert linear_probe(train[labels == 3], labels[labels == 3], test, 10).argmax(1).tolist() == [3] * len(test)


def test_neighbours_of_a_training_row_vote_for_its_class():
    train, labels, test, truth = digits()
    assert (neighbour_vote(train, labels, train, 10, k=1).argmax(1) == labels).all()
    assert (neighbour_vote(train, labels, test, 10, k=5).argmax(1) == truth).mean() > 0.9

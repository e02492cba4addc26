"""Claims about FRD beside its own library, on the same table of features; skipped where `frd-score` is not installed."""

from __future__ import annotations

import numpy as np
import pytest

from isocenter.curate.metrics_distance import frd, out_of_distribution

peer = pytest.importorskip("frd_score.frd", reason="frd-score is not installed")


def features() -> tuple[np.ndarray, np.ndarray]:
    """Two sets of 12 quantities in scales of their own, of which some depend on each other; the second is shifted and wider."""
    rng = np.random.default_rng(4)
    mix, scale = rng.standard_normal((12, 12)), 10.0 ** rng.integers(-3, 4, 12)
    return (rng.standard_normal((240, 12)) @ mix) * scale, (1.4 * rng.standard_normal((180, 12)) @ mix + 0.7) * scale


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(peer.calculate_frechet_distance(first.mean(0), np.cov(first, rowvar=False), second.mean(0), np.cov(second, rowvar=False)))


def test_v1_is_that_of_the_library_in_both_logarithms():
    first, second = features()
    scaled = [peer.z_score_normalize(one, base_distribution=first, handle_std_zero=False) for one in (first, second)]
    found = frd(first, second)
    assert found.log_squared == pytest.approx(np.log(distance(*scaled)), rel=1e-6)
    assert found.log_distance == pytest.approx(np.log(np.sqrt(distance(*scaled))), rel=1e-6)


def test_v0_is_that_of_the_library():
    first, second = features()
    both = np.vstack([first, second])
    scaled = [peer.min_max_normalize(one, 0, 7.457, base_distribution=both) for one in (first, second)]
    assert frd(first, second, version="v0").squared == pytest.approx(distance(*scaled), rel=1e-6)


def test_scores_threshold_and_nfrd_are_those_of_the_library(tmp_path):
    first, second = features()
    scaled = [peer.z_score_normalize(one, base_distribution=first) for one in (first, second)]
    theirs = peer.detect_ood(scaled, detection_type="image", output_dir=str(tmp_path))
    ours = out_of_distribution(first, second)
    assert ours.scores == pytest.approx(theirs["scores"])
    assert ours.threshold == pytest.approx(theirs["threshold"], rel=1e-4)
    assert ours.out.tolist() == theirs["predictions"].tolist()
    assert ours.nfrd == pytest.approx(peer.detect_ood(scaled, detection_type="dataset")["nfrd"])

"""Claims about the judgement of encoders by retrieval."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from isocenter.core.errors import BadInput
from isocenter.curate.retrieval import Gallery, judge, patient_disjoint, per_query, with_baselines


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    kind = np.repeat([0, 1, 2], 40)
    rows = rng.standard_normal((3, 16))[kind] + 0.4 * rng.standard_normal((120, 16))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), np.eye(3, dtype=bool)[kind], [f"p{at // 2}" for at in range(120)]


def value(table: pl.DataFrame, figure: str, **where: str) -> float:
    return float(table.filter(figure=figure, group=where.pop("group", "all"), **where)["mean"][0])


def test_no_patient_is_on_both_sides():
    _, _, patients = planted()
    sides = patient_disjoint(patients, share=0.25, seed=3)
    assert not {patients[at] for at in sides.gallery} & {patients[at] for at in sides.queries}
    assert 0.2 <= len(sides.queries) / 120 <= 0.3
    with pytest.raises(BadInput, match="one patient"):
        patient_disjoint(["a", "a"])


def test_the_figures_of_one_ranking_are_those_of_the_textbook():
    relevant = np.array([[False, True, True, False, True]])
    found = per_query(relevant, relevant.astype(float), (1, 5))
    assert found["R@1"][0] == 0
    assert found["R@5"][0] == 1
    assert found["P@5"][0] == pytest.approx(0.6)
    assert found["mAP@5"][0] == pytest.approx((1 / 2 + 2 / 3 + 3 / 5) / 3)
    ideal = 1 + 1 / np.log2(3) + 1 / 2
    assert found["NDCG@5"][0] == pytest.approx((1 / np.log2(3) + 1 / 2 + 1 / np.log2(6)) / ideal)


def test_ndcg_is_that_of_scikit_learn():
    ndcg = pytest.importorskip("sklearn.metrics").ndcg_score
    rng = np.random.default_rng(1)
    gain, score = rng.random((6, 30)), rng.random((6, 30))
    ranked = np.take_along_axis(gain, np.argsort(-score, axis=1), 1)
    assert per_query(ranked > 0.5, ranked, (10,))["NDCG@10"].mean() == pytest.approx(ndcg(gain, score, k=10))


def test_a_good_encoder_beats_random_vectors_and_the_interval_holds_its_mean():
    rows, labels, patients = planted()
    table = with_baselines(rows, np.random.default_rng(5).random((120, 9)), labels, patient_disjoint(patients))
    assert value(table, "R@1", features="encoder") > 0.95
    assert 0.1 < value(table, "P@10", features="random") < 0.6
    assert value(table, "kNN-AUC 10", features="encoder") > 0.95
    assert table.filter((pl.col("low") > pl.col("mean") + 1e-9) | (pl.col("mean") > pl.col("high") + 1e-9)).is_empty()


def test_groups_are_judged_on_their_own_queries_against_the_whole_gallery():
    rows, labels, patients = planted()
    sex = [("F",) if at % 3 else ("M",) for at in range(120)]
    sides = patient_disjoint(patients)
    table = judge(rows, labels, sides, groups=sex)
    assert table.filter(figure="R@1", group="F")["queries"][0] == sum("F" in sex[at] for at in sides.queries)


def test_labels_of_many_count_as_relevant_when_one_is_shared():
    rows = np.eye(4)
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]], bool)
    table = judge(rows, labels, Gallery(np.array([1, 2, 3]), np.array([0])), ks=(3,))
    assert value(table, "P@3") == pytest.approx(2 / 3)
    with pytest.raises(BadInput, match="no query"):
        judge(rows, labels, Gallery(np.array([2]), np.array([1])))


def test_every_figure_of_every_group_is_that_of_loops_written_out():
    """Query by query and neighbour by neighbour, with the classes and groups of no order; the area under the curve by scikit-learn."""
    auc = pytest.importorskip("sklearn.metrics").roc_auc_score
    rng = np.random.default_rng(11)
    rows, labels = rng.standard_normal((90, 7)), rng.random((90, 5)) < 0.3
    rows[:, :5] += 1.5 * labels
    labels[~labels.any(1), 0] = True
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    groups = [("north",) if at % 3 else ("south", "old") for at in range(90)]
    sides = Gallery(np.arange(60), np.arange(60, 90))
    table = judge(rows, labels, sides, groups=groups)
    for group in ("all", "north", "south", "old"):
        asked = [at for at in range(60, 90) if group == "all" or group in groups[at]]
        for k in (1, 5, 10):
            recall, precision, average, gains = [], [], [], []
            for query in asked:
                ranked = sorted(range(60), key=lambda one: -float(rows[query] @ rows[one]))
                jaccard = [(labels[query] & labels[one]).sum() / (labels[query] | labels[one]).sum() for one in ranked]
                if not any(jaccard):
                    continue
                hits = [value > 0 for value in jaccard]
                recall.append(float(any(hits[:k])))
                precision.append(sum(hits[:k]) / k)
                average.append(sum(sum(hits[:place + 1]) / (place + 1) for place in range(k) if hits[place]) / min(k, sum(hits)))
                best = sum(value / np.log2(place + 2) for place, value in enumerate(sorted(jaccard, reverse=True)[:k]))
                gains.append(sum(value / np.log2(place + 2) for place, value in enumerate(jaccard[:k])) / best)
            for figure, values in (("R", recall), ("P", precision), ("mAP", average), ("NDCG", gains)):
                assert value(table, f"{figure}@{k}", group=group) == pytest.approx(np.mean(values)), (group, figure, k)
        for k in (10, 20, 50):
            votes = np.array([labels[sorted(range(60), key=lambda one: -float(rows[query] @ rows[one]))[:k]].mean(0) for query in asked])
            areas = [auc(labels[asked][:, term], votes[:, term]) for term in range(5) if 0 < labels[asked][:, term].sum() < len(asked)]
            assert value(table, f"kNN-AUC {k}", group=group) == pytest.approx(np.mean(areas)), (group, k)


def test_the_interval_of_a_mean_is_about_two_standard_errors_to_either_side():
    rows, labels, patients = planted(4)
    table = judge(rows + np.random.default_rng(0).standard_normal(rows.shape) * 0.4, labels, patient_disjoint(patients, share=0.5))
    row = table.filter(figure="R@1", group="all").to_dicts()[0]
    error = (row["mean"] * (1 - row["mean"]) / row["queries"]) ** 0.5
    assert (row["high"] - row["low"]) / 2 == pytest.approx(1.96 * error, rel=0.2)

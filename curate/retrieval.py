"""Judge an encoder by retrieval: features, labels and patients go in; how often a query finds its like, with intervals and baselines, comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate.metrics import auroc

KS = (1, 5, 10)
VOTES = (10, 20, 50)
RESAMPLED = 1_000


@dataclass(frozen=True, slots=True)
class Gallery:
    """What is searched and what is asked, no patient on both sides; positions into one table of samples."""

    gallery: NDArray[np.int64]
    queries: NDArray[np.int64]


def patient_disjoint(patients: Sequence[str | None], *, share: float = 0.2, seed: int = 0) -> Gallery:
    """About this share of the samples as queries, whole patients; a sample without a patient is a patient of its own."""
    names = np.array([patient if patient else f"\0{at}" for at, patient in enumerate(patients)], object)
    distinct = np.random.default_rng(seed).permutation(sorted(set(names)))
    sizes = {name: int(np.count_nonzero(names == name)) for name in distinct}
    asked: set[str] = set()
    for name in distinct:
        if sum(sizes[one] for one in asked) >= share * len(names):
            break
        asked.add(name)
    query = np.array([name in asked for name in names], bool)
    if query.all() or not query.any():
        raise BadInput("one patient only: gallery and queries cannot be kept apart", hint="retrieval needs two patients or more")
    return Gallery(np.flatnonzero(~query), np.flatnonzero(query))


def judge(features: NDArray[np.floating], labels: NDArray[np.bool_], sides: Gallery, *, groups: Sequence[str] | None = None, ks: Sequence[int] = KS,
          seed: int = 0) -> pl.DataFrame:
    """One row per group (first `all`) and figure: mean over the queries and its 95 % bootstrap interval.

    features: (n, d) unit rows. labels: (n, classes), one or more each; a gallery sample is relevant if it shares a label with the query, and its
    gain for NDCG is the Jaccard index of the two label sets. R@k: a relevant one among the k nearest; P@k: their share; mAP@k: precision at
    each relevant one, averaged over min(k, relevant); kNN-AUC: AUROC of the share of k neighbours with a label, averaged over the labels.
    Queries without a relevant sample in the gallery are left out. Source: the protocol of MedImageInsight and M3Ret.
    """
    cosine = features[sides.queries] @ features[sides.gallery].T
    order = np.argsort(-cosine, axis=1, kind="stable")
    shared, gain = _relevance(labels[sides.queries], labels[sides.gallery])
    answerable = shared.any(1)
    if not answerable.any():
        raise BadInput("no query has a relevant sample in the gallery", hint="more samples a class, or a smaller share of queries")
    figures = per_query(np.take_along_axis(shared, order, 1), np.take_along_axis(gain, order, 1), ks)
    rng = np.random.default_rng(seed)
    kinds = ["all", *sorted(set(groups))] if groups is not None else ["all"]
    rows = []
    for kind in kinds:
        inside = answerable & (np.array([kind in ("all", groups[at] if groups is not None else "all") for at in sides.queries]))
        if not inside.any():
            continue
        rows += [{"group": kind, "figure": name, "queries": int(inside.sum()), **_interval(values[inside], rng)} for name, values in figures.items()]
        for k in (k for k in VOTES if k <= len(sides.gallery)):
            share = labels[sides.gallery][order[inside, :k]].mean(1)
            rows.append({"group": kind, "figure": f"kNN-AUC {k}", "queries": int(inside.sum()), **_auc_interval(labels[sides.queries][inside], share, rng)})
    return pl.DataFrame(rows)


def per_query(relevant: NDArray[np.bool_], gain: NDArray[np.floating], ks: Sequence[int]) -> dict[str, NDArray[np.float64]]:
    """Figures of every query from its ranked gallery, (queries, gallery) each."""
    found: dict[str, NDArray[np.float64]] = {}
    for k in (k for k in ks if k <= relevant.shape[1]):
        head, place = relevant[:, :k], np.arange(1, k + 1)
        precision = np.cumsum(head, 1) / place
        discount = 1 / np.log2(place + 1)
        best = (-np.sort(-gain, axis=1)[:, :k] * discount).sum(1)
        found |= {f"R@{k}": head.any(1).astype(float), f"P@{k}": head.mean(1),
                  f"mAP@{k}": (precision * head).sum(1) / np.maximum(1, np.minimum(k, relevant.sum(1))),
                  f"NDCG@{k}": (gain[:, :k] * discount).sum(1) / np.where(best > 0, best, 1)}
    return found


def with_baselines(features: NDArray[np.floating], pixels: NDArray[np.floating], labels: NDArray[np.bool_], sides: Gallery, *,
                   groups: Sequence[str] | None = None, seed: int = 0) -> pl.DataFrame:
    """`judge` of the encoder beside raw pixels and random vectors, in a column `features`."""
    rng = np.random.default_rng(seed)
    rows = {"encoder": features, "raw pixels": pixels, "random": rng.standard_normal((len(features), 64))}
    unit = {name: value / np.maximum(np.linalg.norm(value, axis=1, keepdims=True), 1e-12) for name, value in rows.items()}
    return pl.concat([judge(value, labels, sides, groups=groups, seed=seed).with_columns(pl.lit(name).alias("features")) for name, value in unit.items()])


def _relevance(asked: NDArray[np.bool_], there: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    both = asked.astype(float) @ there.astype(float).T
    either = asked.sum(1)[:, None] + there.sum(1)[None] - both
    return both > 0, both / np.maximum(either, 1)


def _interval(values: NDArray[np.float64], rng: np.random.Generator) -> dict[str, float]:
    means = values[rng.integers(0, len(values), (RESAMPLED, len(values)))].mean(1)
    return {"mean": float(values.mean()), "low": float(np.quantile(means, 0.025)), "high": float(np.quantile(means, 0.975))}


def _auc_interval(truth: NDArray[np.bool_], share: NDArray[np.floating], rng: np.random.Generator) -> dict[str, float]:
    draws = [_mean_auc(truth[at], share[at]) for at in (rng.integers(0, len(truth), len(truth)) for _ in range(RESAMPLED // 10))]
    low, high = np.nanquantile(draws, [0.025, 0.975]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return {"mean": _mean_auc(truth, share), "low": float(low), "high": float(high)}


def _mean_auc(truth: NDArray[np.bool_], share: NDArray[np.floating]) -> float:
    values = [auroc(truth[:, one], share[:, one]) for one in range(truth.shape[1]) if truth[:, one].any() and not truth[:, one].all()]
    return float(np.mean(values)) if values else float("nan")

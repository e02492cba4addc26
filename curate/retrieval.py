"""Judge an encoder by retrieval: features, labels and patients go in; how often a query finds its like, with intervals and baselines, comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.errors import BadInput
from isocenter.curate.metrics import auroc

KS = (1, 5, 10)
VOTES = (10, 20, 50)
RESAMPLED = 1_000
CELLS = 4_000_000           # query × gallery cells that are ranked at once


@dataclass(frozen=True, slots=True)
class Gallery:
    """What is searched and what is asked, no patient on both sides; positions into one table of samples."""

    gallery: NDArray[np.int64]
    queries: NDArray[np.int64]


def patient_disjoint(patients: Sequence[str | None], *, share: float = 0.2, seed: int = 0) -> Gallery:
    """About this share of the samples as queries, whole patients; a sample without a patient is a patient of its own."""
    names = [patient if patient else f"\0{at}" for at, patient in enumerate(patients)]
    sizes = Counter(names)
    asked: set[str] = set()
    number = 0
    for name in np.random.default_rng(seed).permutation(np.array(sorted(sizes), object)):
        if number >= share * len(names):
            break
        asked.add(name)
        number += sizes[name]
    query = np.array([name in asked for name in names], bool)
    if query.all() or not query.any():
        raise BadInput("one patient only: gallery and queries cannot be kept apart", hint="retrieval needs two patients or more")
    return Gallery(np.flatnonzero(~query), np.flatnonzero(query))


def judge(features: NDArray[np.floating], labels: NDArray[np.bool_], sides: Gallery, *, groups: Sequence[Collection[str]] | None = None,
          ks: Sequence[int] = KS, seed: int = 0) -> pl.DataFrame:
    """One row per group (first `all`) and figure: mean over the queries and its 95 % bootstrap interval.

    groups: the groups that every sample belongs to; a group's queries search the whole gallery. features: (n, d) unit rows. labels: (n, classes), one or more each; a gallery sample is relevant if it shares a label with the query, and its
    gain for NDCG is the Jaccard index of the two label sets. R@k: a relevant one among the k nearest; P@k: their share; mAP@k: precision at
    each relevant one, averaged over min(k, relevant); kNN-AUC: AUROC of the share of k neighbours with a label, averaged over the labels.
    Queries without a relevant sample in the gallery are left out. Source: the protocol of MedImageInsight and M3Ret.
    """
    answers = [_ask(features, labels, sides, block, ks) for block in _blocks(len(sides.queries), len(sides.gallery))]
    answerable = np.concatenate([answer.answerable for answer in answers])
    if not answerable.any():
        raise BadInput("no query has a relevant sample in the gallery", hint="more samples a class, or a smaller share of queries")
    figures = {name: np.concatenate([answer.figures[name] for answer in answers]) for name in answers[0].figures}
    nearest = np.concatenate([answer.nearest for answer in answers])
    rng, asked = np.random.default_rng(seed), [groups[at] if groups is not None else () for at in sides.queries]
    rows = []
    for kind in ["all", *sorted({one for found in asked for one in found})]:
        inside = answerable & np.array([kind == "all" or kind in found for found in asked])
        if not inside.any():
            continue
        rows += [{"group": kind, "figure": name, "queries": int(inside.sum()), **_interval(values[inside], rng)} for name, values in figures.items()]
        for k in (k for k in VOTES if k <= len(sides.gallery)):
            share = labels[sides.gallery][nearest[inside, :k]].mean(1)
            rows.append({"group": kind, "figure": f"kNN-AUC {k}", "queries": int(inside.sum()), **_auc_interval(labels[sides.queries][inside], share, rng)})
    return pl.DataFrame(rows)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a block of queries found: figures per query, whether a relevant sample exists, and the nearest gallery positions."""

    figures: dict[str, NDArray[np.float64]]
    answerable: NDArray[np.bool_]
    nearest: NDArray[np.int64]


def _blocks(queries: int, gallery: int) -> list[slice]:
    size = max(1, CELLS // max(1, gallery))
    return [slice(start, start + size) for start in range(0, queries, size)]


def _ask(features: NDArray[np.floating], labels: NDArray[np.bool_], sides: Gallery, block: slice, ks: Sequence[int]) -> _Answer:
    queries = sides.queries[block]
    order = np.argsort(-(features[queries] @ features[sides.gallery].T), axis=1, kind="stable")
    shared, gain = _relevance(labels[queries], labels[sides.gallery])
    figures = per_query(np.take_along_axis(shared, order, 1), np.take_along_axis(gain, order, 1), ks)
    return _Answer(figures, np.asarray(shared.any(1)), order[:, :max(VOTES)])


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
                   groups: Sequence[Collection[str]] | None = None, seed: int = 0) -> pl.DataFrame:
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
    means = np.array([values[rng.integers(0, len(values), len(values))].mean() for _ in range(RESAMPLED)])
    return {"mean": float(values.mean()), "low": float(np.quantile(means, 0.025)), "high": float(np.quantile(means, 0.975))}


def _auc_interval(truth: NDArray[np.bool_], share: NDArray[np.floating], rng: np.random.Generator) -> dict[str, float]:
    draws = [_mean_auc(truth[at], share[at]) for at in (rng.integers(0, len(truth), len(truth)) for _ in range(RESAMPLED // 10))]
    low, high = np.nanquantile(draws, [0.025, 0.975]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return {"mean": _mean_auc(truth, share), "low": float(low), "high": float(high)}


def _mean_auc(truth: NDArray[np.bool_], share: NDArray[np.floating]) -> float:
    values = [auroc(truth[:, one], share[:, one]) for one in range(truth.shape[1]) if truth[:, one].any() and not truth[:, one].all()]
    return float(np.mean(values)) if values else float("nan")

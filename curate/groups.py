"""Pairs and groups of samples that show one picture: their tables, and how pairs become groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from isocenter.core.tables import Kind

Verdict = Literal["same", "unsettled", "different"]
IDENTITY = '{"kind": "identity"}'

PAIRS = Kind("pairs", 1, pa.schema([
    ("a", pa.string()), ("b", pa.string()), ("net", pa.string()), ("transform", pa.string()), ("score", pa.float64()), ("verdict", pa.string()),
]))
"""a, b: sample ids, a before b in the cohort. net: file, pixel, or the name of a dearer net. transform: JSON, from a to b."""

GROUPS = Kind("groups", 1, pa.schema([
    ("group", pa.string()), ("sample_id", pa.string()), ("dataset", pa.string()), ("uri", pa.string()), ("keeper", pa.bool_()), ("evidence", pa.string()),
]))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two samples that a net brought together, and what is thought of them."""

    a: str
    b: str
    net: str
    score: float
    verdict: Verdict
    transform: str = IDENTITY


def pair_rows(pairs: Iterable[Pair]) -> list[dict[str, object]]:
    """Pairs as table rows, sorted."""
    return sorted((asdict(pair) for pair in pairs), key=lambda row: (row["a"], row["b"], row["net"]))


def components(size: int, edges: Iterable[tuple[int, int]]) -> np.ndarray:
    """Component number of each of `size` nodes under undirected edges; numbers follow the first node of each component."""
    ends = np.array(list(edges), dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[labels]


def star_pairs(table: pl.DataFrame, column: str, net: str) -> list[Pair]:
    """Pairs (first, other) of rows with equal values in a column; nulls equal nothing."""
    known = table.filter(pl.col(column).is_not_null()).with_columns(pl.col("sample_id").first().over(column).alias("first"))
    others = known.filter(pl.col("first") != pl.col("sample_id"))
    return [Pair(a, b, net, 1.0, "same") for a, b in others.select("first", "sample_id").iter_rows()]

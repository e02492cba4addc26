"""Measure search: judged queries (recall@10, MRR, P@10), latency, whole-process time, and the queries on which a peer finds nothing.

    python benchmarks/search.py [--queries FILE] [--peer TABLE.json] [--synthetic 50000] [--process]

The judged queries are `search_queries.csv` beside this file: query, and the slugs that a researcher would want. `--peer` names a copy of
the Imaging-X table (`datasets.json`); without it the peer's counts are those that were measured once and are quoted here.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from isocenter.registry.catalog import packaged
from isocenter.registry.search.engine import Engine, make_engine, open_catalog
from isocenter.registry.search.entries import Catalog, read
from isocenter.registry.search.options import wishes

HERE = Path(__file__).parent
TOP = 10
# facet and value as typed; what the peer's own search script answered (its table at commit ec70f7b), what its table holds
PEER_FAILURES = (
    ("task", "localization", 0, "18 cells with Loc"), ("task", "tracking", 5, "19 cells with Trk, Track or Tracking"), ("task", "regression", 0, "48 cells with Reg"),
    ("task", "registration", 69, "every cell with Reg, regression too"), ("modality", "optical coherence tomography", 0, "30 cells with OCT"),
    ("modality", "mra", 0, "none called so"), ("modality", "spect", 1, "NM apart: 4"), ("modality", "x-ray", 63, "without 7 CR, 5 DX, 6 MG"),
    ("modality", "pet", 66, "without 5 PT"), ("modality", "mammography", 4, "MG apart: 2"), ("modality", "oct", 28, "30 cells with OCT"),
    ("anatomy", "cardiac", 0, "heart: 26"), ("anatomy", "hepatic", 0, "liver: 24"), ("anatomy", "eye", 3, "112 in the eye group"), ("anatomy", "thorax", 5, "148 in the thorax group"),
)
PEER_COLUMNS = {"task": "task", "modality": "modality", "anatomy": "structure"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--catalog", type=Path, default=None)
    parser.add_argument("--queries", type=Path, default=HERE / "search_queries.csv")
    parser.add_argument("--peer", type=Path, default=None, help="datasets.json of Imaging-X")
    parser.add_argument("--synthetic", type=int, default=0, help="also time a synthetic catalog of so many datasets")
    parser.add_argument("--process", action="store_true", help="also time the whole command")
    options = parser.parse_args()
    path = options.catalog or packaged()
    with options.queries.open(encoding="utf-8", newline="") as stream:
        queries = list(csv.DictReader(stream))
    engine = open_catalog(path)
    judge(engine, queries)
    latency(engine, [row["query"] for row in queries], f"{len(engine.catalog.entries):,} datasets")
    failures(engine, json.loads(options.peer.read_text(encoding="utf-8")) if options.peer else None)
    if options.synthetic:
        large = make_engine(synthetic(read(path), options.synthetic))
        latency(large, [row["query"] for row in queries], f"{options.synthetic:,} synthetic datasets")
    if options.process:
        process()


def judge(engine: Engine, queries: list[dict[str, str]]) -> None:
    """Print recall@10 (capped at 10), MRR and P@10, in all and by kind, and the queries that fall short."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for row in queries:
        relevant = set(row["relevant"].split())
        found = [hit.entry.slug in relevant for hit in engine.search(row["query"], limit=TOP).hits]
        scores = (sum(found) / min(TOP, len(relevant)), next((1 / rank for rank, good in enumerate(found, 1) if good), 0.0), sum(found) / TOP)
        rows.setdefault(row["kind"], []).append(scores)
        rows.setdefault("all", []).append(scores)
        if scores[0] < 0.7 or scores[1] < 1:
            print(f"  short: {row['query']!r} recall {scores[0]:.2f}, first at rank {1 / scores[1]:.0f}" if scores[1] else f"  missed: {row['query']!r}")
    print(f"{'kind':<12} {'queries':>7} {'recall@10':>9} {'MRR':>6} {'P@10':>6}")
    for kind, scores_ in sorted(rows.items(), key=lambda pair: pair[0] == "all"):
        print(f"{kind:<12} {len(scores_):>7} " + " ".join(f"{statistics.mean(column):>{width}.3f}" for column, width in zip(zip(*scores_), (9, 6, 6))))


def latency(engine: Engine, queries: list[str], what: str) -> None:
    """Print median and p95 of the first run of every query."""
    spent = []
    for query in queries:
        start = time.perf_counter()
        engine.search(query, limit=TOP)
        spent.append((time.perf_counter() - start) * 1000)
    print(f"latency, {what}: median {statistics.median(spent):.1f} ms, p95 {statistics.quantiles(spent, n=20)[-1]:.1f} ms")


def failures(engine: Engine, peer: list[dict[str, object]] | None) -> None:
    """Print, for the queries on which the peer fails, its count and ours."""
    print("peer: rows its own script answers" if peer is None else "peer: rows of the given table by its rule, without its synonym keys")
    print(f"{'facet':<9} {'query':<29} {'peer':>5} {'ours':>5}  the peer's table")
    for facet, value, quoted, holds in PEER_FAILURES:
        ours = engine.search("", wishes(engine.catalog.vocabulary, {facet: [value]}), limit=1).total
        theirs = quoted if peer is None else peer_count(peer, PEER_COLUMNS[facet], value)
        print(f"{facet:<9} {value:<29} {theirs:>5} {ours:>5}  {holds}")
    named = engine.search("BraTS2021", limit=1).hits
    print(f"{'name':<9} {'BraTS2021':<29} {'none':>5} {named[0].entry.slug if named else 'none'}")


def peer_count(table: list[dict[str, object]], column: str, value: str) -> int:
    """Rows whose raw cell holds the value at a word boundary, or anywhere if it has six characters (the peer's rule without its synonyms)."""
    pattern = re.compile(re.escape(value) if len(value) >= 6 else rf"(?<![a-z0-9]){re.escape(value)}(?![a-z0-9])")
    return sum(bool(pattern.search(str(row[column]).lower())) for row in table)


def synthetic(catalog: Catalog, size: int) -> Catalog:
    """A catalog of so many datasets: copies of the real ones under made-up names, with other years and sizes."""
    chance = random.Random(0)
    entries = []
    for number in range(size):
        entry = catalog.entries[number % len(catalog.entries)]
        name = f"{entry.name} {''.join(chance.choices('bcdfgklmnprst', k=2))}{number}"
        entries.append(replace(entry, slug=f"{entry.slug}-{number}", name=name, aliases=(), year=chance.randint(2005, 2025), n_samples=chance.randint(10, 100_000)))
    return Catalog(tuple(entries), catalog.vocabulary, f"synthetic-{size}")


def process(runs: int = 5) -> None:
    """Print the time of the whole command, the first run (which may prepare the catalog) and the median of the next."""
    spent = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "from isocenter.cli.main import main; main(['search', 'brain mri glioma segmentation', '--json'])"], check=True, capture_output=True)
        spent.append(time.perf_counter() - start)
    print(f"whole process: first {spent[0]:.2f} s, then median {statistics.median(spent[1:]):.2f} s")


if __name__ == "__main__":
    main()

"""Prove many candidate pairs in worker processes: hypotheses go in, the best evidence per pair comes out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from isocenter.curate.duplicates.picture import Candidate, Evidence
from isocenter.curate.duplicates.prepare import Prepared, load_prepared
from isocenter.curate.duplicates.proof import prove
from isocenter.curate.duplicates.workers import Pool

PAIRS = 96                         # per job; pairs come sorted, so that a job reads few pictures
CACHED = 128


def prove_all(pairs: Sequence[list[Candidate]], folder: Path, pool: Pool) -> list[Evidence | None]:
    """The evidence of the best hypothesis of every pair, in order; None where nothing aligns the two."""
    jobs = [(pairs[start:start + PAIRS], folder) for start in range(0, len(pairs), PAIRS)]
    return list(pool.each(_prove_chunk, jobs, "compare pairs closely", len(pairs)))


def _prove_chunk(job: tuple[Sequence[list[Candidate]], Path]) -> list[Evidence | None]:
    pairs, folder = job
    return [_prove_pair(hypotheses, str(folder)) for hypotheses in pairs]


def _prove_pair(hypotheses: list[Candidate], folder: str) -> Evidence | None:
    a, b = _prepared(folder, hypotheses[0].a), _prepared(folder, hypotheses[0].b)
    found = [evidence for c in hypotheses if (evidence := prove(a, b, c.variant, c.turn))]
    return max(found, key=lambda e: (e.detail_middle > 0, e.fine * max(e.coarse, 0.01)), default=None)


@lru_cache(CACHED)
def _prepared(folder: str, position: int) -> Prepared:
    return load_prepared(Path(folder) / f"{position}.npz")

"""Cast the nets: facts and features of all pictures go in, candidate pairs come out, each dearer net adding what cheaper ones missed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates.picture import Candidate, Net, Picture
from isocenter.curate.duplicates.prepare import Facts
from isocenter.curate.duplicates.workers import Pool
from isocenter.embeddings.local_features import VARIANTS, Variant
from isocenter.embeddings.local_features_vlad import (
    POINTS,
    Projection,
    Vocabulary,
    aggregate,
    learn_projection,
    learn_words,
    project,
)

THUMBNAILS_NEAREST = 6
THUMBNAIL_COSINE = 0.9            # below it a thumbnail says nothing
LOCAL_NEAREST: dict[Variant, int] = {"same": 6, "mirror": 3, "invert": 2, "mirror-invert": 2}
LOCAL_COSINE = 0.06
SAMPLE = 4_000                    # pictures from which words and projection are learnt
ROWS = 2_048                      # rows per block of a comparison of all with all


def equal(pictures: Sequence[Picture], facts: Sequence[Facts]) -> list[Candidate]:
    """Neighbouring members of every set of equal files or equal pixels (a chain, not all pairs, so that a thousand copies give 999)."""
    found = _chain([picture.file_hash for picture in pictures], Net.FILE)
    done = {(c.a, c.b) for c in found}
    pixels = [None if fact.error else fact.pixel_hash for fact in facts]
    return found + [c for c in _chain(pixels, Net.PIXELS) if (c.a, c.b) not in done]


def thumbnails(facts: Sequence[Facts], positions: NDArray[np.int64]) -> list[Candidate]:
    """The nearest thumbnails of each picture under 4 turns, mirroring and inversion."""
    if len(positions) < 2:
        return []
    stack = np.stack([facts[i].thumbnail for i in positions])
    base = stack.reshape(len(stack), -1)
    best = _Best(len(stack), THUMBNAILS_NEAREST)
    for turn in range(4):
        for mirror in (False, True):
            shown = np.rot90(stack[:, :, ::-1] if mirror else stack, turn, axes=(1, 2)).reshape(len(stack), -1)
            for sign in (1, -1):
                variant: Variant = VARIANTS[int(mirror) + 2 * (sign < 0)]
                best.offer(sign * shown, base, (variant, turn), THUMBNAILS_NEAREST, THUMBNAIL_COSINE)
    return [Candidate(int(positions[i]), int(positions[j]), Net.THUMBNAIL, variant, turn) for i, j, (variant, turn) in best.pairs()]


def local(folder: Path, positions: NDArray[np.int64], pool: Pool, *, seed: int) -> list[Candidate]:
    """The nearest pictures by aggregated local features, also mirrored and inverted."""
    if len(positions) < 2:
        return []
    rng = np.random.default_rng(seed)
    sample = rng.choice(positions, min(SAMPLE, len(positions)), replace=False)
    paths = {int(i): folder / f"{i}.npz" for i in positions}
    descriptors = [_descriptors(paths[int(i)]) for i in sample]
    pooled = np.concatenate([d[rng.permutation(len(d))[:60]] for d in descriptors])
    if len(pooled) < 128:
        return []
    vocabulary = learn_words(pooled[rng.permutation(len(pooled))[:40_000]], seed=seed)
    projection = learn_projection(np.stack([aggregate(d, vocabulary) for d in descriptors]), len(positions))
    vectors = _vectors([paths[int(i)] for i in positions], vocabulary, projection, pool)
    best = _Best(len(positions), sum(LOCAL_NEAREST.values()))
    base = vectors["same"].astype(np.float32)
    for variant, rows in vectors.items():
        best.offer(rows.astype(np.float32), base, (variant, 0), LOCAL_NEAREST[variant], LOCAL_COSINE)
    return [Candidate(int(positions[i]), int(positions[j]), Net.LOCAL, variant) for i, j, (variant, _) in best.pairs()]


def merge(*nets: Iterable[Candidate]) -> list[list[Candidate]]:
    """Hypotheses grouped by pair (a < b), cheapest net first, pairs in order."""
    grouped: dict[tuple[int, int], dict[tuple[Variant, int | None], Candidate]] = {}
    for candidate in (c for net in nets for c in net):
        grouped.setdefault((candidate.a, candidate.b), {}).setdefault((candidate.variant, candidate.turn), candidate)
    return [_without_repeats(list(grouped[pair].values())) for pair in sorted(grouped)]


def _without_repeats(found: list[Candidate]) -> list[Candidate]:
    """A local-feature hypothesis adds nothing where a thumbnail proposed the same variant."""
    known = {c.variant for c in found if c.net is Net.THUMBNAIL}
    return [c for c in found if c.net is Net.THUMBNAIL or c.variant not in known]


class _Best:
    """The k nearest others of every row, over several ways of showing the rows."""

    def __init__(self, count: int, k: int) -> None:
        self.found: list[dict[int, tuple[float, tuple[Variant, int]]]] = [{} for _ in range(count)]
        self.k = k

    def offer(self, rows: NDArray[np.float32], base: NDArray[np.float32], how: tuple[Variant, int], k: int, least: float) -> None:
        k = min(k, len(base) - 1)
        for start in range(0, len(rows) if k > 0 else 0, ROWS):
            block = rows[start:start + ROWS] @ base.T
            own = np.arange(len(block))
            block[own, own + start] = -2.0
            nearest = np.argpartition(-block, k - 1, axis=1)[:, :k]
            values = np.take_along_axis(block, nearest, axis=1)
            for r, c in zip(*np.nonzero(values >= least)):
                row, other, value = start + int(r), int(nearest[r, c]), float(values[r, c])
                if value > self.found[row].get(other, (-1.0,))[0]:
                    self.found[row][other] = (value, how)

    def pairs(self) -> list[tuple[int, int, tuple[Variant, int]]]:
        """Unordered pairs, each with the best way it was seen; every variant and turn is its own inverse up to the turn's sign."""
        kept: dict[tuple[int, int], tuple[float, tuple[Variant, int]]] = {}
        for row, others in enumerate(self.found):
            for other, (value, (variant, turn)) in sorted(others.items(), key=lambda item: -item[1][0])[:self.k]:
                back = turn if "mirror" in variant else -turn % 4
                pair, how = ((row, other), (variant, turn)) if row < other else ((other, row), (variant, back))
                if value > kept.get(pair, (-1.0,))[0]:
                    kept[pair] = (value, how)
        return [(a, b, how) for (a, b), (_, how) in sorted(kept.items())]


def _chain(keys: Sequence[str | None], net: Net) -> list[Candidate]:
    last: dict[str, int] = {}
    found = []
    for i, key in enumerate(keys):
        if key:
            if key in last:
                found.append(Candidate(last[key], i, net))
            last[key] = i
    return found


def _descriptors(path: Path) -> NDArray[np.uint8]:
    with np.load(path) as stored:
        return np.asarray(stored["descriptors"][:POINTS])


def _vectors(paths: list[Path], vocabulary: Vocabulary, projection: Projection, pool: Pool) -> dict[Variant, NDArray[np.float16]]:
    step = 64
    jobs = [(paths[start:start + step], vocabulary, projection) for start in range(0, len(paths), step)]
    blocks = list(pool.map(_vectors_chunk, jobs, "describe pictures by local features, in blocks"))
    return {variant: np.concatenate([block[v] for block in blocks]) for v, variant in enumerate(VARIANTS)}


def _vectors_chunk(job: tuple[list[Path], Vocabulary, Projection]) -> list[NDArray[np.float16]]:
    paths, vocabulary, projection = job
    descriptors = [_descriptors(path) for path in paths]
    return [project(np.stack([aggregate(d, vocabulary, variant) for d in descriptors]), projection).astype(np.float16) for variant in VARIANTS]

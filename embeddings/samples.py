"""Embed the samples of a cohort, and find the samples that are most like a file: the meeting of vectors and sample tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import NotFound, Unreadable, UsageError
from isocenter.core.runs import ledger
from isocenter.core.workspace import Workspace
from isocenter.embeddings.api import Encoder, Vectors, key, open_encoder, vectors
from isocenter.embeddings.decode import Decoded, Item, decode
from isocenter.embeddings.index import Index, IndexKind, within
from isocenter.embeddings.pipeline import BATCH, embed
from isocenter.embeddings.shards import EmbeddingSet
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.decode import Decoder, decode_sample
from isocenter.harmonize.image import recognize
from isocenter.harmonize.part import Part, parse_part
from isocenter.harmonize.readers.raster import formats as PICTURES

COLUMNS = ["file_hash", "format", "error"]


@dataclass(frozen=True, slots=True)
class CohortVectors:
    """What `embed_cohort` did. key: the folder of the vectors; errors: sample id to reason."""

    key: str
    encoded: int
    reused: int
    errors: dict[str, str] = field(default_factory=dict)


def embed_cohort(workspace: Workspace, cohort: Cohort, spec: str = "thumbnail", *, device: str = "auto", batch: int = BATCH,
                 workers: int | None = None, retry: bool = False, dry_run: bool = False) -> CohortVectors:
    """Bring the vectors of a cohort's samples up to date; samples that have them are not encoded again.

    spec: see `open_encoder`. Files that cannot be read have no vector and are named in `errors`.
    """
    encoder = open_encoder(spec, device, workspace.plugins)
    wanted = cohort.table["sample_id"].to_list()
    missing = set(wanted) - _ids_there(workspace, cohort, key(encoder))
    if dry_run:
        return CohortVectors(key(encoder), len(missing), len(wanted) - len(missing))
    with ledger(workspace, "embed", alone=retry or bool(missing), cohort=cohort.name, encoder=key(encoder), device=device) as run:
        run.inputs |= {cohort.name: cohort.fingerprint or ""}
        done = update_vectors(workspace, cohort, encoder, batch=batch, workers=workers, retry=retry)
        run.counts |= {"samples": len(cohort), "encoded": done.encoded, "reused": done.reused, "errors": len(done.errors)}
    return done


def update_vectors(workspace: Workspace, cohort: Cohort, encoder: Encoder, *, batch: int = BATCH, workers: int | None = None,
                   retry: bool = False) -> CohortVectors:
    """`embed_cohort` for an opened encoder, as a step of another command: no ledger entry of its own."""
    table, encoded, reused = cohort.samples(workspace, COLUMNS), 0, 0
    for dataset in table["dataset"].unique().sort():
        part = table.filter(pl.col("dataset") == dataset)
        done = embed(_items(workspace, dataset, part), encoder, workspace.embeddings(key(encoder), dataset), total=part.height,
                     batch=batch, workers=workers, retry=retry)
        encoded, reused = encoded + done.encoded, reused + done.reused
    wanted = set(table["sample_id"].to_list())
    found = cohort_vectors(workspace, cohort, key(encoder)).errors() if wanted else {}
    return CohortVectors(key(encoder), encoded, reused, {sample: reason for sample, reason in found.items() if sample in wanted})


def cohort_views(workspace: Workspace, cohort: Cohort, encoder: Encoder, *, workers: int | None = None) -> Iterator[Decoded]:
    """The prepared views of a cohort's samples, not encoded and not kept: for whoever changes pictures before they are encoded."""
    table = cohort.samples(workspace, COLUMNS)
    for dataset in table["dataset"].unique().sort():
        yield from decode(_items(workspace, dataset, table.filter(pl.col("dataset") == dataset)), encoder.transform, workers)


def cohort_vectors(workspace: Workspace, cohort: Cohort, name: str) -> EmbeddingSet:
    """The vectors called `name` (a key) for the datasets of a cohort. Raises NotFound when there are none."""
    return EmbeddingSet.open(workspace.root / "embeddings" / name, cohort.table["dataset"].unique().to_list())


@dataclass(frozen=True, slots=True)
class Similar:
    """One sample like the file asked for."""

    sample_id: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Samples most alike first; kind and recall_at_10 of the index that found them (None: exact)."""

    key: str
    samples: int
    kind: str
    recall_at_10: float | None
    found: tuple[Similar, ...]


def similar(workspace: Workspace, file: Path, cohort: Cohort | None = None, spec: str = "thumbnail", *, k: int = 10, above: float | None = None,
            kind: IndexKind | str = "auto", device: str = "auto") -> Answer:
    """The k samples nearest to a file, or all with a cosine of at least `above` (exact), among a cohort or all that was embedded.

    Raises NotFound when nothing was embedded with that encoder, Unreadable when the file is no image.
    """
    encoder = open_encoder(spec, device, workspace.plugins)
    if not encoder.card.unit:
        raise UsageError(f"{encoder.card.name} describes by named quantities; its rows have no direction to compare a single file with",
                         hint="--with thumbnail, random-conv or a transformers model")
    name = key(encoder)
    format_ = recognize(file)
    pixels, axes = _load(partial(decode_sample, (file,), format_ or ""), format_)
    query = vectors(encoder, [pixels], axes)
    folder = workspace.root / "embeddings" / name
    stored = EmbeddingSet.open(folder, [path.name for path in folder.glob("*") if path.is_dir()]) if cohort is None else cohort_vectors(workspace, cohort, name)
    if above is not None or cohort is not None:
        ids, rows = stored.read(None if cohort is None else cohort.table["sample_id"].to_list())
        return _answer(name, ids, "flat", None, _near(rows, query, k, above))
    index = current_index(workspace, encoder, stored, kind, device)
    cosine, place = index.search(query, k)
    hits = [(int(p), float(c)) for p, c in zip(place[0], cosine[0]) if p >= 0]
    return _answer(name, index.ids, index.facts.kind, index.facts.recall_at_10, hits)


def current_index(workspace: Workspace, encoder: Encoder, stored: EmbeddingSet, kind: IndexKind | str = "auto", device: str = "cpu") -> Index:
    """The saved index over all vectors of an encoder: appended to when there are new samples, built again when vectors changed."""
    folder = workspace.index(stored.key)
    where = device if device.startswith("cuda") else "cpu"
    shards = stored.shards()
    try:
        index = Index.open(folder, encoder=stored.key, weights_hash=encoder.card.weights_hash, device=where)
    except NotFound:
        index = None
    if index is None or kind not in ("auto", index.facts.kind) or not set(index.facts.shards) <= set(shards):
        return _build(encoder, stored, kind, where, folder)
    if index.facts.shards == shards:
        return index
    ids, rows = stored.only(set(shards) - set(index.facts.shards)).read()
    if set(ids) & set(index.ids):
        return _build(encoder, stored, kind, where, folder)
    index.append(ids, rows, shards)
    index.save(folder)
    return index


def _build(encoder: Encoder, stored: EmbeddingSet, kind: IndexKind | str, device: str, folder: Path) -> Index:
    ids, rows = stored.read()
    if not ids:
        raise NotFound(f"no vectors of {stored.key}", where=str(folder), hint="isocenter embed COHORT")
    index = Index.build(ids, rows, encoder=stored.key, weights_hash=encoder.card.weights_hash, kind=kind, device=device, shards=stored.shards())
    index.save(folder)
    return index


def _near(rows: Vectors, query: Vectors, k: int, above: float | None) -> list[tuple[int, float]]:
    if above is not None:
        _, place, cosine = within(rows, query, above)
        return [(int(p), float(c)) for p, c in zip(place, cosine)]
    cosine = (rows @ query.T)[:, 0]
    best = np.argsort(-cosine, kind="stable")[:k]
    return [(int(p), float(cosine[p])) for p in best]


def _answer(name: str, ids: Sequence[str], kind: str, recall: float | None, hits: list[tuple[int, float]]) -> Answer:
    return Answer(name, len(ids), kind, recall, tuple(Similar(ids[place], round(cosine, 6)) for place, cosine in hits))


def _ids_there(workspace: Workspace, cohort: Cohort, name: str) -> set[str]:
    """Sample ids that have a vector, or a reason why not."""
    try:
        stored = cohort_vectors(workspace, cohort, name)
    except NotFound:
        return set()
    return set(stored.ids()) | set(stored.errors())


def _items(workspace: Workspace, dataset: str, table: pl.DataFrame) -> Iterator[Item]:
    """One item per sample or part; what a worker needs to load it travels with it, and nothing else."""
    decoder = Decoder(workspace, dataset)
    for row in table.iter_rows(named=True):
        part = parse_part(row["sample_id"])
        whole = decoder.loader_with_axes(part.parent_id if part else row["sample_id"])
        load = partial(_refuse, row["error"]) if row["error"] else partial(_load, whole if part is None else partial(_cut, whole.args, part), row["format"])
        yield Item(row["sample_id"], (row["file_hash"] or row["sample_id"]) + (row["sample_id"].removeprefix(part.parent_id) if part else ""), load)


def _cut(sample: tuple[tuple[Path, ...], str, str], part: Part) -> tuple[Any, str]:
    """The pixels of a part and their axes; its bounds count along x, y and z, whatever the order of the array's axes."""
    pixels, axes = _whole(sample, Path(str(sample[0][0]).partition("::")[0]).stat().st_mtime_ns)
    bounds = dict(zip("xyz", part.slices))
    return pixels[tuple(bounds.get(axis, slice(None)) for axis in axes)], axes


@lru_cache(maxsize=1)
def _whole(sample: tuple[tuple[Path, ...], str, str], written: int) -> tuple[Any, str]:
    """The sample that was decoded last, since its parts follow each other."""
    pixels, axes = decode_sample(*sample)
    return pixels, axes or axes_of(pixels, sample[1])


def _refuse(reason: str) -> Any:
    raise Unreadable(reason)


def _load(decode: Callable[[], tuple[Any, str | None]], format_: str | None) -> tuple[Any, str]:
    """Pixels of a sample and their axes: a picture, a clip, a volume."""
    if format_ is None:
        raise Unreadable("no reader knows this file's content")
    pixels, axes = decode()
    return pixels, axes or axes_of(pixels, format_)


def axes_of(pixels: Any, format_: str) -> str:
    """The axes of an array as `harmonize.image.load_pixels` gives it for a format."""
    if format_ not in PICTURES:
        return "xyzt"[: pixels.ndim]
    coloured = pixels.ndim == 4 or (pixels.ndim == 3 and pixels.shape[-1] in (1, 2, 3, 4))
    return {2: "yx", 3: "yxc" if coloured else "tyx", 4: "tyxc"}[pixels.ndim]

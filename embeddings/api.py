"""What an encoder is: a card, a transform of pixels to views, and views to vectors; opened by name, keyed by name, revision and transform."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import UsageError
from isocenter.core.plugins import PluginTable

Vectors = NDArray[np.float32]
Pooling = Literal["mean", "majority"]
ENCODERS = PluginTable("encoders", "isocenter.embeddings.encoders", ("load",))


@dataclass(frozen=True, slots=True)
class Card:
    """What a reader of vectors must know about the encoder that made them.

    `revision` changes whenever the same pixels could give other vectors. `weights_hash` is hex BLAKE2b-256 of the weights,
    or "" when there are none. `unit` says whether rows are directions (cosine means something) or named quantities in
    their own scale (`names`). `storage` is the dtype of the shards. `sides` are the widths of the looks at a picture that a row puts
    side by side, each of the same length; none for one look.
    """

    name: str
    revision: str
    dimension: int
    input: str
    licence: str
    weights_hash: str = ""
    unit: bool = True
    storage: Literal["float16", "float32"] = "float16"
    names: tuple[str, ...] = ()
    sides: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@runtime_checkable
class Transform(Protocol):
    """Pixels to views, on the CPU and in worker processes: picklable, and told apart by `key`."""

    @property
    def key(self) -> str: ...

    @property
    def pool(self) -> Pooling: ...

    def __call__(self, pixels: NDArray[Any], axes: str | None = None) -> list[NDArray[Any]]:
        """One array per view; a picture has one view, a volume or a video several."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """Views to vectors, on one device."""

    card: Card
    transform: Transform

    def encode(self, batch: list[NDArray[Any]]) -> Vectors:
        """(n, dimension) float32, one row per view of the batch, not yet of unit length."""
        ...


def open_encoder(spec: str, device: str = "auto", plugins: Path | None = None) -> Encoder:
    """The encoder that `spec` names: `name`, `name:path-or-id`, each with options as in `thumbnail?slices=16`.

    `plugins` is the plug-ins folder of a workspace. Raises NotFound for an unknown name, UsageError for an option that the
    encoder does not have, BadInput or MissingExtra when weights or a library cannot be loaded.
    """
    name, target, options = split_spec(spec)
    module = ENCODERS.get(name, plugins)
    try:
        encoder: Encoder = module.load(target, device, **options)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise UsageError(f"encoder {name!r} has no such option: {error}", where=spec, hint=str(module.load.__doc__ or "")) from error
    return encoder


def split_spec(spec: str) -> tuple[str, str | None, dict[str, str]]:
    """`name:target?key=value&…` in its three pieces.

    >>> split_spec("transformers:/models/vit?slices=8")
    ('transformers', '/models/vit', {'slices': '8'})
    """
    head, _, query = spec.partition("?")
    name, colon, target = head.partition(":")
    return name, target if colon else None, dict(parse_qsl(query, keep_blank_values=True))


def key(encoder: Encoder) -> str:
    """Folder name of the encoder's vectors: `<encoder>@<revision>+<transform>`."""
    card = encoder.card
    return re.sub(r"[^\w.@+,=-]", "_", f"{card.name}@{card.revision}+{encoder.transform.key}")


def vectors(encoder: Encoder, pictures: Sequence[NDArray[Any]], axes: str | None = None) -> Vectors:
    """(n, dimension) float32, one row per picture, unit length if the card says so; for callers with a handful of arrays.

    pictures: any of the shapes that `prepare.planes` names.
    """
    views = [encoder.transform(picture, axes) for picture in pictures]
    rows = encoder.encode([view for some in views for view in some])
    return finish(encoder, rows, [len(some) for some in views])


def finish(encoder: Encoder, rows: Vectors, counts: Sequence[int]) -> Vectors:
    """Pool the rows of each sample's views (`counts` of them) as the transform states, and bring them to unit length."""
    if any(count == 0 for count in counts):
        raise ValueError("a sample without views")
    ends = np.cumsum(counts)
    pooled = rows if len(rows) == len(counts) else np.add.reduceat(rows, ends - np.asarray(counts), axis=0) / np.asarray(counts, np.float32)[:, None]
    if encoder.transform.pool == "majority":
        pooled = np.where(pooled >= 0, 1.0, -1.0)
    return unit(pooled) if encoder.card.unit else pooled.astype(np.float32, copy=False)


def unit(rows: NDArray[Any]) -> Vectors:
    """Rows of length one, float32; a row of zeros stays zero, so it is near nothing."""
    rows = np.asarray(rows, np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Vectors = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return scaled

"""The nouns of duplicate finding: a picture goes in; pairs with their evidence and groups with their keeper come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

from isocenter.embeddings.local_features import Variant


@dataclass(frozen=True, slots=True)
class Picture:
    """One sample to look at.

    load gives its pixels: (h, w) or (h, w, 3 or 4) for a picture, (x, y, z) for a volume, any integer or float type; it must
    be picklable, since worker processes call it. patient, study, series: as the dataset names them, None where it does not.
    position: place in the series, None when unknown. spacing_mm: of a volume. bits, freedom, labels feed the keeper rule:
    stored bits, how free the licence is (more is freer), how many terms or annotations the sample carries.
    """

    id: str
    dataset: str
    load: Callable[[], NDArray[Any]]
    patient: str | None = None
    study: str | None = None
    series: str | None = None
    position: float | None = None
    shape: tuple[int, ...] | None = None
    spacing_mm: tuple[float, ...] | None = None
    file_hash: str | None = None
    pixel_hash: str | None = None
    uri: str = ""
    bits: int = 8
    freedom: int = 0
    labels: int = 0


class Net(StrEnum):
    """What proposed a pair, cheapest first."""

    FILE = "file-hash"
    PIXELS = "pixel-hash"
    THUMBNAIL = "thumbnail"
    LOCAL = "local-features"
    VOLUME = "volume"


class Verdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Positions of two pictures that a net holds to be alike, `turn` quarter turns and `variant` apart."""

    a: int
    b: int
    net: Net
    variant: Variant = "same"
    turn: int | None = None            # None: the net does not say how the frames lie on each other


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alignment of two pictures shows; see `Alignment` and `Detail` for units.

    matrix: six numbers, row by row, from pixels (x, y) of a's prepared image to b's; variant: how a was changed before.
    """

    variant: Variant
    matrix: tuple[float, ...]
    inliers: int
    fine: int
    share: float
    residual: float
    scale: float
    coarse: float
    detail: float
    detail_middle: float
    detail_low: float
    explained: float
    sharper: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A judged pair: score is the probability of one picture (1 for equal bytes or pixels), reason one short sentence."""

    a: str
    b: str
    net: Net
    score: float
    verdict: Verdict
    reason: str
    transform: str                     # JSON: variant, matrix in pixels of the originals, volume axes
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A sample of a duplicate group; exactly one of a group is the keeper."""

    group: int
    id: str
    dataset: str
    uri: str
    keeper: bool
    evidence: str

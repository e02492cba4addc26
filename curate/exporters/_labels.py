"""Masks of a sample as one array of label values: structures by term go in, the array comes out, with what was ignored or painted over counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import Item
from isocenter.curate.export_target import Target
from isocenter.harmonize.mask_terms import TermMasks

Values = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Painted:
    """A label array in the smallest unsigned type that holds every label of the corpus; voxels ignored, and voxels where a structure was painted over another."""

    values: Values
    ignored: int = 0
    overpainted: int = 0


class Paint(Protocol):
    """How masks become label values. terms: all that the corpus has; labels: each one's value or values; ignore: the value of a voxel that may be anything."""

    @property
    def terms(self) -> Sequence[str]: ...

    @property
    def ignore(self) -> int: ...

    def labels(self) -> Mapping[str, int | list[int]]: ...

    def __call__(self, masks: TermMasks, shape: tuple[int, ...]) -> Painted: ...


@dataclass(frozen=True, slots=True)
class Exclusive:
    """One label per voxel: term n has value n + 1, *ignore* is one more than the last."""

    terms: Sequence[str]

    @property
    def ignore(self) -> int:
        return len(self.terms) + 1

    def labels(self) -> dict[str, int | list[int]]:
        return {term: at for at, term in enumerate(self.terms, start=1)}

    def __call__(self, masks: TermMasks, shape: tuple[int, ...]) -> Painted:
        """Larger structures are painted first. What is outside all structures is background only where every term is annotated: elsewhere it may be
        one of the missing ones and is ignored. Raises Unreadable when a mask has another shape.
        """
        label = np.zeros(shape, np.min_scalar_type(self.ignore))
        overpainted = 0
        for term, mask in sorted(masks.masks.items(), key=lambda found: (-int(found[1].sum()), found[0])):
            require_shape(term, mask, shape)
            overpainted += int(((label > 0) & mask).sum())
            label[mask] = self.terms.index(term) + 1
        unknown = label == 0 if set(self.terms) - masks.annotated else np.zeros(shape, bool)
        label[unknown] = self.ignore
        return Painted(label, int(unknown.sum()), overpainted)


def require_shape(term: str, mask: NDArray[np.bool_], shape: tuple[int, ...]) -> None:
    """Raises Unreadable when a mask does not lie on the grid of its image."""
    if mask.shape != tuple(shape):
        raise Unreadable(f"the mask of {term} has shape {mask.shape}, its image {tuple(shape)}")


def painted(item: Item, paint: Paint, shape: tuple[int, ...], out: Target, unit: str) -> Values:
    """The label of a sample; what was ignored and painted over goes into the ledger. Call it inside `make`."""
    masks = item.masks()
    found = paint(masks, shape)
    if found.ignored:
        missing = sorted(set(paint.terms) - masks.annotated)
        out.note(item, "ignored", f"may be a structure that nobody annotated: {', '.join(missing[:5])}{f' and {len(missing) - 5} more' if len(missing) > 5 else ''}", found.ignored, unit)
    if found.overpainted:
        out.note(item, "changed", "structures overlap: the smaller one was painted over the larger (--to nnunet --regions keeps both)", found.overpainted, unit)
    return found.values

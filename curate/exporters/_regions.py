"""Overlapping structures as nnU-Net regions: every set of terms that meets in a voxel becomes a label, every term the list of its labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.curate.export_item import Item
from isocenter.curate.exporters._labels import Painted, require_shape
from isocenter.harmonize.mask_terms import TermMasks

Terms = frozenset[str]


@dataclass(frozen=True, slots=True)
class Regions:
    """terms: largest structure first. sets: every set of terms that meets in a voxel of the corpus; set n has value n + 1.

    voxels: of each set; 0 for a term that is annotated and nowhere. Source: nnU-Net v2, documentation/region_based_training.md.
    """

    terms: Sequence[str]
    sets: Sequence[Terms]
    voxels: Sequence[int]

    @classmethod
    def of(cls, items: Iterable[Item], terms: Sequence[str]) -> Regions:
        """Reads the masks of every item once. One that cannot be read has no say; it will be left out when it is written."""
        found: Counter[Terms] = Counter()
        for item in items:
            if item.mask_terms():
                try:
                    for at, number in _meetings(item.masks()).values():
                        found[at] += number
                except Unreadable:
                    continue
        size = {term: sum(number for at, number in found.items() if term in at) for term in terms}
        found.update({frozenset((term,)): 0 for term in terms if not size[term]})
        sets = sorted(found, key=lambda at: (len(at), sorted(at)))
        return cls(sorted(terms, key=lambda term: (-size[term], term)), sets, [found[at] for at in sets])

    @property
    def ignore(self) -> int:
        return len(self.sets) + 1

    def labels(self) -> dict[str, int | list[int]]:
        """term -> its label, or the labels that make it up."""
        values = {term: [at for at, one in enumerate(self.sets, start=1) if term in one] for term in self.terms}
        return {term: found[0] if len(found) == 1 else found for term, found in values.items()}

    def class_order(self) -> list[int]:
        """For every term, the label that a voxel gets when the term is predicted there; later terms are written over earlier ones.

        That is the commonest set that has the term and no later one, so nested structures come back as they were.
        """
        order = []
        for place, term in enumerate(self.terms):
            own = [at for at, one in enumerate(self.sets) if term in one]
            last = [at for at in own if not self.sets[at] & set(self.terms[place + 1:])]
            order.append(max(last or own, key=lambda at: (self.voxels[at], -at)) + 1)
        return order

    def __call__(self, masks: TermMasks, shape: tuple[int, ...]) -> Painted:
        """A voxel is ignored where a term that nobody annotated in this sample may be too: outside all structures, and inside those that
        such a term meets elsewhere in the corpus. Raises Unreadable when a mask has another shape.
        """
        missing = set(self.terms) - masks.annotated
        values = {code: self._value(one, missing) for code, (one, _) in _meetings(masks).items()} | {0: self.ignore if missing else 0}
        codes = _codes(masks, shape)
        known, place = np.unique(codes, return_inverse=True)
        label = np.array([values[int(code)] for code in known], np.min_scalar_type(self.ignore))[place].reshape(shape)
        return Painted(label, int((label == self.ignore).sum()))

    def _value(self, here: Terms, missing: set[str]) -> int:
        return self.ignore if any(here < one and one - here <= missing for one in self.sets) else self.sets.index(here) + 1


def _codes(masks: TermMasks, shape: tuple[int, ...]) -> NDArray[np.uint64]:
    """A number per voxel that is the same where the same terms meet, 0 where none is: sums of fixed random numbers of 64 bits, one a term."""
    drawn = np.random.default_rng(0).integers(1, 1 << 63, len(masks.masks), np.uint64)
    codes = np.zeros(shape, np.uint64)
    for number, term in zip(drawn, sorted(masks.masks)):
        require_shape(term, masks.masks[term], shape)
        codes[masks.masks[term]] += number
    return codes


def _meetings(masks: TermMasks) -> dict[int, tuple[Terms, int]]:
    """Code -> the terms that meet there, and the number of voxels; without the voxels of no term."""
    if not masks.masks:
        return {}
    codes = _codes(masks, next(iter(masks.masks.values())).shape).ravel()
    kinds, first, number = np.unique(codes, return_index=True, return_counts=True)
    return {int(code): (frozenset(term for term, mask in masks.masks.items() if mask.ravel()[at]), int(count))
            for code, at, count in zip(kinds, first, number) if code}

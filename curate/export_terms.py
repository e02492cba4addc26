"""Terms of masks and boxes as the cohort's label space names them: raw terms go in, target terms and what each is made of come out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from isocenter.harmonize.vocabulary import ancestors


@dataclass(frozen=True, slots=True)
class Terms:
    """The label space of a cohort; without target terms every raw term stands for itself. lifts: wholes that were asked for, with the structures in them."""

    targets: tuple[str, ...] = ()
    unions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lifts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, header: Mapping[str, Any]) -> Terms:
        """The space that a cohort's header names."""
        space = header.get("space") or {}
        if not isinstance(space, Mapping):
            return cls()
        unions, lifts = ({term: tuple(parts) for term, parts in (space.get(key) or {}).items()} for key in ("unions", "lifts"))
        return cls(tuple(space.get("terms", ())), unions, lifts)

    def all_of(self, annotated: Iterable[str]) -> list[str]:
        """Target terms that these raw terms say something about, sorted."""
        raw = set(annotated)
        return sorted(raw) if not self.targets else sorted(term for term in self.targets if self.sources(term, raw))

    def sources(self, term: str, annotated: Collection[str]) -> set[str]:
        """Raw terms whose voxels are voxels of the target term: itself, the parts of a union, what is a kind of it, what lies in a whole that was asked for.

        Other than that part-of is not followed.
        """
        if term in annotated:
            return {term}
        if term in self.unions:
            return {source for part in self.unions[term] for source in self.sources(part, annotated)}
        return {other for other in annotated if term in ancestors(other) or other in self.lifts.get(term, ())}

    def complete(self, annotated: Collection[str]) -> frozenset[str]:
        """Target terms that are annotated everywhere: a voxel without them is a voxel that somebody looked at and left out.

        A union is complete when all its parts are. A whole of which only kinds are annotated is not: other kinds may be there.
        """
        return frozenset(annotated) if not self.targets else frozenset(term for term in self.targets if self._whole(term, annotated))

    def names_of(self, raw: str) -> list[str]:
        """Target terms that one raw term stands for: itself where the space has it, else what it is a part or a kind of."""
        if not self.targets or raw in self.targets:
            return [raw]
        return [term for term in self.targets if self.sources(term, {raw})]

    def _whole(self, term: str, annotated: Collection[str]) -> bool:
        if term in annotated:
            return True
        return term in self.unions and all(self._whole(part, annotated) for part in self.unions[term])

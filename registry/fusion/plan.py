"""The blueprint of a merge: who is in, who is out and by which rule, how much it is, what it may be used for, how to get it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from isocenter.registry.licenses import Combination

WarningKind = Literal["artifact", "relation", "licence", "size", "access"]


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a dataset that a corpus says it took: so many samples of one modality. None: the corpus does not say."""

    named: str
    modality: str | None
    samples: int | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """One dataset of the corpus. `samples`, `bytes`: of the whole dataset, None where the sources do not say; `license`: the ids that count.

    `shares`: what the corpus took of it, where it says so; counts of the plan then use the shares.
    """

    slug: str
    name: str
    modalities: tuple[str, ...]
    samples: int | None
    sample_unit: str | None
    bytes: int | None
    labelled: bool | None
    license: str
    commercial: str                # yes, no, unknown or contested
    access: str
    how_to_get: str
    homepage: str | None = None
    organisation: str | None = None
    year: int | None = None
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A dataset that stays out: the first rule that it fails, and the value that fails it."""

    slug: str
    name: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Missing:
    """A member that a corpus claims and the catalog cannot give: unnamed, ambiguous or unknown. Never invented."""

    named: str
    why: str


@dataclass(frozen=True, slots=True)
class Volume:
    """How much there is. `samples`: unit -> count, units are never added up. `bytes` covers `bytes_known` of `datasets`.

    `samples` adds every member up. Members that hold the same images are in it more than once; `samples_least` counts of such members only
    the largest, so the number of different samples lies between the two.
    """

    datasets: int
    organisations: int
    samples: Mapping[str, int]
    samples_unknown: int
    bytes: int
    bytes_known: int
    samples_least: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LabelCoverage:
    """Which members annotate a term, by their label maps; who has no map; and where maps disagree."""

    terms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without_map: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caution:
    """Something known about a member that a merge should not overlook."""

    slug: str
    kind: WarningKind
    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Where this plan differs from what the portal's own code would do, and why."""

    field: str
    why: str
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FusionPlan:
    """A plan for merging datasets. `title` names the rule or corpus it answers."""

    title: str
    members: tuple[Member, ...]
    excluded: tuple[Exclusion, ...]
    missing: tuple[Missing, ...]
    total: Volume
    by_modality: Mapping[str, Volume]
    labels: LabelCoverage
    licence: Combination
    cautions: tuple[Caution, ...] = ()
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A JSON-like object; `rows` and `names` count the members."""
        body = asdict(self)
        return {"title": self.title, "rows": len(self.members), "names": len({member.name for member in self.members}), **body}

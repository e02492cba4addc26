"""Licences as six flags: statements about a dataset go in; what counts, what is contested, and what a combination allows come out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Flag = Literal["yes", "no", "unknown"]
Answer = Literal["yes", "no", "unknown", "contested"]
Use = Literal["local", "share", "commercial"]
ConflictKind = Literal[
    "differs in commercial use", "differs in redistribution", "differs in share-alike or derivatives", "differs in other terms",
    "version only", "unread terms beside a licence",
]

FLAGS = ("use", "commercial", "derivatives", "redistribution", "share_alike", "attribution")
USES: tuple[Use, ...] = ("local", "share", "commercial")
PERMISSIONS = ("use", "commercial", "derivatives", "redistribution")
STRICTNESS: Mapping[str, tuple[Flag, ...]] = {
    **dict.fromkeys(PERMISSIONS, ("no", "unknown", "yes")),
    **dict.fromkeys(("share_alike", "attribution"), ("yes", "unknown", "no")),
}
SILENT = frozenset({"NOASSERTION", "LicenseRef-TCIA-unspecified", "LicenseRef-Unclear-Public"})
DISAGREE = "sources disagree"
FIRST_HAND = frozenset({"read", "reviewed"})
UNREAD = frozenset({"LicenseRef-Custom", "LicenseRef-ContactOwner", "LicenseRef-Varies"})


@dataclass(frozen=True, slots=True)
class License:
    """What may be done. Each flag is yes, no or unknown; unknown is never a permission.

    `use`: train and evaluate with a lawfully obtained copy. `share_alike` and `attribution`: yes means that it is asked for.
    """

    id: str
    use: Flag = "unknown"
    commercial: Flag = "unknown"
    derivatives: Flag = "unknown"
    redistribution: Flag = "unknown"
    share_alike: Flag = "unknown"
    attribution: Flag = "unknown"
    note: str = ""

    def flags(self) -> dict[str, Flag]:
        return {flag: getattr(self, flag) for flag in FLAGS}


@dataclass(frozen=True, slots=True)
class Statement:
    """One source's claim about the licence of one dataset. `release` is "" where the source names none."""

    dataset: str
    text: str
    license: License
    source: str
    release: str = ""
    confidence: str = "second-hand"


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts for one dataset: the strictest of every flag, the ids that were claimed, and where the claims disagree."""

    dataset: str
    flags: Mapping[str, Flag]
    ids: tuple[str, ...]
    contested: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """flag -> value -> licence ids that say so; only flags on which the ids disagree."""
    conflict: ConflictKind | None = None
    second_hand: bool = False
    """Somebody states a licence, and nobody read it at the provider."""

    def license(self) -> License:
        """The claims as one licence; its id joins the ids that say something, or is NOASSERTION."""
        spoken = _drop_unversioned({name for name in self.ids if name not in SILENT})
        return License(" AND ".join(sorted(spoken)) or "NOASSERTION", **self.flags)


@dataclass(frozen=True, slots=True)
class Reason:
    """Who stands in the way of a use, by which licence, and how."""

    dataset: str
    license: str
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a corpus may be used so: yes, no, or unknown, and who forbids or leaves open."""

    use: Use
    answer: Flag
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Combination:
    """The licence situation of a corpus: the strictest of each flag, incompatibilities by name, one verdict per use."""

    flags: Mapping[str, Flag]
    incompatible: tuple[Reason, ...]
    verdicts: Mapping[str, Verdict]


def forbidding(licence: License, flags: Iterable[str], value: Flag = "no", note: str | None = None) -> License:
    """The licence with some permissions withdrawn (or, with value "unknown", left open)."""
    changes: dict[str, str] = dict.fromkeys(flags, value) | ({"note": note} if note is not None else {})
    return replace(licence, **changes)  # type: ignore[arg-type]


def strictest(licenses: Iterable[License]) -> dict[str, Flag]:
    """The strictest value of every flag; all unknown for no licence at all."""
    found = list(licenses) or [License("NOASSERTION")]
    return {flag: min((getattr(licence, flag) for licence in found), key=order.index) for flag, order in STRICTNESS.items()}


def effective(dataset: str, statements: Sequence[Statement], release: str | None = None) -> Effective:
    """What counts for a dataset (and, if named, a release): claims for that release and claims that name none.

    Silent claims (no licence stated, a host instead of a licence, the bare word "public") say nothing and contradict nobody;
    terms that nobody read ("custom", "ask the owner", "varies") make every permission beside them unknown.
    """
    about = [claim for claim in statements if release is None or claim.release in ("", release)]
    spoken = {claim.license.id: claim.license for claim in about if claim.license.id not in SILENT}
    contested = _contested([licence for name, licence in spoken.items() if name not in UNREAD])
    return Effective(
        dataset, strictest(spoken.values()), tuple(sorted({claim.license.id for claim in about})), contested, _conflict_kind(spoken, contested),
        bool(spoken) and not any(claim.confidence in FIRST_HAND for claim in about if claim.license.id in spoken),
    )


def _contested(licenses: Sequence[License]) -> dict[str, dict[str, tuple[str, ...]]]:
    disagreement: dict[str, dict[str, tuple[str, ...]]] = {}
    for flag in FLAGS:
        said: dict[str, list[str]] = defaultdict(list)
        for licence in licenses:
            said[getattr(licence, flag)].append(licence.id)
        if len(said) > 1:
            disagreement[flag] = {value: tuple(sorted(ids)) for value, ids in sorted(said.items())}
    return disagreement


def _conflict_kind(spoken: Mapping[str, License], contested: Mapping[str, object]) -> ConflictKind | None:
    read = set(spoken) - UNREAD
    if len(read) < 2:
        return "unread terms beside a licence" if len(spoken) > 1 else None
    if "commercial" in contested:
        return "differs in commercial use"
    if "redistribution" in contested:
        return "differs in redistribution"
    if contested.keys() & {"share_alike", "derivatives", "attribution"}:
        return "differs in share-alike or derivatives"
    return "differs in other terms" if contested or len({family(name) for name in read}) > 1 else "version only"


def allows(found: Effective, what: str) -> Answer:
    """Whether a dataset allows `what` (use, commercial, derivatives, redistribution or "share").

    "yes" only where every claim that says anything says yes; "contested" where claims disagree; never yes for the unknown.
    """
    flag = "redistribution" if what == "share" else what
    if flag in found.contested:
        return "contested"
    return found.flags[flag]


def in_words(found: Effective, what: str) -> str:
    """The answer that counts, the strictest, as every verb prints it: "yes", "no" or "not stated", and whether the claims disagree about it."""
    flag = "redistribution" if what == "share" else what
    answer = {"unknown": "not stated"}.get(found.flags[flag], found.flags[flag])
    return f"{answer} ({DISAGREE})" if flag in found.contested else answer


def title(found: Effective) -> str:
    """What a dataset's licence is called, with a mark where it is known from others only."""
    name = found.license().id
    return "not stated" if name == "NOASSERTION" else f"{name} (second-hand)" if found.second_hand else name


def combine(members: Mapping[str, License] | Sequence[License], *, changed: bool = True) -> Combination:
    """The licence of a corpus made of `members` (dataset -> licence, or licences alone).

    changed: pixels or labels are altered, which a no-derivatives licence forbids to hand on. Two share-alike licences that
    differ cannot both be kept, so their mixture can neither be shared nor sold.
    """
    named = dict(members) if isinstance(members, Mapping) else {f"{licence.id}#{n}": licence for n, licence in enumerate(members)}
    incompatible = (*_share_alike_clash(named), *(_no_derivatives(named) if changed else ()))
    verdicts: dict[str, Verdict] = {use: _verdict(use, named, incompatible, changed) for use in USES}
    return Combination(strictest(named.values()), incompatible, verdicts)


def family(license_id: str) -> str:
    """The licence without its version: CC-BY-SA-4.0 and LicenseRef-CC-BY-SA-unversioned are one family."""
    bare = license_id.removeprefix("LicenseRef-").removesuffix("-unversioned")
    return re.sub(r"-\d+(\.\d+)*(-(only|or-later|[A-Z]{2,3}))?$", "", bare)


SHARE_ALIKE = re.compile(r"-SA\b|GPL|ODbL|Sharing")


def _share_alike_clash(named: Mapping[str, License]) -> tuple[Reason, ...]:
    """Members whose share-alike licences differ; a licence without a version goes along with a versioned one of its family."""
    asked = {dataset: _share_alike_ids(licence) for dataset, licence in named.items() if licence.share_alike == "yes"}
    everything = _drop_unversioned(set().union(*asked.values()))
    if len(asked) < 2 or len(everything) < 2:
        return ()
    why = f"share-alike licences differ: {', '.join(sorted(everything))}"
    return tuple(Reason(dataset, named[dataset].id, why) for dataset in sorted(asked))


def _share_alike_ids(licence: License) -> set[str]:
    ids = set(licence.id.split(" AND "))
    return {name for name in ids if SHARE_ALIKE.search(name)} or ids


def _drop_unversioned(ids: set[str]) -> set[str]:
    versioned = {family(name) for name in ids if not name.endswith("-unversioned")}
    return {name for name in ids if not (name.endswith("-unversioned") and family(name) in versioned)}


def _no_derivatives(named: Mapping[str, License]) -> tuple[Reason, ...]:
    return tuple(
        Reason(dataset, licence.id, "no derivatives, and pixels or labels are changed")
        for dataset, licence in sorted(named.items()) if licence.derivatives == "no"
    )


NEEDS: Mapping[Use, Mapping[str, str]] = {
    "local": {"use": "use"},
    "share": {"use": "use", "redistribution": "redistribution"},
    "commercial": {"use": "use", "commercial": "commercial use"},
}


def _verdict(use: Use, named: Mapping[str, License], incompatible: tuple[Reason, ...], changed: bool) -> Verdict:
    forbidden, unknown = [], []
    needs = dict(NEEDS[use]) | ({"derivatives": "changed copies"} if changed and use == "share" else {})
    for dataset, licence in sorted(named.items()):
        for flag, word in needs.items():
            value = getattr(licence, flag)
            if value == "no" and flag != "derivatives":
                forbidden.append(Reason(dataset, licence.id, f"forbids {word}"))
            elif value == "unknown":
                unknown.append(Reason(dataset, licence.id, f"does not say that it allows {word}"))
    if use != "local":
        forbidden.extend(incompatible)
    answer: Flag = "no" if forbidden else "unknown" if unknown or not named else "yes"
    return Verdict(use, answer, (*forbidden, *unknown))

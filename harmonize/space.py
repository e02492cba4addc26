"""Label spaces: the terms a merge aims at, and how a sample's states are carried into them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import fingerprint
from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry.labelmap import State, States


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Target terms in order, and those that are unions of others (`whole tumour` = any of its parts)."""

    name: str
    terms: tuple[str, ...]
    unions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        return fingerprint([self.terms, dict(self.unions)])

    def carry(self, states: Mapping[str, str]) -> States:
        """States of the target terms that a sample's own states imply; what they do not imply is not annotated.

        Present climbs is-a, absent descends is-a, neither follows part-of. A union is present if any part is,
        absent if all are, uncertain if one is and none is present.
        """
        found: States = {}
        for term in self.terms:
            state = self._union(self.unions[term], states) if term in self.unions else _implied(term, states)
            if state is not None:
                found[term] = state
        return found

    def _union(self, parts: tuple[str, ...], states: Mapping[str, str]) -> State | None:
        said = [_implied(part, states) for part in parts]
        if "present" in said:
            return "present"
        if "uncertain" in said:
            return "uncertain"
        return "absent" if said and all(state == "absent" for state in said) else None


def _implied(term: str, states: Mapping[str, str]) -> State | None:
    """Own statement first; else present from below, absent from above, uncertain from below."""
    if term in states:
        return states[term]  # type: ignore[return-value]
    below = {states[other] for other in states if term in ancestors(other)}
    if "present" in below:
        return "present"
    if any(states.get(above) == "absent" for above in ancestors(term)):
        return "absent"
    return "uncertain" if "uncertain" in below else None


def space_of(annotated: Mapping[str, Iterable[str]], wish: str) -> LabelSpace:
    """The space of a merge: `union` or `intersection` of what the members annotate, or a TOML file with terms and unions.

    annotated: dataset -> terms it can annotate, its is-a ancestors counted in for `intersection`.
    """
    members = {name: set(terms) for name, terms in annotated.items()}
    if wish == "union":
        return LabelSpace("union", tuple(sorted(set().union(*members.values()))))
    if wish == "intersection":
        lifted = [terms | {above for term in terms for above in ancestors(term)} for terms in members.values()]
        stated = set().union(*members.values())
        return LabelSpace("intersection", tuple(sorted(stated.intersection(*lifted))))
    return read_space(Path(wish))


def read_space(path: Path) -> LabelSpace:
    """A space file: `terms = […]` and, if wanted, `[unions]` with term = [parts]."""
    if not path.is_file():
        raise NotFound(f"no label space {str(path)!r}", hint="union, intersection, or a TOML file with terms = [...]")
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
        unions = {term: tuple(parts) for term, parts in body.get("unions", {}).items()}
        return LabelSpace(path.stem, tuple(dict.fromkeys([*body.get("terms", []), *unions])), unions)
    except (tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise BadInput(f"not a label space: {error}", where=str(path)) from error

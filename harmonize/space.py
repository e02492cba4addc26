"""Label spaces: the terms a merge aims at, and how a sample's states are carried into them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import fingerprint
from isocenter.core.near_names import advice
from isocenter.harmonize.doubt import Doubt, read_doubt
from isocenter.harmonize.lift import level_of, parts_of
from isocenter.harmonize.vocabulary import ancestors
from isocenter.registry import vocabulary
from isocenter.registry.labelmap import State, States

ANCESTORS = "ancestors:"
WISHES = "union, intersection, ancestors:LEVEL, ancestors:TERM,TERM…, or a TOML file with terms = [...]"


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """Target terms in order; those that are unions of others (`whole tumour` = any of its parts); what becomes of uncertain.

    lifts: wholes asked for by name, with the structures that lie in them: a part that is there makes them present, parts that
    are absent say nothing of the whole.
    """

    name: str
    terms: tuple[str, ...]
    unions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lifts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    doubt: Doubt = field(default_factory=Doubt)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.plain())

    def plain(self) -> dict[str, Any]:
        """As it stands in the header of a cohort."""
        return {"name": self.name, "terms": list(self.terms), "unions": {term: list(parts) for term, parts in self.unions.items()},
                "lifts": {term: list(parts) for term, parts in self.lifts.items()}, "uncertain": self.doubt.plain()}

    def carry(self, states: Mapping[str, State]) -> States:
        """States of the target terms that a sample's own states imply; what they do not imply is not annotated.

        Present climbs is-a, absent descends is-a, neither follows part-of. A union is present if any part is,
        absent if all are, uncertain if one is and none is present. The policy for uncertain reads the sample's own states
        before, and what is still uncertain after.
        """
        own = self.doubt.settle(states)
        found: States = {}
        for term in self.terms:
            state = self._union(self.unions[term], own) if term in self.unions else _lifted(term, self.lifts[term], own) if term in self.lifts else implied(term, own)
            if state is not None:
                found[term] = state
        return self.doubt.settle(found)

    def _union(self, parts: tuple[str, ...], states: Mapping[str, State]) -> State | None:
        said = [implied(part, states) for part in parts]
        if "present" in said:
            return "present"
        if "uncertain" in said:
            return "uncertain"
        return "absent" if said and all(state == "absent" for state in said) else None


def implied(term: str, states: Mapping[str, State]) -> State | None:
    """Own statement first; else present from below, absent from above, uncertain from below."""
    if term in states:
        return states[term]
    below = {states[other] for other in states if term in ancestors(other)}
    if "present" in below:
        return "present"
    if any(states.get(above) == "absent" for above in ancestors(term)):
        return "absent"
    return "uncertain" if "uncertain" in below else None


def _lifted(term: str, parts: tuple[str, ...], states: Mapping[str, State]) -> State | None:
    """What is said of the whole itself, and the presence of a part; never the absence of parts."""
    own, said = implied(term, states), {implied(part, states) for part in parts}
    if own in ("present", "absent"):
        return own
    return "present" if "present" in said else "uncertain" if "uncertain" in said else own


def space_of(annotated: Mapping[str, Iterable[str]], wish: str, doubt: Doubt | None = None) -> LabelSpace:
    """The space of a merge: `union` or `intersection` of what the members annotate, `ancestors:…` of it, or a TOML file.

    annotated: dataset -> terms it can annotate, its is-a ancestors counted in for `intersection`. `ancestors:1` lifts every term to the
    nearest terms above it (is-a) that are at most one step below a root; `ancestors:lung disease,heart` to the terms that are named, also
    to a whole that it lies in. doubt: goes before the policies of a file. Raises NotFound or BadInput for a wish that means nothing.
    """
    members = {name: set(terms) for name, terms in annotated.items()}
    stated: set[str] = set().union(*members.values())
    if wish == "union":
        space = LabelSpace("union", tuple(sorted(stated)))
    elif wish == "intersection":
        lifted = [terms | {above for term in terms for above in ancestors(term)} for terms in members.values()]
        space = LabelSpace("intersection", tuple(sorted(stated.intersection(*lifted))))
    elif wish.startswith(ANCESTORS):
        space = _ancestors(stated, wish)
    else:
        space = read_space(Path(wish))
    return replace(space, doubt=(doubt or Doubt()).over(space.doubt))


def _ancestors(stated: set[str], wish: str) -> LabelSpace:
    level = wish.removeprefix(ANCESTORS).strip()
    if level.isdigit():
        return LabelSpace(wish, tuple(sorted({above for term in stated for above in level_of(term, int(level))})))
    named = [part.strip() for part in level.split(",") if part.strip()]
    known = vocabulary.load().terms
    for term in named:
        if term not in known:
            raise BadInput(f"{wish!r}: the vocabulary has no term {term!r}", hint=advice(term, known, "ancestors:1, or isocenter sql \"select term_id from term\""))
    if not named:
        raise BadInput(f"{wish!r} names no level and no term", hint=WISHES)
    lifts = {term: found for term in named if (found := parts_of(term, stated))}
    return LabelSpace(wish, tuple(dict.fromkeys(named)), lifts=lifts)


def read_space(path: Path) -> LabelSpace:
    """A space file: `terms = […]`; if wanted `[unions]` with term = [parts], and `[uncertain]` with term = policy or `default = …`."""
    if not path.is_file():
        raise NotFound(f"no label space {str(path)!r}", hint=WISHES)
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
        unions = {term: _names(parts, term, path) for term, parts in body.get("unions", {}).items()}
        terms = tuple(dict.fromkeys([*_names(body.get("terms", []), "terms", path), *unions]))
        doubt = read_doubt(body.get("uncertain"))
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        raise BadInput(f"not a label space: {error}", where=str(path)) from error
    if unknown := body.keys() - {"terms", "unions", "uncertain"}:
        raise BadInput(f"a label space has no key {', '.join(sorted(unknown))}", where=str(path), hint="terms, unions, uncertain")
    if not terms:
        raise BadInput("a label space without terms", where=str(path), hint='terms = ["pneumonia"], or [unions] with term = [parts]')
    return LabelSpace(path.stem, terms, unions, doubt=doubt)


def _names(value: Any, key: str, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadInput(f"{key} is no list of terms", where=str(path))
    return tuple(value)

"""What a merge makes of *uncertain*: one policy for all terms, another for terms by name; states go in, settled states come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import get_args

from isocenter.core.errors import BadInput
from isocenter.harmonize.reports import POLICIES, Policy
from isocenter.registry.labelmap import State, States

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Doubt:
    """keep, ones (present), zeros (absent) or ignore (not annotated). Source of the policies: CheXpert's U-Ones, U-Zeros, U-Ignore
    (Irvin et al., AAAI 2019), which chose ones for atelectasis and edema and zeros for the others that they compare.
    """

    default: Policy = "keep"
    terms: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, term: str) -> Policy:
        return self.terms.get(term, self.default)

    def settle(self, states: Mapping[str, State]) -> States:
        """The states with every uncertain one kept, made present or absent, or taken out."""
        if self.default == "keep" and not self.terms:
            return dict(states)
        read = {term: POLICIES[self.of(term)] if state == "uncertain" else state for term, state in states.items()}
        return {term: state for term, state in read.items() if state is not None}

    def plain(self) -> dict[str, str]:
        """As it is written in a recipe."""
        return {DEFAULT: self.default, **dict(sorted(self.terms.items()))}

    def over(self, other: Doubt) -> Doubt:
        """This one where it says something, the other elsewhere."""
        return Doubt(other.default if self.default == "keep" else self.default, {**other.terms, **self.terms})


def read_doubt(wish: str | Mapping[str, str] | None) -> Doubt:
    """From a recipe: `"zeros"`, or a table of term -> policy with `default`. Raises BadInput."""
    table = {DEFAULT: wish} if isinstance(wish, str) else dict(wish or {})
    for term, policy in table.items():
        if policy not in get_args(Policy):
            raise BadInput(f"uncertain: {term} = {policy!r}", hint=f"one of: {', '.join(get_args(Policy))}")
    default = table.pop(DEFAULT, "keep")
    return Doubt(default, table)  # type: ignore[arg-type]


def doubt_of_texts(texts: Iterable[str]) -> dict[str, str]:
    """From a command line: `zeros` for all terms, `TERM=ones` for one."""
    pairs = [text.rpartition("=") for text in texts]
    return {term or DEFAULT: policy for term, _, policy in pairs}

"""One statement of a report about one term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["present", "absent", "uncertain"]
Certainty = Literal["definite", "probable", "possible"]


@dataclass(frozen=True, slots=True)
class Mention:
    """`text[start:end]` names the term; `cue` is the word that decided the state, empty for a plain statement."""

    term: str
    state: State
    start: int
    end: int
    certainty: Certainty = "definite"
    cue: str = ""

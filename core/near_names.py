"""Near names: a name that is not known and the known ones go in, the one that was probably meant and what to advise come out."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process, utils

LIKE_ENOUGH = 65
SHOWN = 20


def near(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like this one, case and punctuation set aside; None when none is like it.

    >>> near("kcenter", ["k-center", "random"]), near("x", ["k-center", "random"])
    ('k-center', None)
    """
    found = process.extractOne(name, sorted(known), scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=LIKE_ENOUGH)
    return found[0] if found else None


def advice(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """`did you mean …?`, or else what `otherwise` says, or the names that there are."""
    names = list(known)
    if (guess := near(name, names)) is not None:
        return f"did you mean {guess}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return otherwise or (f"one of: {', '.join(names[:SHOWN])}{more}" if names else "there is none yet")

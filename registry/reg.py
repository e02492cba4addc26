"""The task cell "Reg": registration or regression, decided by the words of its own row, or left open."""

from __future__ import annotations

import re

REGISTRATION = re.compile(r"learn2reg|registration|regpro|align|\bdir\b|dirlab|curious|deformable|lmk|landmark", re.IGNORECASE)
REGRESSION = re.compile(r"regression|\bage\b|score|counting|tortuosity|quality|iqa|prognos|survival|dose|grading|progression", re.IGNORECASE)


def reg_task(row: str, cell: str = "") -> str | None:
    """What "Reg" means beside these words (name, address, the rest of the cell): registration, regression, or None where they do not say."""
    words = f"{row} {cell}".replace("_", " ")
    registration, regression = bool(REGISTRATION.search(words)), bool(REGRESSION.search(words))
    if registration == regression:
        return None
    return "registration" if registration else "regression"

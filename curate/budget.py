"""A budget as it is written: a number, or a share of the pool such as 10%."""

from __future__ import annotations

import math
from dataclasses import dataclass

from isocenter.core.errors import BadInput

EXAMPLES = "500, 2e9 or 10%"


@dataclass(frozen=True, slots=True)
class Budget:
    """amount: how much, or a share between 0 and 1."""

    amount: float
    share: bool = False

    def of(self, pool: int) -> int | float:
        """The number meant for a pool of this many samples; whole numbers come as int."""
        number = float(max(1, round(self.amount * pool))) if self.share else self.amount
        return int(number) if number.is_integer() else number


def read_budget(value: str | float) -> Budget:
    """`500`, `2e9` and `10%`. Raises BadInput for anything else, and for a share that is none."""
    text = str(value).strip()
    share = text.endswith("%")
    try:
        amount = float(text.removesuffix("%"))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        raise BadInput(f"{text!r} is no number and no share", hint=EXAMPLES)
    if share and not 0 < amount <= 100:
        raise BadInput(f"{text} is no share of a pool", hint="more than 0%, at most 100%")
    return Budget(amount / 100 if share else amount, share)

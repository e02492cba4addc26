"""A budget as it is typed: a number, or a share of the pool such as 10%."""

from __future__ import annotations

from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Budget:
    """amount: how much, or a share between 0 and 1."""

    amount: float
    share: bool = False

    def of(self, pool: int) -> int | float:
        """The number meant for a pool of this many samples; whole numbers come as int."""
        number = float(max(1, round(self.amount * pool))) if self.share else self.amount
        return int(number) if number.is_integer() else number


class BudgetType(click.ParamType):
    """Click's reading of `500`, `2e9` and `10%`."""

    name = "number or share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Budget:
        if isinstance(value, Budget):
            return value
        text = str(value).strip()
        share = text.endswith("%")
        try:
            amount = float(text.rstrip("%"))
        except ValueError:
            self.fail(f"{text!r} is no number and no share: 500, 2e9 or 10%", param, ctx)
        if share and not 0 < amount <= 100:
            self.fail(f"{text} is no share of a pool: more than 0 %, at most 100 %", param, ctx)
        return Budget(amount / 100 if share else amount, share)

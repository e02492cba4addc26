"""A budget on the command line: a number, or a share of the pool such as 10%."""

from __future__ import annotations

import click

from isocenter.core.errors import BadInput
from isocenter.curate.budget import Budget, read_budget


class BudgetType(click.ParamType):
    """Click's reading of `500`, `2e9` and `10%`."""

    name = "number or share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Budget:
        if isinstance(value, Budget):
            return value
        try:
            return read_budget(str(value))
        except BadInput as error:
            self.fail(f"{error.what}: {error.hint}", param, ctx)

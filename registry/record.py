"""What importers take and yield: options in; per row of an outside source its claims as text and its facets as terms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.core.files import require_file

Options = Mapping[str, str]               # `--option NAME=VALUE` of `catalog import`
NO_OPTIONS: Options = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Claim:
    """One field of one dataset as one source states it."""

    field: str
    value: str
    confidence: str = "second-hand"       # reviewed, read, second-hand, inferred
    note: str = ""                        # the cell itself where the value was derived from it
    doubt: str = ""                       # why it is not believed


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a source. `evidence` names the row, so that a reader can look it up."""

    source: str
    evidence: str
    name: str
    claims: tuple[Claim, ...] = ()
    terms: tuple[tuple[str, str, str], ...] = ()      # (facet, term id, field of the claim it was read from)
    aliases: tuple[str, ...] = ()
    relations: tuple[tuple[str, str, str], ...] = ()  # (predicate, name of the other dataset, detail)
    licences: tuple[Claim, ...] = ()      # each licence that the source states, as it spells it
    unread: tuple[tuple[str, str], ...] = ()          # (field, why a cell of it is no value)


def read_json(path: Path) -> Any:
    """A JSON file's value. Raises NotFound, or BadInput when it cannot be read as such."""
    try:
        return json.loads(require_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"not a JSON file ({error})", where=str(path)) from error

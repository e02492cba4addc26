"""The licence of every sample, as an identifier: its own statement, else what is stated or claimed for its dataset."""

from __future__ import annotations

from functools import cache

from isocenter.core.workspace import Workspace
from isocenter.curate.knowledge import known_of
from isocenter.harmonize.cohort import Cohort
from isocenter.registry.license_parser import parse_license


def sample_licences(workspace: Workspace, cohort: Cohort) -> list[str | None]:
    """SPDX-like id per row of the cohort (`CC BY 4.0` and `cc-by-4.0` are one); None where nobody states any."""
    table = cohort.samples(workspace, ["license"])
    silent = table["dataset"].filter(table["license"].is_null()).unique().sort().to_list()
    claims = {name: known.license.id if known.license else None for name, known in known_of(workspace, silent).items()} if silent else {}
    return [licence_id(text) if text else claims.get(dataset) for dataset, text in table.select("dataset", "license").iter_rows()]


@cache
def licence_id(text: str) -> str:
    """The id of a licence as people write it."""
    return parse_license(text).id

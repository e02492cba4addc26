"""Which geometry a dataset is in, and which of its samples are not: told from its tables, no volume is opened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from isocenter.core.tables import read_header, read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.sample import SAMPLES

GEOMETRY = "geometry"
"""Key of the sample table's header: the geometry that `harmonize` brought the dataset into, as `Preset.told` says it, and under `left` the samples
and mask files that could not come along -> why. Absent or None: the dataset is as published or canonical."""
NOT_STORED = "not_stored: "
"""Mark of the issue that says why a sample was declined."""


def geometry_of(workspace: Workspace, dataset: str) -> dict[str, Any] | None:
    """See GEOMETRY. Raises NotFound when the dataset is not scanned."""
    found: dict[str, Any] | None = read_header(workspace.samples(dataset), SAMPLES).get(GEOMETRY)
    return found


def outside(workspace: Workspace, dataset: str) -> dict[str, str]:
    """Samples that are not in the geometry of their dataset -> why: declined, left as they were, or with a mask that was. None without a geometry."""
    known = geometry_of(workspace, dataset)
    if known is None:
        return {}
    left: dict[str, str] = known["left"]
    found = declined(read_table(workspace.samples(dataset), SAMPLES, ["sample_id", "issues"]).iter_rows())
    if left and workspace.annotations(dataset).exists():
        masks = read_table(workspace.annotations(dataset), ANNOTATIONS, ["sample_id", "uri"]).filter(pl.col("uri").is_in(sorted(left)))
        found |= {sample: f"a mask of it could not come along: {left[uri]}" for sample, uri in masks.iter_rows()}
        left = {one: why for one, why in left.items() if one not in set(masks["uri"])}
    return found | left


def declined(issues: Iterable[tuple[str, list[str] | None]]) -> dict[str, str]:
    """From sample ids with their issues: those that harmonizing declined -> why."""
    return {sample: issue.removeprefix(NOT_STORED) for sample, several in issues for issue in several or [] if issue.startswith(NOT_STORED)}

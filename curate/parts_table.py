"""The table beside a cohort of parts: what only patches have goes in as columns, and one value per row of a cohort comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isocenter.core.tables import Kind
from isocenter.core.workspace import Workspace
from isocenter.curate.api import Pool
from isocenter.curate.columns import supplied_column
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.part import parse_part

PARTS = Kind("parts", 1, pa.schema([
    ("sample_id", pa.string()), ("foreground", pa.float64()), ("volume_foreground", pa.int64()), ("entropy", pa.float64()), ("class_entropy", pa.list_(pa.float64())), ("bald", pa.float64()),
    ("beta", pa.float64()),
]))
"""foreground: share of the part's voxels in any mask, volume_foreground: voxels in any mask of its volume; null: no masks. entropy, bald: means over the part, in nats; class_entropy: by class,
background first; null: no predictions, or no ensemble. beta: the power of the round of annotation, for `clasp-pe`."""
BOUNDS = ("image", "box")
MEASURED = (*BOUNDS, "foreground", "volume_foreground")
PART_COLUMNS = (*PARTS.schema.names[1:], *BOUNDS)


def parts_path(workspace: Workspace, name: str) -> Path:
    """Where the table of a cohort of parts lies."""
    return workspace.root / "cohorts" / name / "parts.parquet"


def part_column(workspace: Workspace, cohort: Cohort, column: str) -> NDArray[Any] | None:
    """A column that only patches have: of their table, or read from their ids. None where the cohort holds none, or for another column."""
    if column in BOUNDS:
        return _bounds(cohort, column)
    tables = [path for name in (cohort.name, *reversed(cohort.header.get("lineage", []))) if (path := parts_path(workspace, name)).exists()]
    return supplied_column(cohort, column, tables[0]) if column in PART_COLUMNS and tables else None


def shown(pool: Pool, chosen: NDArray[np.integer]) -> dict[str, float]:
    """Of patches, none of which overlap: `volumes`, their number, and `foreground`, their share of the pool's volumes' voxels in masks, if there are any.

    Reads the columns `MEASURED`, and gives nothing for a pool of whole samples.
    """
    if not set(BOUNDS) <= set(pool.columns):
        return {}
    image = pool.columns["image"]
    found = {"volumes": float(len(set(image[chosen].tolist())))}
    if not set(MEASURED) <= set(pool.columns):
        return found
    whole = sum(number or 0 for number in dict(zip(image.tolist(), pool.columns["volume_foreground"].tolist())).values())
    boxes = np.array(pool.columns["box"][chosen].tolist(), np.int64).reshape(len(chosen), 2, -1)
    share = np.array([value or 0.0 for value in pool.columns["foreground"][chosen].tolist()])
    return found | ({"foreground": float((share * (boxes[:, 1] - boxes[:, 0]).prod(1)).sum() / whole)} if whole else {})


def _bounds(cohort: Cohort, column: str) -> NDArray[Any] | None:
    """`image`: the sample that a part is of; `box`: its first voxel along every axis, then the first behind it."""
    ids = cohort.table["sample_id"].to_list()
    if not ids or parse_part(ids[0]) is None:
        return None
    parts = [part for one in ids if (part := parse_part(one))]
    if len(parts) < len(ids):
        return None
    values = np.empty(len(parts), object)
    values[:] = [part.parent_id if column == "image" else (*part.start, *part.stop) for part in parts]
    return values

"""The table beside a cohort of parts: what only patches have goes in as columns, and one value per row of a cohort comes out."""

from __future__ import annotations

from collections.abc import Mapping
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
    ("sample_id", pa.string()), ("foreground", pa.float64()), ("entropy", pa.float64()), ("class_entropy", pa.list_(pa.float64())), ("bald", pa.float64()),
    ("beta", pa.float64()),
]))
"""foreground: share of the part's voxels in any mask; null: no masks. entropy, bald: means over the part, in nats; class_entropy: by class,
background first; null: no predictions, or no ensemble. beta: the power of the round of annotation, for `clasp-pe`."""
BOUNDS = ("image", "box")
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


def shown(pool: Pool, chosen: NDArray[np.integer], header: Mapping[str, Any]) -> dict[str, float]:
    """What chosen patches show: the number of volumes, and the share of the volumes' foreground voxels, where masks tell it. None of them overlap."""
    images = {pool.columns["image"][at] for at in chosen.tolist()}
    whole = header.get("foreground_voxels")
    if not whole or "foreground" not in pool.columns:
        return {"volumes": float(len(images))}
    boxes = np.array(pool.columns["box"].tolist(), np.int64)
    half = boxes.shape[1] // 2
    voxels = (boxes[:, half:] - boxes[:, :half]).prod(1)[chosen]
    share = np.nan_to_num(np.array([np.nan if value is None else value for value in pool.columns["foreground"][chosen].tolist()], float))
    return {"volumes": float(len(images)), "foreground": float((share * voxels).sum() / whole)}


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

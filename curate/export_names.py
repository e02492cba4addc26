"""Who is behind a pseudonym: for every export of a cohort a table stays in the workspace that leads from public ids back to the data."""

from __future__ import annotations

import pyarrow as pa

from isocenter.core.tables import Kind, write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export_gather import Items
from isocenter.curate.export_manifest import gather
from isocenter.curate.pseudonym import IDS
from isocenter.harmonize.cohort import Cohort

NAMES = Kind("names", 1, pa.schema([("public", pa.string()), ("sample_id", pa.string()), *((name, pa.string()) for pair in IDS.items() for name in pair)]))


def write_names(workspace: Workspace, cohort: Cohort, items: Items) -> None:
    """`pseudonyms/<cohort>.parquet` of the workspace: public and own sample id, and every id beside its pseudonym."""
    rows = ({"public": items.public_id(row), "sample_id": row["sample_id"], **{column: row[column] for column in IDS.values()},
             **{kind: items.pseudonyms.of(items.slug(row), kind, row[column]) for kind, column in IDS.items()}} for row in items.rows())
    write_table(workspace.root / "pseudonyms" / f"{cohort.name}.parquet", gather(rows, NAMES), NAMES)

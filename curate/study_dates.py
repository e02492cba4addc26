"""Study dates of a cohort's samples: DICOM samples go in, the date of the study (else of the acquisition) comes out of their headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.dicom.index import index_files
from isocenter.harmonize.sample import INVENTORY
from isocenter.harmonize.source import open_source

WANTED = ("StudyDate", "AcquisitionDate")


def study_dates(workspace: Workspace, cohort: Cohort) -> NDArray[np.object_]:
    """`YYYYMMDD` per row of the cohort, None where no header states it; dates are read when asked for and never kept in a table."""
    known: dict[str, str] = {}
    for dataset in cohort.table["dataset"].unique().sort():
        root = open_source(workspace, dataset).root
        files = read_table(workspace.inventory(dataset), INVENTORY, ["path", "sample_id", "format", "role"]).filter(
            (pl.col("format") == "dicom") & (pl.col("role") == "image") & pl.col("sample_id").is_not_null() & ~pl.col("path").str.contains("::"))
        first = files.unique("sample_id", keep="first", maintain_order=True)
        headers = pl.from_arrow(index_files([Path(root) / path for path in first["path"]], WANTED)) if first.height else None
        if isinstance(headers, pl.DataFrame):
            known |= {sample: date for sample, date in zip(first["sample_id"], headers.select(pl.coalesce(*WANTED)).to_series()) if date}
    result = np.empty(len(cohort), object)
    result[:] = [known.get(sample) for sample in cohort.table["sample_id"].to_list()]
    return result

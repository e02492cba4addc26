"""Masks by term: the annotation rows of one sample go in, a boolean array per structure comes out, in the mask's own voxels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import NotFound
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.image import recognize
from isocenter.harmonize.mask_file import in_runs, open_mask, runs_of_row, value_of
from isocenter.harmonize.readings import read_readings
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.source import annotation_file, open_source
from isocenter.registry.labelconflicts import OWN_RULES
from isocenter.registry.labelmap import LabelMap
from isocenter.registry.labelmaps import all_maps


@dataclass(frozen=True, slots=True)
class TermMasks:
    """masks: term -> boolean array, only terms that occur. annotated: every term that the masks speak of."""

    masks: dict[str, NDArray[np.bool_]]
    annotated: frozenset[str]


class MaskReader:
    """Reads the masks of one dataset with the label maps that its scan used."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        source = open_source(workspace, dataset)
        self.root: Path = source.root
        self.file = partial(annotation_file, workspace, source)
        self.maps = maps_at_work(workspace, dataset)
        self.shapes: dict[str, tuple[int, int]] = {}
        if workspace.samples(dataset).exists():
            table = read_table(workspace.samples(dataset), SAMPLES, ["sample_id", "shape"])
            self.shapes = {sample: (shape[0], shape[1]) for sample, shape in table.iter_rows() if shape and len(shape) > 1}

    def read(self, annotations: Iterable[dict[str, Any]]) -> TermMasks:
        """Structures of one sample. Wholes that a map only puts together (union, absorb) are left to the reader: their parts are here.

        A mask file whose rule names one term means that term by every non-zero value. Raises Unreadable.
        """
        masks: dict[str, NDArray[np.bool_]] = {}
        annotated: set[str] = set()
        rows = [row for row in annotations if row["kind"] == "mask" and (row["uri"] or row["state"] == "absent" or in_runs(row))]
        for (uri, name, geometry), some in _together(rows).items():
            meaning = self._meaning(name if uri else None, [row["term"] for row in some])
            annotated |= meaning.keys()
            if uri is None and geometry is None:
                continue
            array = self._array(uri, geometry, some[0]["sample_id"])
            for term, values in meaning.items():
                found = array != 0 if values is None else np.isin(array, sorted(values))
                if found.any():
                    masks[term] = masks[term] | found if term in masks else found
        return TermMasks(masks, frozenset(annotated))

    def _array(self, uri: str | None, geometry: str | None, sample: str) -> NDArray[Any]:
        if uri is None:
            return runs_of_row({"geometry": geometry}, self.shapes[sample])
        path = self.file(uri)
        return open_mask(path, recognize(path) or "", geometry)

    def _meaning(self, name: str | None, terms: list[str]) -> dict[str, set[int] | None]:
        """term -> raw values; None stands for every value but 0."""
        mapping = self.maps.get(name or "")
        if mapping is None or any(entry.raw == "*" for entry in mapping.entries):
            return dict.fromkeys(terms, None)
        found: dict[str, set[int] | None] = {}
        for entry in mapping.entries:
            if entry.rule in OWN_RULES and (value := value_of(entry.raw)) is not None:
                for term in entry.terms:
                    values = found.setdefault(term, set())
                    if values is not None:
                        values.add(value)
        return found


def maps_at_work(workspace: Workspace, dataset: str) -> dict[str, LabelMap]:
    """Label maps by name: the catalog's, the layout's own, and those that the scan read from the dataset's own files."""
    own = layouts.load(layouts.find(open_source(workspace, dataset).layout, workspace)).maps
    try:
        used = [reader.map for reader in read_readings(workspace, dataset).readers.values()]
    except NotFound:
        used = []
    return {**all_maps(), **{mapping.name: mapping for mapping in (*own, *used)}}


def _together(rows: list[dict[str, Any]]) -> dict[tuple[str | None, str | None, str | None], list[dict[str, Any]]]:
    """Rows of one mask file (or of one cell of run lengths) that one map reads."""
    found: dict[tuple[str | None, str | None, str | None], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["uri"], row["label_map"], row["geometry"]), []).append(row)
    return found

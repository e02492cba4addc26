"""Masks by term: the annotation rows of one sample go in, a boolean array per structure comes out, in the mask's own voxels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.workspace import Workspace
from isocenter.harmonize import layout as layouts
from isocenter.harmonize.image import load_pixels, recognize
from isocenter.harmonize.source import open_source
from isocenter.registry.labelconflicts import OWN_RULES
from isocenter.registry.labelmap import LabelMap
from isocenter.registry.labelmaps import all_maps


@dataclass(frozen=True, slots=True)
class TermMasks:
    """masks: term -> boolean array, only terms that occur. annotated: every term that the masks speak of."""

    masks: dict[str, NDArray[np.bool_]]
    annotated: frozenset[str]


class MaskReader:
    """Reads the masks of one dataset with the label maps of its layout."""

    def __init__(self, workspace: Workspace, dataset: str) -> None:
        source = open_source(workspace, dataset)
        self.root: Path = source.root
        self.maps: dict[str, LabelMap] = {**all_maps(), **{mapping.name: mapping for mapping in layouts.load(layouts.find(source.layout, workspace)).maps}}

    def read(self, annotations: Iterable[dict[str, Any]]) -> TermMasks:
        """Structures of one sample. Wholes that a map only puts together (union, absorb) are left to the reader: their parts are here.

        A mask file whose rule names one term means that term by every non-zero value. Raises Unreadable.
        """
        masks: dict[str, NDArray[np.bool_]] = {}
        annotated: set[str] = set()
        rows = [row for row in annotations if row["kind"] == "mask" and row["uri"]]
        for uri, name in dict.fromkeys((row["uri"], row["label_map"]) for row in rows):
            path = self.root / uri
            array = load_pixels(path, recognize(path) or "")
            for term, values in self._meaning(name, [row["term"] for row in rows if (row["uri"], row["label_map"]) == (uri, name)]).items():
                annotated.add(term)
                found = array != 0 if values is None else np.isin(array, sorted(values))
                if found.any():
                    masks[term] = masks[term] | found if term in masks else found
        return TermMasks(masks, frozenset(annotated))

    def _meaning(self, name: str | None, terms: list[str]) -> dict[str, set[int] | None]:
        """term -> raw values; None stands for every value but 0."""
        mapping = self.maps.get(name or "")
        if mapping is None:
            return dict.fromkeys(terms, None)
        found: dict[str, set[int] | None] = {}
        for entry in mapping.entries:
            if entry.rule in OWN_RULES and entry.raw.lstrip("-").isdigit():
                for term in entry.terms:
                    values = found.setdefault(term, set())
                    if values is not None:
                        values.add(int(entry.raw))
        return found

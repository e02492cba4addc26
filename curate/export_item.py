"""What an exporter sees of a sample: its public facts, its files in order, and its annotations in the terms of the corpus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isocenter.core.errors import Unreadable
from isocenter.curate.export_terms import Terms
from isocenter.harmonize.image import Pixels
from isocenter.harmonize.mask_file import in_runs, runs_of_row
from isocenter.harmonize.mask_terms import MaskReader, TermMasks

MEMBER = "::"


@dataclass(frozen=True, slots=True)
class BoxMark:
    """A box of a term: (x0, y0, x1, y1), half-open, origin at the first pixel."""

    term: str
    corners: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ObjectMark:
    """One object of a term with its mask (rows, columns); corners: its box as published, None where it came without one."""

    term: str
    mask: NDArray[np.uint8]
    corners: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One sample on its way out.

    number: its place in the cohort. row: its columns without ids of persons; `sample_id` is the public one, `patient`, `study` and `series` are
    pseudonyms. files: absolute path and public name, in geometric order; a path with `::` is a member of a file of arrays. Of a volume that was
    brought into a geometry, it is the one file in that geometry. load: decodes the sample. stored: the harmonized NIfTI file. annotations: rows of the annotation table, each with the `dataset` that published it; `readers` reads
    that dataset's masks; `terms` carries what they mark into the label space of the cohort. part: the selector of a piece of a sample.
    rewrite: writes a published file (first) with pseudonyms (second) and counts what it changed; None where files hold no ids.
    """

    number: int
    row: dict[str, Any]
    files: tuple[tuple[Path, str], ...]
    load: Callable[[], Pixels]
    stored: Path | None = None
    annotations: tuple[dict[str, Any], ...] = ()
    readers: Callable[[str], MaskReader] | None = None
    terms: Terms = field(default_factory=Terms)
    part: str | None = None
    rewrite: Callable[[Path, Path], Counter[str]] | None = None

    @property
    def sample_id(self) -> str:
        return str(self.row["sample_id"])

    @property
    def split(self) -> str | None:
        split: str | None = self.row["split"]
        return split

    @property
    def member(self) -> bool:
        """Whether the sample is an array inside a file, which cannot be copied as a file."""
        return any(MEMBER in path.name or MEMBER in str(path.parent) for path, _ in self.files)

    def pixels(self) -> Pixels:
        """The decoded sample, see `load_sample`. Raises Unreadable."""
        return self.load()

    def boxes(self) -> list[BoxMark]:
        """Boxes of terms that the cohort's label space has."""
        found = []
        for mark in self.annotations:
            if mark["kind"] == "box" and mark["term"]:
                corners = tuple(float(value) for value in json.loads(mark["geometry"])["box"])
                found += [BoxMark(term, corners) for term in self.terms.names_of(mark["term"])]  # type: ignore[arg-type]
        return list(dict.fromkeys(found))

    def mask_files(self) -> list[Path]:
        """Mask files, each once, in order; a path with `::` is a member of a file of arrays."""
        readers = self.readers
        return [] if readers is None else list(dict.fromkeys(readers(mark["dataset"]).root / mark["uri"] for mark in self._mask_marks() if mark["uri"]))

    def mask_terms(self) -> list[str]:
        """Terms of the label space that the masks say something about, found without reading a mask."""
        return self.terms.all_of({mark["term"] for mark in self._mask_marks()})

    def nameless_masks(self) -> bool:
        """Whether it has masks, none of whose values means anything."""
        masks = [mark for mark in self.annotations if mark["kind"] == "mask" and mark["uri"]]
        return bool(masks) and not any(mark["term"] for mark in masks)

    def annotated(self) -> frozenset[str]:
        """Terms that the masks speak of everywhere in the picture, found without reading a mask."""
        return self.terms.complete({mark["term"] for mark in self._mask_marks()})

    def masks(self) -> TermMasks:
        """Structures by term of the label space, in the voxels of the mask files. Masks of several datasets are put together. Raises Unreadable."""
        raw: dict[str, Any] = {}
        annotated: set[str] = set()
        marks, readers = self._mask_marks(), self.readers
        for dataset in sorted({mark["dataset"] for mark in marks}) if readers else ():
            found = readers(dataset).read(mark for mark in marks if mark["dataset"] == dataset)  # type: ignore[misc]
            annotated |= found.annotated
            for term, mask in found.masks.items():
                if term in raw and raw[term].shape != mask.shape:
                    raise Unreadable(f"two masks of {term} differ in shape: {raw[term].shape} and {mask.shape}")
                raw[term] = raw[term] | mask if term in raw else mask
        masks: dict[str, Any] = {}
        for term in self.terms.all_of(annotated):
            parts = [raw[name] for name in sorted(self.terms.sources(term, annotated)) if name in raw]
            if parts:
                masks[term] = parts[0] if len(parts) == 1 else np.logical_or.reduce(parts)
        return TermMasks(masks, self.terms.complete(annotated))

    def objects(self) -> list[ObjectMark]:
        """Objects whose outlines stand in the annotations, one by one, of terms that no mask file draws. Raises Unreadable."""
        marks, readers, found = self._mask_marks(), self.readers, []
        drawn = set(self.terms.all_of({mark["term"] for mark in marks if mark["uri"]}))
        for mark in filter(in_runs, marks) if readers else ():
            mask, box = runs_of_row(mark, readers(mark["dataset"]).shapes[mark["sample_id"]]), json.loads(mark["geometry"]).get("box")  # type: ignore[misc]
            found += [ObjectMark(term, mask, tuple(box) if box else None) for term in self.terms.names_of(mark["term"]) if term not in drawn and mask.any()]
        return found

    def _mask_marks(self) -> list[dict[str, Any]]:
        return [mark for mark in self.annotations if mark["kind"] == "mask" and (mark["uri"] or mark["state"] == "absent" or in_runs(mark)) and mark["term"]]

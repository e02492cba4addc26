"""Derive annotations for a scanned dataset: its mask annotations go in; derived rows take the place of earlier ones in its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from isocenter.core.errors import BadInput, IsocenterError, NotFound, Unreadable
from isocenter.core.progress import track
from isocenter.core.runs import ledger
from isocenter.core.tables import read_header, read_table, table_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.annotation import ANNOTATIONS
from isocenter.harmonize.derive import DERIVATIONS, MaskView, derive
from isocenter.harmonize.image import recognize
from isocenter.harmonize.mask_file import in_runs, open_mask, runs_of_row, value_of
from isocenter.harmonize.mask_terms import maps_at_work
from isocenter.harmonize.remap import labels_present
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.source import Source, annotation_file, open_source, scanned

MADE_BY = "isocenter derive "
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DerivedRows:
    """How many masks were read, how many rows each derivation gave, and which masks could not be used (uri -> reason)."""

    dataset: str
    masks: int
    rows: dict[str, int]
    skipped: dict[str, str] = field(default_factory=dict)


def derive_dataset(workspace: Workspace, name: str, what: Sequence[str], *, dry_run: bool = False) -> DerivedRows:
    """Add rows of the wished kinds for every mask of the dataset; rows of the same kinds made earlier are replaced.

    Raises NotFound for an unknown wish, a dataset that is not scanned, or one without masks.
    """
    for wish in what:
        DERIVATIONS.get(wish)
    source = open_source(workspace, name)
    scanned(workspace, name)
    path = workspace.annotations(name)
    known = list(read_table(path, ANNOTATIONS).iter_rows(named=True))
    masks = list(_masks(known))
    if not masks:
        raise NotFound(f"{name} has no mask annotations", where=str(path), hint="is there a mask rule in its layout, or harmonize it first if masks are DICOM")
    samples = {row["sample_id"]: row for row in read_table(workspace.samples(name), SAMPLES).iter_rows(named=True)}
    maps = _Maps(source, workspace)
    made, skipped = [], {}
    with ledger(workspace, "derive", dry_run=dry_run, dataset=name, what=list(what)) as run:
        for rows in track(masks, f"derive {name}"):
            try:
                made += list(derive(_view(workspace, source, maps, rows, samples[rows[0]["sample_id"]]), what))
            except IsocenterError as error:
                skipped[rows[0]["uri"] or f"runs of {rows[0]['sample_id']}"] = error.what
        counts = {wish: sum(row["annotator"].startswith(f"{MADE_BY}{wish}/") for row in made) for wish in what}
        if not dry_run:
            replaced = tuple(f"{MADE_BY}{wish}/" for wish in what)
            kept = [row for row in known if not (row["annotator"] or "").startswith(replaced)]
            write_table(path, kept + made, ANNOTATIONS, read_header(path, ANNOTATIONS))
            run.outputs["annotations"] = table_fingerprint(path)
        run.counts |= counts
    return DerivedRows(name, len(masks), counts, skipped)


def _masks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of one mask file or of one object in run lengths together, in order of sample and file."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        runs = row["geometry"] if in_runs(row) else ""
        if row["kind"] == "mask" and (row["uri"] or runs):
            groups.setdefault((row["sample_id"], row["uri"] or "", runs), []).append(row)
    yield from (groups[key] for key in sorted(groups))


def _view(workspace: Workspace, source: Source, maps: _Maps, rows: Sequence[Row], sample: Row) -> MaskView:
    mask, affine, oriented = _drawn(rows[0], sample) if in_runs(rows[0]) else _opened(annotation_file(workspace, source, rows[0]["uri"]), rows[0]["geometry"], sample)
    while mask.ndim > 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    if mask.ndim > 3:
        raise BadInput(f"a mask with {mask.ndim} axes is not measured")
    return MaskView(
        rows[0]["sample_id"], mask, maps.terms(rows, mask), affine, oriented, rows[0]["uri"], rows[0]["label_map"], sample["modality"], sample["body_part"])


def _drawn(row: Row, sample: Row) -> tuple[NDArray[Any], NDArray[np.float64] | None, bool]:
    """A mask that is written in run lengths, as (x, y)."""
    shape = sample["shape"] or []
    if len(shape) < 2:
        raise Unreadable("run lengths of a picture without a shape")
    return _picture(runs_of_row(row, (shape[0], shape[1]))), _in_mm(sample), False


def _opened(path: Path, geometry: str | None, sample: Row) -> tuple[NDArray[Any], NDArray[np.float64] | None, bool]:
    if not path.exists():
        raise NotFound("the mask file is gone", where=str(path))
    format_ = recognize(path)
    if format_ is None:
        raise Unreadable("no reader knows this mask")
    mask = open_mask(path, format_, geometry)
    return mask if format_ == "nifti" else _picture(mask), *_affine(path, format_, sample)


def _affine(path: Path, format_: str, sample: Row) -> tuple[NDArray[np.float64] | None, bool]:
    if format_ == "nifti":
        try:
            image = nib.load(path)
        except ImageFileError:
            return None, False
        return np.asarray(image.affine, dtype=np.float64), True          # type: ignore[attr-defined]
    return _in_mm(sample), False


def _in_mm(sample: Row) -> NDArray[np.float64] | None:
    """The grid of a picture whose pixels have a size."""
    spacing = sample["spacing_mm"]
    return np.diag([spacing[0], spacing[1], 1.0, 1.0]) if spacing and len(spacing) >= 2 and min(spacing[:2]) > 0 else None


def _picture(mask: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns) as (x, y); a colour picture counts only if its channels agree."""
    if mask.ndim == 3:
        if not (mask == mask[..., :1]).all():
            raise BadInput("a mask in colours needs a label map of colours")
        mask = mask[..., 0]
    return mask.T


class _Maps:
    """What the values of a mask mean, by the name of its label map."""

    def __init__(self, source: Source, workspace: Workspace) -> None:
        self.known = maps_at_work(workspace, source.name)

    def terms(self, rows: Sequence[Row], mask: NDArray[Any]) -> Mapping[int, tuple[str, ...]]:
        name = rows[0]["label_map"]
        mapping = self.known.get(name or "")
        if mapping is None or any(entry.raw == "*" for entry in mapping.entries):                                              # a binary mask: every value means its one term
            named = tuple(sorted({row["term"] or row["raw"] for row in rows if (row["term"] or row["raw"]) and row["state"] != "absent"}))
            return {value: named for value in labels_present(mask) if value != 0} if len(named) == 1 else {}
        return {value: entry.terms for entry in mapping.entries if (value := value_of(entry.raw)) is not None and entry.terms and entry.state == "present"}

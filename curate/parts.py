"""Cut volumes into patches: a cohort of samples goes in, a cohort of parts comes out, with what masks and predictions say of each beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isocenter.core.errors import BadInput, IsocenterError
from isocenter.core.files import blake2b
from isocenter.core.progress import track
from isocenter.core.runs import ledger
from isocenter.core.tables import content_fingerprint, write_table
from isocenter.core.workspace import Workspace
from isocenter.curate.export_gather import Items
from isocenter.curate.export_item import Item
from isocenter.curate.parts_table import PARTS, parts_path
from isocenter.curate.patches import class_entropies, means, mutual_information, predictive_entropy
from isocenter.curate.predictions_volumes import PredictionFolders
from isocenter.curate.pseudonym import Pseudonyms
from isocenter.harmonize.cohort import Cohort, check_name
from isocenter.harmonize.cohort_line import claim
from isocenter.harmonize.mask_terms import TermMasks
from isocenter.harmonize.part import Part, parse_part, part_grid
from isocenter.harmonize.sample import LABELS_DTYPE

LAST_BETA = 100.0


@dataclass(frozen=True, slots=True)
class Cut:
    """How volumes are cut. size, stride: along x, y, z, in voxels or millimetres; number: at most so many a volume, drawn at random; None: all."""

    size: tuple[float, float, float]
    stride: tuple[float, float, float]
    in_mm: bool = False
    number: int | None = None

    def parts(self, row: Mapping[str, Any]) -> list[Part]:
        """Every part of one sample. Raises BadInput where it has no third dimension, or no spacing that is needed."""
        shape, spacing = row["shape"], row["spacing_mm"]
        if not shape or len(shape) < 3 or shape[2] < 2:
            raise BadInput("is no volume")
        if self.in_mm and not (spacing and len(spacing) > 2 and min(spacing[:3]) > 0):
            raise BadInput("states no spacing, and sizes are in mm")
        unit = spacing[:3] if self.in_mm else (1, 1, 1)
        size, stride = ([max(1, round(length / step)) for length, step in zip(lengths, unit)] for lengths in (self.size, self.stride))
        return part_grid(row["sample_id"], shape[:3], size, stride)


@dataclass(frozen=True, slots=True)
class Patches:
    """The cohort of parts, its table, and the samples that gave none with the reason for each."""

    cohort: Cohort
    table: pl.DataFrame
    left_out: dict[str, str] = field(default_factory=dict)


def patches(workspace: Workspace, cohort: Cohort, cut: Cut, *, name: str, predictions: Sequence[Path] = (), taken: Sequence[Cohort] = (),
            rounds: int = 10, seed: int = 0, dry_run: bool = False, force: bool = False) -> Patches:
    """Parts of every volume of the cohort; their labels say which terms the masks show in them.

    predictions: one folder of class probabilities for each member of an ensemble. taken: parts that earlier rounds of annotation chose, one
    cohort a round; what overlaps them is left out, and with `rounds` in all their number gives the power 100^(t / (rounds - 1)).
    Memory: one volume with its masks and predictions. Raises BadInput when no volume can be cut; a volume that cannot be read is left out.
    """
    check_name(name)
    asked: dict[str, Any] = {"size": cut.size, "stride": cut.stride, "in_mm": cut.in_mm, "number": cut.number, "predictions": [str(one) for one in predictions],
                             "taken": [one.name for one in taken], "rounds": rounds, "seed": seed}
    with ledger(workspace, "patches", dry_run=dry_run, cohort=cohort.name, name=name, **asked) as run:
        run.inputs |= {one.name: one.fingerprint or "" for one in (cohort, *taken)}
        before, folders = _by_parent(taken), PredictionFolders(predictions) if predictions else None
        claim(workspace, cohort.next(name, cohort.table, "patches", **asked), force=force)
        rows, left_out = _cut_all(workspace, cohort, cut, folders, before, seed)
        if not rows:
            raise BadInput(f"{cohort.name} gives no patches: {next((' '.join(one) for one in left_out.items()), 'it is empty, or all of it was taken')}", hint="isocenter status shows what its samples are")
        beta = LAST_BETA ** (min(1.0, len(taken) / (rounds - 1)) if rounds > 1 else 0.0)
        table = pl.DataFrame([row | {"beta": beta, "labels": None} for row in rows], infer_schema_length=None)
        described = table.select(PARTS.schema.names)
        labels = pl.Series("labels", [row["labels"] for row in rows], dtype=LABELS_DTYPE)
        planned = cohort.next(name, table.select("sample_id", "dataset", "uri", "split").with_columns(labels), "patches", **asked)
        made = Cohort(name, planned.table, {**planned.header, "parts": content_fingerprint(described)}).save(workspace, dry_run=dry_run)
        if not dry_run:
            write_table(parts_path(workspace, name), described, PARTS)
        run.counts |= {"samples": len(cohort), "left out": len(left_out), "parts": len(made)}
        run.outputs |= {name: made.fingerprint or ""}
    return Patches(made, described, left_out)


def _cut_all(workspace: Workspace, cohort: Cohort, cut: Cut, folders: PredictionFolders | None, before: Mapping[str, list[Part]], seed: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """A row for every part, and the samples that gave none with the reason for each."""
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    items = Items(workspace, cohort, Pseudonyms(bytes(16)))     # ids stay in this process
    for row, item in track(zip(items.rows(), items), "patches", len(cohort)):
        try:
            free = [part for part in cut.parts(row) if not any(part.overlaps(other) for other in before.get(part.parent_id, ()))]
            found = _described(_sampled(free, cut.number, seed), row, _masks(row, item), folders)
            rows += [{"dataset": row["dataset"], "uri": row["uri"], "split": row["split"], **one} for one in found]
        except IsocenterError as error:
            left_out[row["sample_id"]] = error.what
    return rows, left_out


def _masks(row: Mapping[str, Any], item: Item) -> TermMasks | None:
    """The structures of one sample in its voxels; None where it has no masks."""
    if not item.mask_files():
        return None
    masks = item.masks()
    if wrong := [f"the mask of {term} has the shape {mask.shape}, the volume {tuple(row['shape'][:3])}" for term, mask in masks.masks.items() if mask.shape != tuple(row["shape"][:3])]:
        raise BadInput(wrong[0])
    return masks


def _described(parts: list[Part], row: Mapping[str, Any], masks: TermMasks | None, folders: PredictionFolders | None) -> list[dict[str, Any]]:
    """One row a part: labels and foreground from masks, uncertainty from predictions."""
    found: list[dict[str, Any]] = [{"sample_id": part.part_id, "labels": None, **dict.fromkeys(PARTS.schema.names[1:])} for part in parts]
    if parts and masks is not None:
        inside = np.logical_or.reduce([np.zeros(tuple(row["shape"][:3]), bool), *masks.masks.values()])
        whole = int(np.count_nonzero(inside))
        for part, one in zip(parts, found):
            here = {term for term, mask in masks.masks.items() if mask[part.slices].any()}
            one |= {"foreground": float(inside[part.slices].mean()), "volume_foreground": whole, "labels": dict.fromkeys(masks.annotated, "absent") | dict.fromkeys(here, "present")}
    if parts and folders is not None:
        members = folders.read(row["sample_id"], row["shape"][:3])
        entropy, by_class = means(predictive_entropy(members), parts).tolist(), np.stack([means(one, parts) for one in class_entropies(members)], 1).tolist()
        bald = means(mutual_information(members), parts).tolist() if len(members) > 1 else [None] * len(parts)
        for one, pe, each, mi in zip(found, entropy, by_class, bald):
            one |= {"entropy": pe, "class_entropy": each, "bald": mi}
    return found


def _by_parent(taken: Sequence[Cohort]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for cohort in taken:
        for one in cohort.table["sample_id"].to_list():
            if (part := parse_part(one)) is None:
                raise BadInput(f"{cohort.name} holds whole samples, no patches: {one}", hint="--taken with a cohort that select chose from patches")
            found.setdefault(part.parent_id, []).append(part)
    return found


def _sampled(parts: list[Part], number: int | None, seed: int) -> list[Part]:
    """At most so many, at random but the same whatever else is in the cohort, in the order of the grid."""
    if number is None or len(parts) <= number:
        return parts
    rng = np.random.default_rng([seed, int(blake2b(parts[0].parent_id.encode())[:8], 16)])
    return [parts[at] for at in np.sort(rng.choice(len(parts), number, replace=False))]

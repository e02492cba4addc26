"""The parts of a layout as plain data: which files are images, masks, boxes, tables and legends, and how they belong together."""

from __future__ import annotations

from dataclasses import dataclass

from isocenter.harmonize.patterns import Pattern
from isocenter.registry.labelmap import LabelMap


@dataclass(frozen=True, slots=True)
class ImageRule:
    """Files that are images. `sample`: template that joins several files (channels) into one sample.

    array: pattern of the names of the arrays in an npz file that are pictures; stacked: each holds many along its first axis;
    array_labels: template of the array that holds their labels, read as the token `label`. every_s: of videos, seconds from one frame to the next.
    tile: of slides, the side of their tiles in pixels of `level` (0 the finest); without it a slide is one sample.
    """

    pattern: Pattern
    split: str | None = None
    modality: str | None = None
    sample: str | None = None
    array: str | None = None
    stacked: bool = False
    array_labels: str | None = None
    every_s: float | None = None
    tile: int | None = None
    level: int = 0


@dataclass(frozen=True, slots=True)
class MaskRule:
    """Files that are masks of the image with the same value of every shared token (or of `image`, a template of its path).

    labels: names of the label maps (or legends) of the values; term: what every non-zero value means; either may use tokens.
    raw: for one file per structure, the raw value of the label map that every non-zero value of this file has (`{structure}.nii.gz`).
    slices: each file is one slice of the image's mask; the files of a sample are in the order of their names.
    array: pattern of the names of arrays of an npz file, which may hold the image too; stacked: each holds many masks along its first axis.
    sparse: an npz file of a sparse matrix, one row per class, whose shape the file's name states.
    colours: values are colours, `#rrggbb` in the label map. inverted: 0 is the object. mirrored: axes (`x`, `y`) to turn over until the mask lies on its image.
    table, path: only files whose path a row of the table gives are masks; the row's cells are tokens, so `image = "{image}"` pairs them.
    encoding: which encoding the files are in (an nnU-Net conversion is not what was published). settled: names of maps whose
    other reading of the values has been looked at and set aside.
    """

    pattern: Pattern
    image: str | None = None
    labels: tuple[str, ...] = ()
    term: str | None = None
    raw: str | None = None
    slices: bool = False
    array: str | None = None
    stacked: bool = False
    sparse: bool = False
    colours: bool = False
    inverted: bool = False
    mirrored: str = ""
    table: str | None = None
    path: str | None = None
    annotator: str | None = None
    machine_made: bool = False
    encoding: str = "as published"
    settled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunRule:
    """Masks written as run lengths in the cells of a table: one row per object, several rows per image.

    form: `columns` (start and length pairs from 1, down the columns, as Kaggle wants them) or `gaps` (the start is the distance to the
    end of the run before, down the columns). nothing: cells that say that there is no object. raw: column of the class, read by `labels`.
    """

    table: str
    column: str
    form: str = "columns"
    term: str | None = None
    labels: str | None = None
    raw: str | None = None
    nothing: tuple[str, ...] = ("", "-1")


@dataclass(frozen=True, slots=True)
class TableRule:
    """A table whose rows belong to samples: `on` is filled from its columns, `to` from the sample, and equal text joins them.

    `to` knows {path}, {name}, {stem}, {key} and the tokens of the image pattern. columns: sample column -> template.
    Files named .json or .jsonl hold objects, one per row; rows: the keys of the lists of them, whose name is the cell `list`.
    Of .xlsx files the first sheet is read. skip: lines above the header. optional: a dataset without the table is read without it.
    """

    name: str
    file: Pattern
    on: str
    to: str = "{name}"
    separator: str = ","
    encoding: str = "utf-8-sig"
    header: tuple[str, ...] | None = None
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[str, ...] = ()
    skip: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Where labels stand (`table` and `column`, or a `token` of the image pattern) and the map that reads them.

    listed: cells are written like lists, `['a', 'b']`.
    """

    map: LabelMap
    table: str | None = None
    column: str | None = None
    token: str | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class BoxRule:
    """Files or tables of boxes. Without a map, the names of the boxes are read as the vocabulary reads them.

    form: voc (one XML file per picture, paired by tokens or `image`), coco (one file of many pictures, whose paths `image` makes of {file_name}
    and the tokens), or table: every row of `table` is a box with its sides in four `corners` (x0, y0, x1, y1) or in `size` (x, y, width, height);
    one name stands for a cell that holds all four. raw: the column of its class, or term: what every box is.
    """

    pattern: Pattern | None
    image: str | None = None
    map: LabelMap | None = None
    form: str = "voc"
    table: str | None = None
    corners: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    raw: str | None = None
    term: str | None = None


@dataclass(frozen=True, slots=True)
class LegendRule:
    """A file in which the dataset itself says what its values mean; masks name it under `labels` like a label map.

    A mask takes the legend whose path agrees in every token that both have, the one with the longest path if several do.
    form: see `layout_legend_forms.FORMS`. key: for a file about many datasets, the template of the one that is meant.
    """

    name: str
    file: Pattern
    form: str = "dataset.json"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ReportRule:
    """Where reports stand, for `isocenter reports`: text files that share tokens with the images, or columns of the tables."""

    files: Pattern | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """How one dataset lies on disk. A layout without image rules takes every image it can read. general: it describes a form, whoever uses it."""

    name: str
    images: tuple[ImageRule, ...] = ()
    masks: tuple[MaskRule, ...] = ()
    boxes: tuple[BoxRule, ...] = ()
    runs: tuple[RunRule, ...] = ()
    tables: tuple[TableRule, ...] = ()
    labels: tuple[LabelRule, ...] = ()
    legends: tuple[LegendRule, ...] = ()
    maps: tuple[LabelMap, ...] = ()
    reports: ReportRule | None = None
    exclude: tuple[Pattern, ...] = ()
    dataset: str | None = None
    release: str | None = None
    modality: str | None = None
    split: str | None = None
    evidence: str = ""
    description: str = ""
    seen_on_real_data: bool = False
    general: bool = False

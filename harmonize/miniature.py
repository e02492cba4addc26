"""Miniatures: from a layout, a synthetic tree of a few kilobytes in the true form, so that it can be tried without the data."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout import BoxRule, LabelRule, Layout, MaskRule, TableRule
from isocenter.harmonize.patterns import Pattern, fill
from isocenter.registry.labelmap import LabelMap

SIDE = 48
DEPTH = 8


@dataclass(frozen=True, slots=True)
class MiniSample:
    """One made-up sample: the tokens of its path and that path."""

    tokens: dict[str, str]
    path: str


def miniature(layout: Layout, folder: Path, *, samples: int = 6, seed: int = 0, maps: dict[str, LabelMap] | None = None) -> list[MiniSample]:
    """Write a tree that the layout describes: images, masks, boxes and tables with every label value at least once.

    maps: label maps that the layout names and does not hold. Raises BadInput for a layout without image patterns.
    """
    if not layout.images:
        raise BadInput(f"layout {layout.name!r} has no image pattern to make a miniature of")
    rng = np.random.default_rng(seed)
    known = {mapping.name: mapping for mapping in layout.maps} | (maps or {})
    made: list[MiniSample] = []
    for number in range(samples):
        rule = layout.images[number % len(layout.images)]
        tokens = {name: _token(rule.pattern, name, number, layout) for name in rule.pattern.tokens}
        path = _path(rule.pattern, tokens)
        write_image(folder / path, _field(rng, path))
        made.append(MiniSample(tokens, path))
    for mask in layout.masks:
        _masks(mask, known, made, folder, rng)
    for box in layout.boxes:
        _boxes(box, made, folder, rng)
    for table in layout.tables:
        _table(table, [label for label in layout.labels if label.table == table.name], made, folder)
    return made


def _token(pattern: Pattern, name: str, number: int, layout: Layout) -> str:
    """A value that the token's regex takes: one of a label token's values, a listed alternative, or digits behind letters."""
    for label in layout.labels:
        if label.token == name:
            return label.map.entries[number % len(label.map.entries)].raw
    expression = next((found.group(1) for found in [re.search(r"\{" + name + r":((?:[^{}]|\{[^{}]*\})*)\}", pattern.text)] if found), None)
    if expression is None:
        return f"{name[:1]}{number + 1:03d}"
    candidates = [*expression.strip("()").removeprefix("?:").split("|"), *(f"{number + 1:0{width}d}" for width in range(1, 9)), f"{name[:1]}{number + 1:03d}", f"{name[:1].upper()}{number + 1:03d}"]
    found = next((text for text in candidates if re.fullmatch(expression, text)), None)
    if found is None:
        raise BadInput(f"no miniature value for token {name!r} with regex {expression!r}", where=layout.name)
    return found


def _path(pattern: Pattern, tokens: dict[str, str]) -> str:
    """The pattern with its tokens filled; `**/` is no folder and `*` is `x`."""
    plain = re.sub(r"\{([A-Za-z_]\w*):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", pattern.text)
    return fill(plain, tokens).replace("**/", "").replace("*", "x")


def _field(rng: np.random.Generator, path: str) -> NDArray[np.float32]:
    """A smooth random picture or volume in 0..1."""
    shape = (SIDE, SIDE, DEPTH) if _volume(path) else (SIDE, SIDE)
    field = gaussian_filter(rng.normal(size=shape), 3) + 0.02 * rng.normal(size=shape)
    return ((field - field.min()) / np.ptp(field)).astype(np.float32)


def _volume(path: str) -> bool:
    return path.endswith((".nii", ".nii.gz"))


def write_image(path: Path, field: NDArray[np.float32]) -> None:
    """Write values in 0..1 in the format that the path's suffix names: picture, NIfTI (int16) or DICOM (uint16)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if _volume(path.name):
        nib.save(nib.Nifti1Image((field * 1000).astype(np.int16), np.diag([-1.5, -1.5, 3.0, 1.0])), path)
    elif path.suffix.lower() in (".dcm", ".ima", ""):
        _write_dicom(path, (field * 4000).astype(np.uint16))
    elif path.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"):
        Image.fromarray((field * 255).astype(np.uint8)).save(path)
    else:
        raise BadInput(f"no miniature for files named {path.suffix!r}", where=str(path))


def _write_dicom(path: Path, array: NDArray[np.uint16]) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    uid = generate_uid(entropy_srcs=[path.as_posix()])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = CTImageStorage, uid, ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = CTImageStorage, uid, uid + ".1", uid + ".2"
    dataset.Modality, dataset.PatientID, dataset.PhotometricInterpretation = "CT", path.stem, "MONOCHROME2"
    dataset.Rows, dataset.Columns = array.shape
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 1, 16, 16, 15, 0
    dataset.PixelData = array.tobytes()
    dataset.save_as(path, enforce_file_format=True)


def _masks(rule: MaskRule, known: dict[str, LabelMap], made: list[MiniSample], folder: Path, rng: np.random.Generator) -> None:
    """A mask per sample whose blobs take the map's values in turn."""
    for number, sample in enumerate(made):
        tokens = dict(sample.tokens)
        for name in rule.pattern.tokens:
            tokens.setdefault(name, _token(rule.pattern, name, number, Layout("mask")))
        path = folder / _path(rule.pattern, tokens)
        mapping = known.get(fill(rule.labels, tokens)) if rule.labels else None
        values = [int(entry.raw) for entry in mapping.entries if entry.raw.isdigit() and int(entry.raw)] if mapping else [1]
        blobs = np.zeros((SIDE, SIDE, DEPTH) if _volume(path.name) else (SIDE, SIDE), np.uint8)
        for value in values[number % len(values):] or values:
            x, y = rng.integers(4, SIDE - 12, 2)
            blobs[x:x + 8, y:y + 8, ...] = value
        path.parent.mkdir(parents=True, exist_ok=True)
        if _volume(path.name):
            nib.save(nib.Nifti1Image(blobs, np.diag([-1.5, -1.5, 3.0, 1.0])), path)
        else:
            Image.fromarray(blobs).save(path)


def _boxes(rule: BoxRule, made: list[MiniSample], folder: Path, rng: np.random.Generator) -> None:
    names = [entry.raw for entry in rule.map.entries] if rule.map else ["object"]
    for number, sample in enumerate(made):
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = sample.path.rsplit("/", 1)[-1]
        for name in names[: 1 + number % len(names)]:
            x, y = rng.integers(1, SIDE - 12, 2).tolist()
            node = ElementTree.SubElement(root, "object")
            ElementTree.SubElement(node, "name").text = name
            box = ElementTree.SubElement(node, "bndbox")
            for side, value in (("xmin", x), ("ymin", y), ("xmax", x + 8), ("ymax", y + 8)):
                ElementTree.SubElement(box, side).text = str(value)
        path = folder / _path(rule.pattern, sample.tokens)
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(path)


def _table(rule: TableRule, labels: list[LabelRule], made: list[MiniSample], folder: Path) -> None:
    """A table with a row per sample: the join column filled backwards, label columns with the map's values in turn."""
    rows = [_row(rule, labels, sample, number) for number, sample in enumerate(made)]
    path = folder / _path(rule.file, {name: f"{name}1" for name in rule.file.tokens})
    path.parent.mkdir(parents=True, exist_ok=True)
    header = list(rule.header or rows[0])
    with path.open("w", encoding=rule.encoding, newline="") as stream:
        writer = csv.DictWriter(stream, header, delimiter=rule.separator, extrasaction="ignore", restval="")
        if rule.header is None:
            writer.writeheader()
        writer.writerows(rows)


def _row(rule: TableRule, labels: list[LabelRule], sample: MiniSample, number: int) -> dict[str, str]:
    name = sample.path.rsplit("/", 1)[-1]
    place = sample.tokens | {"path": sample.path, "name": name, "stem": name.split(".")[0], "key": sample.path, "parent": sample.path.split("/")[-2] if "/" in sample.path else ""}
    joined = fill(rule.to, place)
    on = re.fullmatch("".join(f"(?P<c{i}>.*?)" if i % 2 else re.escape(part) for i, part in enumerate(re.split(r"\{([^{}]+)\}", rule.on))), joined)
    names = re.findall(r"\{([^{}]+)\}", rule.on)
    if on is None:
        raise BadInput(f"no miniature row: {rule.on!r} cannot give {joined!r}")
    row = dict(zip(names, on.groups()))
    for column, template in rule.columns:
        for cell in re.findall(r"\{([^{}]+)\}", template):
            row.setdefault(cell, _cell(column, number))
    for label in labels:
        entries = label.map.entries
        row[label.column or ""] = entries[number % len(entries)].raw
    return row


def _cell(column: str, number: int) -> str:
    return {"age": str(30 + number), "sex": "FM"[number % 2], "split": ("train", "test")[number % 4 == 3], "patient": f"p{number // 2 + 1:03d}"}.get(column, f"{column}{number + 1}")

"""The slow, exact reader: pydicom reads what the fast walk does not vouch for, and strict rules say what is no DICOM at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.header import Header
from isocenter.harmonize.dicom.tags import WANTED
from isocenter.harmonize.dicom.values import Plain, plain, published

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99")
FAULTS = (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, ZeroDivisionError, NotImplementedError)
HEADLESS = "no DICM marker, though the bytes are a DICOM data set: its file header is missing"


def read_with_pydicom(path: Path) -> Header:
    """The wanted elements as pydicom reads them. Raises Unreadable with the cause; a file without the DICM marker is refused."""
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("the file is empty (0 bytes)", where=str(path))
    with path.open("rb") as stream:
        marked = stream.read(132)[128:] == b"DICM"
    if not marked:
        raise _unmarked(path)
    dataset = read_dataset(path)
    header = Header(path, size, _syntax(dataset, path), fast=False)
    for keyword in WANTED:
        found = _value(dataset, keyword, path)
        header._values.update(found)
        if found:
            header._texts[keyword] = published(dataset.get(WANTED[keyword]).value)
    _locate_pixels(header, dataset, path)
    return header


def read_dataset(path: Path, *, pixels: bool = False, headless: bool = False) -> Any:
    """A pydicom dataset; every complaint of the library becomes one Unreadable. `headless`: a missing file header is allowed."""
    import pydicom

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=not pixels, force=headless and looks_like_dataset(path))
        except Exception as error:
            raise Unreadable(f"pydicom cannot read it: {_line(error)}", where=str(path)) from error
    if len(dataset) == 0:
        raise Unreadable("a DICOM file without any element", where=str(path))
    return dataset


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What goes wrong while a data set's elements are used is the file's fault: it becomes Unreadable with the cause."""
    try:
        yield
    except FAULTS as error:
        raise Unreadable(f"elements are missing or have impossible values: {_line(error)}", where=str(path)) from error


def one_value(path: Path, keyword: str) -> Plain:
    """One element as pydicom decodes it. Raises Unreadable when it cannot."""
    return _value(read_dataset(path), keyword, path).get(keyword)


def looks_like_dataset(path: Path) -> bool:
    """Strict test of a data set without file header: pydicom must parse it whole into known elements of ascending tags."""
    import pydicom
    from pydicom.datadict import dictionary_has_tag

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(path, force=True)
            tags = list(dataset.keys())
            if not tags or tags[0].group not in (0x0002, 0x0008) or tags != sorted(tags):
                return False
            for element in dataset:
                _ = element.value
        except Exception:
            return False
    known = sum(dictionary_has_tag(tag) or tag.is_private for tag in tags)
    return known == len(tags) and ("SOPClassUID" in dataset or len(tags) >= 4)


def _unmarked(path: Path) -> Unreadable:
    if looks_like_dataset(path):
        return Unreadable(HEADLESS, where=str(path), hint="write one with dcmtk's dcmconv +F, then scan again")
    return Unreadable("not DICOM: no DICM marker and no valid data set", where=str(path))


def _syntax(dataset: Any, path: Path) -> str:
    from pydicom.uid import UID

    syntax = getattr(dataset, "file_meta", {}).get("TransferSyntaxUID")
    if not syntax:
        raise Unreadable("the DICOM file header names no transfer syntax", where=str(path))
    if not isinstance(syntax, str) or not (UID(syntax).is_private or UID(syntax).is_transfer_syntax):
        raise Unreadable(f"{syntax} is no transfer syntax", where=str(path))
    return str(syntax)


def _value(dataset: Any, keyword: str, path: Path) -> dict[str, Plain]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            element = dataset.get(WANTED[keyword])
            return {} if element is None else {keyword: plain(element.value)}
        except Exception as error:
            raise Unreadable(f"element {keyword} cannot be decoded: {_line(error)}", where=str(path)) from error


def _locate_pixels(header: Header, dataset: Any, path: Path) -> None:
    """pydicom stops before pixels without saying where; read them only when the header promises an image."""
    if dataset.get("Rows") is None or dataset.get("Columns") is None:
        return
    full = read_dataset(path, pixels=True)
    for name in PIXELS:
        if name in full:
            held = len(full[name].value or b"")
            encapsulated = header.transfer_syntax not in UNCOMPRESSED
            header.pixel_offset, header.pixel_length = header.size - held, -1 if encapsulated else held
            return


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__

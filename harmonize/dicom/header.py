"""One DICOM file in, its wanted elements out; pixels are never touched, and only what is asked for is decoded.

Explicit-VR little-endian data sets (also those with compressed pixels) are walked by their lengths; everything else, and every
file that looks unusual on the way, goes to pydicom, whose answer is final.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.values import BINARY, PADDING, SINGLE, Odd, Plain, decode, joined
from isocenter.harmonize.dicom.walk import NAMES, walk

SIZES = ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames")
BINARY_CODES = frozenset(code for code, name in NAMES.items() if name in BINARY)
from_bytes = int.from_bytes
US = from_bytes(b"US", "little")


@dataclass(slots=True)
class Header:
    """What one file says of itself. `get(keyword)` gives text, numbers or a tuple of them; None: the file does not say.

    pixel_offset, pixel_length: where the pixel bytes lie (length -1: encapsulated); None when there are none.
    fast: walked here; False: pydicom's answer.
    """

    path: Path
    size: int
    transfer_syntax: str
    pixel_offset: int | None = None
    pixel_length: int | None = None
    fast: bool = True
    _raw: dict[str, tuple[int, bytes]] = field(default_factory=dict, repr=False)
    _values: dict[str, Plain] = field(default_factory=dict, repr=False)
    _texts: dict[str, str | None] = field(default_factory=dict, repr=False)

    def get(self, keyword: str) -> Plain:
        """The value of an element of `tags.WANTED`. Raises Unreadable when its bytes cannot be what they claim to be."""
        found = self._raw.get(keyword)
        if found is not None and keyword not in self._values:
            code, data = found
            self._values[keyword] = from_bytes(data, "little") if code == US and len(data) == 2 else self._decode(keyword, NAMES[code], data)
        return self._values.get(keyword)

    def text(self, keyword: str) -> str | None:
        """As published, padding stripped; several values joined by a backslash, as DICOM writes them."""
        found = self._raw.get(keyword)
        return self._texts.get(keyword) if found is None else self._text(keyword, *found)

    def texts(self, keywords: Sequence[str]) -> list[str | None]:
        """`text` of many elements at once."""
        if not self.fast:
            return [self.text(keyword) for keyword in keywords]
        raw = self._raw
        return [self._text(keyword, *raw[keyword]) if keyword in raw else None for keyword in keywords]

    def number(self, keyword: str) -> float | None:
        """As one number: the first of several; None when absent or not a number."""
        value = self.get(keyword)
        first = value[0] if isinstance(value, tuple) else value
        return float(first) if isinstance(first, int | float) else None

    def numbers(self, keyword: str, count: int) -> tuple[float, ...] | None:
        """As exactly `count` numbers, else None."""
        value = self.get(keyword)
        if not isinstance(value, tuple) or len(value) != count or not all(isinstance(part, int | float) for part in value):
            return None
        return tuple(float(part) for part in value)  # type: ignore[arg-type]

    def _text(self, keyword: str, code: int, data: bytes) -> str | None:
        if code == US and len(data) == 2:
            return str(from_bytes(data, "little"))
        if code in BINARY_CODES or not data.isascii() or b"\x1b" in data:
            return joined(self.get(keyword))
        text = data.decode("ascii").strip(PADDING)
        if "\\" in text and (" " in text or "\0" in text) and NAMES[code] not in SINGLE:
            text = "\\".join([part.strip(PADDING) for part in text.split("\\")])
        return text or None

    def _decode(self, keyword: str, vr: str, data: bytes) -> Plain:
        try:
            if data.isascii() and b"\x1b" not in data:
                return decode(vr, data)
            return decode(vr, data, _encodings(self._raw.get("SpecificCharacterSet", (0, b""))[1]))
        except Odd:
            from isocenter.harmonize.dicom.fallback import one_value

            return one_value(self.path, keyword)


def read_header(path: Path | str) -> Header:
    """The wanted elements of a DICOM file, pixels not read.

    Raises Unreadable, naming the cause, when the file is not DICOM, is cut short or contradicts itself.
    """
    try:
        found = walk(path)
        return Header(path if isinstance(path, Path) else Path(path), found.size, found.transfer_syntax, found.pixel_offset, found.pixel_length, _raw=found.raw)
    except (Odd, RecursionError):
        from isocenter.harmonize.dicom.fallback import read_with_pydicom

        return read_with_pydicom(Path(path))
    except OSError as error:
        raise Unreadable(f"cannot be opened: {error.strerror or error}", where=str(path)) from error


def check(header: Header) -> None:
    """Raise Unreadable when an image's own numbers promise more pixel bytes than the file holds, or lack what decoding needs."""
    if header.pixel_offset is None:
        return
    found = {name: header.get(name) for name in SIZES}
    missing = [name for name in SIZES[:3] if found[name] is None]
    if missing:
        raise Unreadable(f"pixel data without {', '.join(missing)}", where=str(header.path))
    for name, value in found.items():
        if value is not None and not isinstance(value, int):
            raise Unreadable(f"{name} is no number: {header.text(name)!r}", where=str(header.path))
    if header.pixel_length == -1:
        return
    expected = prod(value for value in found.values() if isinstance(value, int)) // 8
    if (header.text("PhotometricInterpretation") or "").endswith("422"):
        expected = expected * 2 // 3
    held = min(header.pixel_length or 0, header.size - header.pixel_offset)
    if held < expected:
        raise Unreadable(f"pixel data cut short: {held:,} of {expected:,} bytes", where=str(header.path))


def _encodings(data: bytes) -> list[str]:
    from pydicom.charset import convert_encodings

    return [str(name) for name in convert_encodings([part.strip() for part in data.decode("latin-1").strip(" \0").split("\\")])]

"""One DICOM file in, its wanted elements out: one read of 16 KiB, lengths skipped, pixels never touched.

Explicit-VR little-endian data sets (also those with compressed pixels) are walked here; everything else, and every file
that looks unusual on the way, goes to pydicom, whose answer is final. Method: skip by length, decode only what is asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from struct import Struct
from struct import error as StructError

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.tags import KEYWORD
from isocenter.harmonize.dicom.values import BINARY, PADDING, SINGLE, Odd, Plain, decode, joined

BLOCK = 16384
UNDEFINED = 0xFFFFFFFF
SHORT_NAMES = ["AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"]
LONG_NAMES = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]
NAMES = {int.from_bytes(name.encode(), "little"): name for name in SHORT_NAMES + LONG_NAMES}
SHORT = frozenset(code for code, name in NAMES.items() if name in SHORT_NAMES)
LONG = frozenset(code for code, name in NAMES.items() if name in LONG_NAMES)
BINARY_CODES = frozenset(code for code, name in NAMES.items() if name in BINARY)
from_bytes = int.from_bytes
SQ, UN, US = (from_bytes(name, "little") for name in (b"SQ", b"UN", b"US"))
EXPLICIT_SYNTAX = re.compile(rb"1\.2\.840\.10008\.1\.2\.(1|1\.98|4\.\d+|5)")
SYNTAX = b"\x02\x00\x10\x00UI"
PIXELS = "pixels"
STOPS = {(tag & 0xFFFF) << 16 | tag >> 16: keyword for tag, keyword in KEYWORD.items()}
STOPS |= dict.fromkeys((0x00107FE0, 0x00087FE0, 0x00097FE0), PIXELS)
ELEMENT = Struct("<IHH").unpack_from
LENGTH = Struct("<I").unpack_from
ITEM = Struct("<II").unpack_from
SIZES = ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames")
ITEM_START, ITEM_END, SEQUENCE_END = 0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE


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
        return _fast(path)
    except Odd:
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


def _fast(path: Path | str) -> Header:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        buffer = os.read(descriptor, BLOCK)
        if buffer[128:132] != b"DICM":
            raise Odd("no DICM marker")
        size = os.fstat(descriptor).st_size
        position, syntax = _meta(buffer)
        header = Header(path if isinstance(path, Path) else Path(path), size, syntax)
        _walk(descriptor, buffer, position, size, header)
        return header
    finally:
        os.close(descriptor)


def _meta(buffer: bytes) -> tuple[int, str]:
    """Where the data set starts, and its transfer syntax."""
    if buffer[132:140] != b"\x02\x00\x00\x00UL\x04\x00":
        raise Odd("no group length in the meta header")
    end = 144 + LENGTH(buffer, 140)[0]
    if end + 8 > len(buffer) or (buffer[end] == 2 and buffer[end + 1] == 0):
        raise Odd("wrong group length in the meta header")
    at = buffer.find(SYNTAX, 144, end)
    if at < 0:
        raise Odd("no transfer syntax")
    value = buffer[at + 8 : at + 8 + buffer[at + 6]].rstrip(b"\0 ")
    if not EXPLICIT_SYNTAX.fullmatch(value):
        raise Odd("a data set that is not explicit-VR little-endian")
    return end, value.decode("ascii")


def _walk(descriptor: int, buffer: bytes, position: int, size: int, header: Header) -> None:
    """Walk the top level, keep the raw bytes of wanted elements; read on where the buffer ends."""
    base = 0
    while True:
        stopped = _walk_buffer(descriptor, buffer, base, position, size, header)
        if stopped is None or stopped == size:
            return
        if stopped > size:
            raise Odd("an element ends behind the end of the file")
        base, position = stopped, 0
        buffer = os.pread(descriptor, BLOCK, base)
        if len(buffer) < 8:
            raise Odd("an element header is cut")
        if len(buffer) < 12:
            buffer += bytes(12)


def _walk_buffer(descriptor: int, buffer: bytes, base: int, position: int, size: int, header: Header) -> int | None:
    """File offset at which the buffer is used up, or None when the pixels are reached. `base`: file offset of the buffer."""
    raw, element, stop_at, short, long, end = header._raw, ELEMENT, STOPS.get, SHORT, LONG, len(buffer)
    try:
        while True:
            tag, vr, length = element(buffer, position)
            if vr in short:
                start = position + 8
            elif vr in long:
                length, start = LENGTH(buffer, position + 8)[0], position + 12
                if length == UNDEFINED and stop_at(tag) != PIXELS:
                    if vr != SQ:
                        raise Odd("an undefined length outside a sequence")
                    position = _after_sequence(descriptor, base + start, size) - base
                    continue
            else:
                raise Odd("an unknown value representation")
            position = start + length
            keyword = stop_at(tag)
            if keyword is not None:
                if keyword == PIXELS:
                    header.pixel_offset, header.pixel_length = base + start, -1 if length == UNDEFINED else length
                    return None
                if vr == UN:
                    raise Odd("a wanted element of unknown representation")
                if position <= end:
                    raw[keyword] = vr, buffer[start:position]
                elif base + position <= size:
                    raw[keyword] = vr, os.pread(descriptor, length, base + start)
                else:
                    raise Odd("an element is longer than the file")
    except StructError:
        return base + position


def _after_sequence(descriptor: int, offset: int, size: int) -> int:
    """File offset behind a sequence of undefined length that starts at `offset`."""
    window = _Window(descriptor, size)
    at = offset
    while True:
        tag, length = ITEM(window.read(at, 8), 0)
        at += 8
        if tag == SEQUENCE_END:
            return at
        if tag != ITEM_START:
            raise Odd("a sequence without items")
        at = _after_item(window, at) if length == UNDEFINED else at + length


def _after_item(window: _Window, at: int) -> int:
    while True:
        head = window.read(at, 12)
        tag, vr, length = ELEMENT(head, 0)
        if tag == ITEM_END:
            return at + 8
        if vr in SHORT:
            at += 8 + length
        elif vr in LONG:
            length = LENGTH(head, 8)[0]
            at += 12
            if length == UNDEFINED:
                if vr != SQ:
                    raise Odd("an undefined length outside a sequence")
                at = _after_sequence(window.descriptor, at, window.size)
            else:
                at += length
        else:
            raise Odd("an unknown value representation")


class _Window:
    """Bytes at file offsets, read in blocks."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.descriptor, self.size = descriptor, size
        self.start, self.block = 0, b""

    def read(self, at: int, count: int) -> bytes:
        if at < self.start or at + count > self.start + len(self.block):
            self.start, self.block = at, os.pread(self.descriptor, BLOCK, at)
            if len(self.block) < 8:
                raise Odd("a sequence runs behind the end of the file")
            if len(self.block) < count:
                self.block += bytes(count)
        return self.block[at - self.start : at - self.start + count]


def values(header: Header) -> Iterator[tuple[str, Plain]]:
    """All wanted elements that the file has, decoded."""
    for keyword in [*header._values, *header._raw]:
        yield keyword, header.get(keyword)

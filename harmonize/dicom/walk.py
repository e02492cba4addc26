"""Walk an explicit-VR little-endian DICOM file by its lengths: the bytes of wanted elements come out, everything else is skipped.

One read of 16 KiB serves most files; longer headers are read on in blocks. Whatever looks unusual raises Odd: somebody slower decides.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from struct import error as StructError

from isocenter.harmonize.dicom.tags import KEYWORD
from isocenter.harmonize.dicom.values import Odd

BLOCK = 16384
UNDEFINED = 0xFFFFFFFF
SHORT_NAMES = ["AE", "AS", "AT", "CS", "DA", "DS", "DT", "FL", "FD", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL", "US"]
LONG_NAMES = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]
NAMES = {int.from_bytes(name.encode(), "little"): name for name in SHORT_NAMES + LONG_NAMES}
SHORT = frozenset(code for code, name in NAMES.items() if name in SHORT_NAMES)
LONG = frozenset(code for code, name in NAMES.items() if name in LONG_NAMES)
SQ, UN = (int.from_bytes(name, "little") for name in (b"SQ", b"UN"))
EXPLICIT_SYNTAX = re.compile(rb"1\.2\.840\.10008\.1\.2\.(1|1\.98|4\.\d+|5)")
SYNTAX = b"\x02\x00\x10\x00UI"
PIXELS = "pixels"
STOPS = {(tag & 0xFFFF) << 16 | tag >> 16: keyword for tag, keyword in KEYWORD.items()}
STOPS |= dict.fromkeys((0x00107FE0, 0x00087FE0, 0x00097FE0), PIXELS)
ELEMENT = Struct("<IHH").unpack_from
LENGTH = Struct("<I").unpack_from
ITEM = Struct("<II").unpack_from
ITEM_START, ITEM_END, SEQUENCE_END = 0xE000FFFE, 0xE00DFFFE, 0xE0DDFFFE


@dataclass(slots=True)
class Walked:
    """What the walk met. raw: keyword → (value representation as a number of `NAMES`, bytes). pixel_length: -1 if encapsulated."""

    size: int
    transfer_syntax: str
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    pixel_offset: int | None = None
    pixel_length: int | None = None


def walk(path: Path | str) -> Walked:
    """The wanted elements of a file. Raises Odd when it is no plain explicit-VR little-endian file, OSError when it cannot be opened."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        buffer = os.read(descriptor, BLOCK)
        if buffer[128:132] != b"DICM":
            raise Odd("no DICM marker")
        position, syntax = _meta(buffer)
        found = Walked(os.fstat(descriptor).st_size, syntax)
        _walk(descriptor, buffer, position, found)
        return found
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


def _walk(descriptor: int, buffer: bytes, position: int, found: Walked) -> None:
    """Walk the top level buffer by buffer."""
    base = 0
    while True:
        stopped = _walk_buffer(descriptor, buffer, base, position, found)
        if stopped is None or stopped == found.size:
            return
        if stopped > found.size:
            raise Odd("an element ends behind the end of the file")
        base, position = stopped, 0
        buffer = os.pread(descriptor, BLOCK, base)
        if len(buffer) < 8:
            raise Odd("an element header is cut")
        if len(buffer) < 12:
            buffer += bytes(12)


def _walk_buffer(descriptor: int, buffer: bytes, base: int, position: int, found: Walked) -> int | None:
    """File offset at which the buffer is used up, or None when the pixels are reached. `base`: file offset of the buffer."""
    raw, element, stop_at, short, long, end = found.raw, ELEMENT, STOPS.get, SHORT, LONG, len(buffer)
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
                    position = _after_sequence(descriptor, base + start, found.size) - base
                    continue
            else:
                raise Odd("an unknown value representation")
            position = start + length
            keyword = stop_at(tag)
            if keyword is not None:
                if keyword == PIXELS:
                    found.pixel_offset, found.pixel_length = base + start, -1 if length == UNDEFINED else length
                    return None
                if vr == UN:
                    raise Odd("a wanted element of unknown representation")
                if position <= end:
                    raw[keyword] = vr, buffer[start:position]
                elif base + position <= found.size:
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

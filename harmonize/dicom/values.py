"""One element's bytes become plain Python values; the same form is made from a pydicom element, so both can be compared."""

from __future__ import annotations

import struct
from typing import Any

Plain = str | int | float | tuple["Plain", ...] | None

TEXT = frozenset({"SH", "LO", "PN", "LT", "ST", "UT", "UC"})
TOKENS = frozenset({"CS", "UI", "DA", "TM", "DT", "AE", "AS", "UR"})
BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
SINGLE = frozenset({"LT", "ST", "UT", "UR"})
PADDING = " \x00"


class Odd(Exception):
    """The fast reader does not vouch for these bytes; pydicom decides."""


def decode(vr: str, data: bytes, encodings: list[str] | None = None) -> Plain:
    """The value of one element: text stripped, several values as a tuple, nothing as None. Raises Odd when in doubt."""
    if not data:
        return None
    if vr in BINARY:
        return _binary(BINARY[vr], data)
    if vr == "DS" or vr == "IS":
        return _numbers(data, float if vr == "DS" else int)
    if vr in TOKENS or vr in TEXT:
        return _text(vr, data, encodings)
    raise Odd(f"value representation {vr}")


def plain(value: Any) -> Plain:
    """A pydicom element's value in the same form. Binary and sequence values give None."""
    if value is None or isinstance(value, bytes):
        return None
    if isinstance(value, str):
        return value.strip(PADDING) or None
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if hasattr(value, "components"):
        return str(value).strip(PADDING) or None
    if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue":
        return _several([plain(item) for item in value])
    if type(value).__name__ == "Sequence":
        return None
    return float(value) if hasattr(value, "as_tuple") else str(value).strip(PADDING) or None


def joined(value: Plain) -> str | None:
    """Several values as one text, backslashes between them."""
    if isinstance(value, tuple):
        return "\\".join("" if part is None else str(part) for part in value)
    return None if value is None else str(value)


def published(value: Any) -> str | None:
    """A pydicom element's value as the text that stands in the file: decimal strings keep their spelling."""
    if isinstance(value, list | tuple) or type(value).__name__ == "MultiValue":
        return "\\".join(published(item) or "" for item in value).strip(PADDING) or None
    return joined(plain(value)) if isinstance(value, bytes | bool) or value is None or type(value).__name__ == "Sequence" else str(value).strip(PADDING) or None


def _several(values: list[Any]) -> Plain:
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def _binary(code: str, data: bytes) -> Plain:
    size = struct.calcsize("<" + code)
    if len(data) % size:
        raise Odd("a binary value of odd length")
    values = struct.unpack(f"<{len(data) // size}{code}", data)
    return _several(list(values))


def _numbers(data: bytes, kind: type[float] | type[int]) -> Plain:
    try:
        text = data.decode("ascii").strip(PADDING)
        if not text:
            return None
        if "\\" not in text:
            return kind(text)
        return _several([kind(part) if part.strip(PADDING) else None for part in text.split("\\")])
    except ValueError as error:
        raise Odd(str(error)) from error


def _text(vr: str, data: bytes, encodings: list[str] | None) -> Plain:
    if vr in TEXT and (b"\x1b" in data or not data.isascii()):
        text = _decoded(vr, data, encodings or ["iso8859"])
    else:
        text = data.decode("latin-1")
    text = text.strip(PADDING)
    if "\\" not in text or vr in SINGLE:
        return text or None
    return _several([part.strip(PADDING) or None for part in text.split("\\")])


def _decoded(vr: str, data: bytes, encodings: list[str]) -> str:
    from pydicom.charset import decode_bytes
    from pydicom.valuerep import PN_DELIMS, TEXT_VR_DELIMS

    if vr == "PN":
        raise Odd("a person name outside ASCII")
    return str(decode_bytes(data.rstrip(b"\0 "), encodings, PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS))

"""A UID or key from a header becomes a file name that stays in its folder, whatever the header says."""

from __future__ import annotations

import re

from isocenter.core.files import blake2b

UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
LONGEST = 180


def file_name(key: str) -> str:
    """The key itself when it is plain and short; else its plain characters and a digest of all of them."""
    plain = UNSAFE.sub("_", key).lstrip(".")
    return key if plain == key and len(key) <= LONGEST else f"{plain[:LONGEST]}-{blake2b(key.encode())[:8]}"

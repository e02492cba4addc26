"""Pseudonyms: ids of patients, studies and series go in, keyed hashes come out; the key stays in the workspace and never leaves it."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.files import draft
from isocenter.core.workspace import Workspace
from isocenter.harmonize.sample import PATIENT_SEPARATOR

IDS = {"patient": "patient_id", "study": "study_id", "series": "series_id"}
HEX_DIGITS = 16
SHORTEST_KEY = 16
UID_ROOT = "2.25."
"""UIDs made from 128 random-looking bits (DICOM PS3.5, annex B.2)."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Keyed BLAKE2b of an id within its dataset: the same patient of a dataset always gets the same pseudonym under one key.

    Ids of different datasets never meet. Whoever holds the key can repeat the hashing; nobody else can go from an id to its pseudonym.
    """

    key: bytes = field(repr=False)

    def of(self, dataset: str, kind: str, value: str | None) -> str | None:
        """16 hex digits; of several ids of one picture the first one counts. kind: patient, study, series or uid."""
        if value is None:
            return None
        first = value.split(PATIENT_SEPARATOR)[0] if kind == "patient" else value
        return self._digest(dataset, kind, first)[: HEX_DIGITS // 2].hex()

    def uid(self, dataset: str, value: str) -> str:
        """A DICOM UID in place of another."""
        return f"{UID_ROOT}{int.from_bytes(self._digest(dataset, 'uid', value)[:16], 'big')}"

    def conceal(self, dataset: str, text: str, row: Mapping[str, Any]) -> str:
        """The text with every id of the sample's row in it replaced; an id counts where it stands alone, not within a longer number or word."""
        for kind, column in IDS.items():
            for value in sorted({*(row[column] or "").split(PATIENT_SEPARATOR)} - {""}, key=len, reverse=True):
                text = re.sub(_alone(value), self.of(dataset, kind, value) or "", text)
        return text

    @property
    def check(self) -> str:
        """Tells two keys apart without telling either."""
        return self._digest("", "check", "key")[:8].hex()

    def _digest(self, dataset: str, kind: str, value: str) -> bytes:
        return hashlib.blake2b(f"{dataset}\x00{kind}\x00{value}".encode(), key=self.key, digest_size=32).digest()


def open_pseudonyms(workspace: Workspace, key_file: Path | None = None, *, dry_run: bool = False) -> Pseudonyms:
    """With the key of a file, or the workspace's own, which is made (256 random bits) on first use and readable by its owner only.

    dry_run: a key that is not there yet is not written either. Raises NotFound or BadInput when the file cannot serve as a key.
    """
    if key_file is not None:
        if not key_file.is_file():
            raise NotFound("no key file here", where=str(key_file), hint="python -c 'import secrets; print(secrets.token_hex(32))' > FILE")
        return Pseudonyms(_key(key_file))
    own = key_path(workspace)
    if dry_run and not own.exists():
        return Pseudonyms(secrets.token_bytes(32))
    if not own.exists():
        with draft(own) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
    return Pseudonyms(_key(own))


def key_path(workspace: Workspace) -> Path:
    """Where the workspace keeps its key."""
    return workspace.root / "pseudonyms" / "key"


def _key(path: Path) -> bytes:
    text = path.read_bytes().strip()
    if len(text) < SHORTEST_KEY:
        raise BadInput(f"a key of {len(text)} characters can be guessed", where=str(path), hint=f"at least {SHORTEST_KEY} characters, better 64")
    return hashlib.blake2b(text, digest_size=32).digest()


def _alone(value: str) -> str:
    """A pattern for an id: no digit beside its digits, no letter beside its letters."""
    before = r"(?<!\d)" if value[0].isdigit() else r"(?<![A-Za-z])"
    after = r"(?!\d)" if value[-1].isdigit() else r"(?![A-Za-z])"
    return before + re.escape(value) + after

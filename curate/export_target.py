"""The folder of an export while it is written: every file whole or not at all, none written twice, and a journal of what each holds."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from isocenter.core.errors import BadInput, Unreadable
from isocenter.core.files import draft, file_hash
from isocenter.core.tables import Kind, write_table
from isocenter.curate.export_item import Item

JOURNAL = ".journal.jsonl"
CANNOT = "cannot be read"
REASONS = 10
What = Literal["changed", "ignored", "left out"]


@dataclass(frozen=True, slots=True)
class Note:
    """What was done to a sample on its way out. what: changed, ignored (marked as not known) or left out. number: of `unit`s; None: uncounted."""

    sample_id: str
    what: What
    why: str
    number: int | None = None
    unit: str | None = None


@dataclass(slots=True)
class Entry:
    """One finished file: its size and hash, the samples that it holds, and what was noted while it was made."""

    file: str
    bytes: int = 0
    hash: str = ""
    samples: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


class Target:
    """What an exporter writes into. `target / name` is a path in the folder.

    A file that the journal of an export that was cut short names is not made again; nothing is believed that is not in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, Entry] = {}
        self.warnings: list[str] = []
        self._left_out: list[Note] = []
        self._open: Entry | None = None
        self._sample: str | None = None
        self._files: list[str] = []
        self._known = recall(folder)
        for stale in folder.rglob(".*.draft"):
            stale.unlink()
        self._journal = (folder / JOURNAL).open("a", encoding="utf-8")

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    @contextmanager
    def sample(self, item: Item) -> Iterator[None]:
        """Files written inside belong to this sample (inside `write`: the file holds it). One that turns out unreadable is left out, with the reason."""
        outer, self._sample, self._files = (self._sample, self._files), item.sample_id, []
        try:
            yield
            if self._open is not None:
                self._open.samples.append(item.sample_id)
        except Unreadable as error:
            for name in self._files:
                (self.folder / name).unlink(missing_ok=True)
                self.entries.pop(name)
            note = Note(item.sample_id, "left out", f"{CANNOT}: {error.what}")
            (self._left_out if self._open is None else self._open.notes).append(note)
        finally:
            self._sample, self._files = outer

    def write(self, name: str, make: Callable[[Path], None]) -> str:
        """Make a file: `make` gets the path of a draft. Returns the name."""
        if not name.isprintable():
            raise Unreadable(f"the name {name!r} holds a control character, which lists of files cannot carry")
        if name in self.entries:
            raise BadInput(f"two samples would be written to {name}", hint="report this exporter: names must differ")
        entry = self._finished(name)
        if entry is None:
            entry = Entry(name, samples=[] if self._sample is None or self._open else [self._sample])
            outer, self._open = self._open, entry
            try:
                with draft(self.folder / name) as temporary:
                    make(temporary)
                    entry.bytes, entry.hash = temporary.stat().st_size, file_hash(temporary)
            finally:
                self._open = outer
            self._journal.write(json.dumps({"file": entry.file, "bytes": entry.bytes, "hash": entry.hash, "samples": entry.samples,
                                            "notes": [[one.sample_id, one.what, one.why, one.number, one.unit] for one in entry.notes]}, ensure_ascii=False) + "\n")
            self._journal.flush()
        self.entries[name] = entry
        self._files.append(name)
        return name

    def copy(self, source: Path, name: str) -> str:
        """A file as it is. Raises Unreadable when it is gone."""
        if not source.is_file():
            raise Unreadable("the file is not there any more", where=str(source))
        return self.write(name, lambda draft_: _copied(source, draft_))

    def bytes(self, name: str, data: bytes) -> str:
        return self.write(name, lambda draft_: _written(draft_, data))

    def text(self, name: str, text: str) -> str:
        return self.bytes(name, text.encode())

    def json(self, name: str, value: Any) -> str:
        return self.text(name, json.dumps(value, indent=1, ensure_ascii=False) + "\n")

    def table(self, name: str, rows: list[dict[str, Any]] | pa.Table, kind: Kind, header: dict[str, Any] | None = None) -> str:
        return self.write(name, lambda draft_: write_table(draft_, rows, kind, header))

    def note(self, item: Item, what: What, why: str, number: int | None = None, unit: str | None = None) -> None:
        """Put into the ledger what is done to a sample; call it inside `make`, so that it is remembered with the file."""
        if self._open is None:
            raise BadInput("a note belongs to the file that is being made", hint="call note inside the function given to write")
        self._open.notes.append(Note(item.sample_id, what, why, number, unit))

    @property
    def notes(self) -> list[Note]:
        """Everything noted, samples that could not be read among it."""
        return [*self._left_out, *(note for entry in self.entries.values() for note in entry.notes)]

    def leave_out(self, item: Item, why: str) -> None:
        """Say that a sample does not go out, and why."""
        self._left_out.append(Note(item.sample_id, "left out", why))

    def warn(self, text: str) -> None:
        """Say something of the export as a whole; it is told with the other warnings."""
        self.warnings.append(text)

    def claim(self, sample_id: str, name: str) -> None:
        """Say that a file holds a sample; a file that the exporter wrote by itself is taken into the books."""
        if name not in self.entries:
            path = self.folder / name
            self.entries[name] = Entry(name, path.stat().st_size, file_hash(path))
        self.entries[name].samples.append(sample_id)

    def close(self) -> None:
        """The export is whole: what an earlier run wrote and this one did not goes, and the journal has done its duty."""
        for name in self._known.keys() - self.entries.keys():
            (self.folder / name).unlink(missing_ok=True)
        self._journal.close()
        (self.folder / JOURNAL).unlink()

    def _finished(self, name: str) -> Entry | None:
        """What the journal says of a file of samples; lists over all samples are made anew, as other samples may be in them now."""
        entry, path = self._known.get(name), self.folder / name
        return entry if entry is not None and entry.samples and path.is_file() and path.stat().st_size == entry.bytes else None


def recall(folder: Path) -> dict[str, Entry]:
    """The files that the journal of a cut export names; half a line at its end, left by a power cut, is dropped."""
    path = folder / JOURNAL
    found: dict[str, Entry] = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if text and not text.endswith("\n"):
        text = text[: text.rfind("\n") + 1]
        path.write_text(text, encoding="utf-8")
    for line in text.splitlines():
        body = json.loads(line)
        found[body["file"]] = Entry(body["file"], body["bytes"], body["hash"], body["samples"], [Note(*note) for note in body["notes"]])
    return found


def reasons_of(notes: Iterable[Note]) -> list[tuple[str, str, int]]:
    """The commonest (what, why, number of samples) of the notes."""
    found = Counter((what, why) for what, why, _ in {(note.what, note.why, note.sample_id) for note in notes})
    return [(what, why, number) for (what, why), number in sorted(found.items(), key=lambda one: (-one[1], one[0]))[:REASONS]]


def _copied(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _written(target: Path, data: bytes) -> None:
    target.write_bytes(data)

"""What a search needs of a catalog, prepared once and kept in the user's cache folder under the catalog's fingerprint.

The cache is JSON and a tantivy index: nothing in it is executed. Without a writable cache everything is prepared in memory each time.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from isocenter.core.files import blake2b
from isocenter.registry.licenses import Effective
from isocenter.registry.search.entries import Catalog, Entry, read
from isocenter.registry.search.evidence import Found, gather
from isocenter.registry.search.names import Names, index_names
from isocenter.registry.search.text import TextIndex, index_text, open_text
from isocenter.registry.vocabulary import Term, Vocabulary

KEPT = 4                               # prepared catalogs in the cache, the newest
HERE = Path(__file__).parent
CODE = (*sorted(HERE.glob("*.py")), *(HERE.parent / name for name in ("vocabulary.py", "vocabulary_text.py", "licenses.py", "license_parser.py", "lookup.py")),
        *sorted((HERE.parent / "facts").glob("vocabulary_*.csv")))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A catalog with its evidence, its names and its text index."""

    catalog: Catalog
    found: list[Found]
    names: Names
    text: TextIndex


def prepare(catalog: Catalog, folder: Path | None = None) -> Prepared:
    """Prepare a catalog; the text index lies in `folder`, or in memory."""
    return Prepared(catalog, gather(catalog.entries, catalog.vocabulary), index_names(catalog.entries, catalog.vocabulary), index_text(catalog, folder))


def open_prepared(path: Path) -> Prepared:
    """The prepared catalog of a file, from the cache if it is there. Raises as `entries.read`."""
    folder = cache_folder() / _fingerprint(path)
    if (folder / "prepared.json").exists():
        try:
            return _load(folder)
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(folder, ignore_errors=True)
    catalog = read(path)
    try:
        return _store(catalog, folder)
    except OSError:
        return prepare(catalog)


def cache_folder() -> Path:
    """Where prepared catalogs are kept: `$ISOCENTER_CACHE`, else the user's cache folder."""
    root = os.environ.get("ISOCENTER_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "isocenter")
    return Path(root) / "search"


def _fingerprint(path: Path) -> str:
    """Changes with the bytes of the catalog and with the code that prepares it; "none" where there is no catalog."""
    if not path.is_file():
        return "none"
    code = "".join(f"{file.name}:{(stat := file.stat()).st_size}:{stat.st_mtime_ns}" for file in CODE)
    return blake2b(code.encode() + path.read_bytes())[:24]


def _store(catalog: Catalog, folder: Path) -> Prepared:
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=folder.parent))
    try:
        (draft / "text").mkdir()
        done = prepare(catalog, draft / "text")
        (draft / "prepared.json").write_text(json.dumps(_plain(done), separators=(",", ":")), encoding="utf-8")
        if not folder.exists():
            draft.rename(folder)
            _prune(folder.parent)
            return Prepared(catalog, done.found, done.names, open_text(folder / "text", done.text.vocabulary, len(catalog.entries)))
        return done
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _prune(root: Path) -> None:
    """Drop all but the newest prepared catalogs."""
    folders = sorted((folder for folder in root.iterdir() if (folder / "prepared.json").exists()), key=lambda folder: folder.stat().st_mtime)
    for folder in folders[:-KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _plain(done: Prepared) -> dict[str, Any]:
    vocabulary = done.catalog.vocabulary
    return {
        "fingerprint": done.catalog.fingerprint,
        "entries": [_plain_entry(entry) for entry in done.catalog.entries],
        "terms": [[term.term_id, term.facet, term.name, term.code_system, term.code] for term in vocabulary.terms.values()],
        "parents": vocabulary.parents, "children": vocabulary.children,
        "phrases": [[" ".join(phrase), *found] for phrase, found in vocabulary.phrases.items()],
        "found": done.found, "whole": done.names.whole, "words": done.names.words, "prefixes": done.names.prefixes, "generic": sorted(done.names.generic),
        "text": sorted(done.text.vocabulary),
    }


def _plain_entry(entry: Entry) -> dict[str, Any]:
    return {**_values(entry), "terms": {term: sorted(sources) for term, sources in entry.terms.items()}, "labels": sorted(entry.labels), "license": _values(entry.license)}


def _values(record: Entry | Effective) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _load(folder: Path) -> Prepared:
    said = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
    terms = {row[0]: Term(*row) for row in said["terms"]}
    phrases = {tuple(phrase.split(" ")): tuple(map(tuple, found)) for phrase, *found in said["phrases"]}
    vocabulary = Vocabulary(terms, _pairs(said["parents"]), phrases, _pairs(said["children"]), max(map(len, phrases), default=1))
    entries = tuple(_entry(row) for row in said["entries"])
    names = Names(said["whole"], said["words"], said["prefixes"], frozenset(said["generic"]))
    text = open_text(folder / "text", frozenset(said["text"]), len(entries))
    return Prepared(Catalog(entries, vocabulary, said["fingerprint"]), said["found"], names, text)


def _pairs(said: Mapping[str, list[list[str]]]) -> dict[str, tuple[tuple[str, str], ...]]:
    return {key: tuple((other, relation) for other, relation in pairs) for key, pairs in said.items()}


def _entry(said: dict[str, Any]) -> Entry:
    said["aliases"] = tuple(said["aliases"])
    said["terms"] = {term: frozenset(sources) for term, sources in said["terms"].items()}
    said["labels"] = frozenset(said["labels"])
    said["license"] = Effective(**{**said["license"], "ids": tuple(said["license"]["ids"])})
    return Entry(**said)

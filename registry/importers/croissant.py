"""Croissant metadata (JSON-LD of MLCommons, 0.8 to 1.1) of one dataset → one record.

Keywords become facet terms where the vocabulary knows them; the description is not searched for terms, since it also names what the
dataset is compared with. Every licence of a list is a statement of its own. Metadata that somebody else than the publisher wrote
(sdPublisher) is second-hand, as what this catalog itself exports is. Source: Croissant format specification 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.registry.cells import year
from isocenter.registry.keywords import keyword_terms
from isocenter.registry.names import slug
from isocenter.registry.record import NO_OPTIONS, Claim, Options, Record, read_json
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "croissant", "name": "Croissant metadata", "rank": 12}
DOI = re.compile(r"10\.\d{4,9}/[^\s\"'<>}\]]+")
SIZE = re.compile(r"^\s*([\d.]+)\s*([KMGT]?)I?B?\s*$", re.IGNORECASE)
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def source(path: Path, options: Options) -> dict[str, object]:
    """One source per described dataset, so that a second file does not replace the first."""
    return {**SOURCE, "source_id": options.get("source") or f"croissant-{slug(_text(_read(path).get('name')))}", "name": f"{path.name}, Croissant metadata"}


def records(path: Path, vocabulary: Vocabulary, options: Options = NO_OPTIONS) -> Iterator[Record]:
    """The described dataset. Raises BadInput when the file is no Croissant dataset or has no name."""
    body = _read(path)
    keywords = [_text(one) for one in _many(body.get("keywords"))]
    confidence = "second-hand" if _of_others(body) else "read"
    claims = [Claim(field, value, confidence) for field, value in _fields(body) if value]
    claims += [Claim("keyword", word, confidence) for word in keywords]
    licences = tuple(Claim("licence", text, confidence) for one in _many(body.get("license")) if (text := _text(one)))
    aliases = tuple(_text(one) for one in _many(body.get("alternateName")))
    yield Record(str(source(path, options)["source_id"]), path.name, _text(body["name"]), tuple(claims), tuple(keyword_terms(keywords, vocabulary)), aliases, licences=licences)


def _read(path: Path) -> dict[str, Any]:
    body = read_json(path)
    kind = body.get("@type") if isinstance(body, dict) else None
    if not isinstance(body, dict) or "Dataset" not in str(kind) or not _text(body.get("name")):
        raise BadInput("not Croissant metadata of a dataset (@type Dataset, with a name)", where=str(path))
    return body


def _of_others(body: dict[str, Any]) -> bool:
    """Whether somebody else than who made or published the dataset wrote the metadata, and says so (sdPublisher)."""
    writer = _text(body.get("sdPublisher"))
    return bool(writer) and writer not in {_text(one) for one in _many(body.get("creator")) + _many(body.get("publisher"))}


def _fields(body: dict[str, Any]) -> list[tuple[str, str]]:
    creators = [_text(one) for one in _many(body.get("creator")) + _many(body.get("publisher"))]
    when = year(_text(body.get("datePublished")) or _text(body.get("dateCreated")))
    addresses = " ".join(_text(body.get(field)) for field in ("identifier", "citeAs", "url")) + " " + " ".join(_text(one) for one in _many(body.get("sameAs")))
    doi = DOI.search(addresses)
    return [
        ("homepage", _text(body.get("url"))), ("release", _text(body.get("version"))), ("year", str(when or "")), ("organisation", creators[0] if creators else ""),
        ("doi", doi[0].rstrip(".,;)").lower() if doi else ""), ("bytes", _bytes(body)),
    ]


def _bytes(body: dict[str, Any]) -> str:
    """The sum over files that are not inside another one; "" unless every one of them states its size."""
    files = [one for one in _many(body.get("distribution")) if isinstance(one, dict) and not one.get("containedIn") and "FileSet" not in str(one.get("@type"))]
    sizes = [SIZE.match(str(one.get("contentSize", ""))) for one in files]
    if not files or not all(sizes):
        return ""
    return str(round(sum(float(size[1]) * UNITS[size[2].upper()] for size in sizes if size)))


def _many(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    """A text, also when it is wrapped: language-tagged, a list, a person, a creative work."""
    if isinstance(value, list):
        return _text(value[0]) if value else ""
    if isinstance(value, dict):
        return _text(next((value[key] for key in ("@value", "en", "name", "url", "@id") if value.get(key)), next(iter(value.values()), "")))
    return " ".join(str(value).split()) if value is not None else ""

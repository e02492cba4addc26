"""A Hugging Face dataset card (README.md with a YAML head) → one record.

Size categories ("10K<n<100K") are ranges and stay a claim of their own; a count is claimed only where the head lists the splits.
Source: dataset card specification of the Hugging Face Hub.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.core.files import require_file
from isocenter.registry.keywords import keyword_terms
from isocenter.registry.names import slug
from isocenter.registry.record import NO_OPTIONS, Claim, Options, Record
from isocenter.registry.vocabulary import Vocabulary

SOURCE = {"source_id": "hf-card", "name": "Hugging Face dataset card", "rank": 14}
HEAD = re.compile(r"\A\ufeff?---[ \t]*\r?\n(?P<head>.*?)\r?\n---[ \t]*(?:\r?\n|\Z)(?P<body>.*)", re.DOTALL)
HOMEPAGE = re.compile(r"(?im)^[-*\s]*\*{0,2}(?:homepage|project page|website)\*{0,2}\s*:?\*{0,2}\s*(?:\[[^\]]*\]\()?<?(https?://[^\s)>]+)")
DOI = re.compile(r"(?i)doi\.org/(10\.\d{4,9}/[^\s)>\"'\]]+)")
GATED = ("extra_gated_prompt", "extra_gated_fields", "extra_gated_heading")
NO_NAME = ("dataset card", "dataset summary")


def source(path: Path, options: Options) -> dict[str, object]:
    """One source per card, so that a second card does not replace the first."""
    head, body = _read(path)
    return {**SOURCE, "source_id": options.get("source") or f"hf-{slug(_name(head, body, path, options))}", "name": f"Hugging Face dataset card {path.parent.name}/{path.name}"}


def records(path: Path, vocabulary: Vocabulary, options: Options = NO_OPTIONS) -> Iterator[Record]:
    """The dataset of the card. Option `name` names it where the card does not. Raises BadInput when the file has no YAML head."""
    head, body = _read(path)
    words = [str(one) for field in ("task_categories", "task_ids", "tags", "modalities") for one in _many(head.get(field))]
    keywords = [re.sub(r"^(image|video|object) (?=\w)", "", word.rpartition(":")[2].replace("-", " ")) for word in words]
    name = _name(head, body, path, options)
    claims = [Claim(field, value, "read") for field, value in _fields(head, body) if value] + [Claim("keyword", word, "read") for word in words]
    yield Record(str(source(path, options)["source_id"]), f"{path.name} of {name}", name, tuple(claims), tuple(keyword_terms(keywords, vocabulary)),
                 licences=tuple(Claim("licence", text, "read") for text in _licences(head) if text))


def _read(path: Path) -> tuple[dict[str, Any], str]:
    import yaml  # type: ignore[import-untyped]

    try:
        match = HEAD.match(require_file(path).read_text(encoding="utf-8"))
        head = yaml.safe_load(match["head"]) if match else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"the card cannot be read: {str(error).splitlines()[0]}", where=str(path)) from error
    if not isinstance(head, dict) or match is None:
        raise BadInput("no dataset card: a README.md that begins with a YAML head between two lines of ---", where=str(path))
    return head, match["body"]


def _name(head: dict[str, Any], body: str, path: Path, options: Options) -> str:
    """The option, the pretty name, the first heading that is a name, or the folder (owner--name as the hub caches it)."""
    heading = re.search(r"(?m)^#\s+(.+?)\s*$", body)
    title = re.sub(r"(?i)^dataset card for\s+", "", heading[1]) if heading else ""
    if title.casefold().startswith(NO_NAME):
        title = ""
    return str(options.get("name") or head.get("pretty_name") or title or path.resolve().parent.name.split("--")[-1]).strip()


def _fields(head: dict[str, Any], body: str) -> list[tuple[str, str]]:
    configs = [one for one in _many(head.get("dataset_info")) if isinstance(one, dict)]
    splits = [split for one in configs for split in _many(one.get("splits")) if isinstance(split, dict)]
    homepage, doi = HOMEPAGE.search(body), DOI.search(body)
    return [
        ("homepage", homepage[1].rstrip(".,") if homepage else ""), ("doi", doi[1].rstrip(".,;").lower() if doi else ""),
        ("n_samples", _total(splits, "num_examples") if len(configs) == 1 else ""),
        ("bytes", _total(configs, "download_size")),
        ("size category", ", ".join(str(one) for one in _many(head.get("size_categories")))), ("release", str(head.get("version") or "")),
        ("access", "registration" if any(head.get(field) for field in GATED) or head.get("gated") else ""),
        ("annotation origin", ", ".join(str(one) for one in _many(head.get("annotations_creators")))),
    ]


def _total(parts: list[dict[str, Any]], field: str) -> str:
    """The sum of a number over all parts; "" unless every one states it."""
    numbers = [part[field] for part in parts if isinstance(part.get(field), int)]
    return str(sum(numbers)) if numbers and len(numbers) == len(parts) else ""


def _licences(head: dict[str, Any]) -> list[str]:
    """The licences as the card words them: for "other" its name or address, which say more."""
    stated = [str(one) for one in _many(head.get("license", head.get("licence")))]
    if stated in ([], ["other"], ["unknown"]) or "other" in stated:
        named = [str(head[field]) for field in ("license_name", "license_link") if head.get(field)]
        return named[:1] or stated
    return stated


def _many(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]

"""Sentences about a sample or a term from its mask, by numbered templates; every row names the template that made it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from isocenter.harmonize.derive._view import Derived, MaskView, Region, parts
from isocenter.harmonize.derive.positions import position_of
from isocenter.harmonize.derive.sizes import size_of
from isocenter.harmonize.derive.volumes import extent_of

version = "1"
MODALITIES = {"CT": "CT scan", "MR": "MR image", "PT": "PET scan", "US": "ultrasound image", "CR": "radiograph", "DX": "radiograph",
              "XR": "radiograph", "MG": "mammogram", "SM": "histology image", "OP": "fundus photograph", "OPT": "OCT image", "ES": "endoscopy image"}


def derive(view: MaskView) -> Iterator[Derived]:
    """One row per template and subject; templates whose facts are not known are left out."""
    for name, template in templates().items():
        subjects: list[Region | None] = [None] if template["about"] == "sample" else list(view.regions)
        for region in subjects:
            facts = _facts(view, region)
            if view.regions and all(facts.get(need) for need in template["needs"]):
                text = template["text"].format_map(facts)
                yield Derived("text", {"text": text[:1].upper() + text[1:], "template": name}, region)


@cache
def templates() -> Mapping[str, Mapping[str, Any]]:
    """Template id -> {about: sample or term, needs: names of facts, text}."""
    body: Mapping[str, Mapping[str, Any]] = tomllib.loads(Path(__file__).with_name("captions.toml").read_text(encoding="utf-8"))
    return body


def _facts(view: MaskView, region: Region | None) -> dict[str, str]:
    terms = [r.term for r in view.regions]
    image = MODALITIES.get((view.modality or "").upper(), f"{view.modality} image" if view.modality else "image")
    facts = {"image": image, "an_image": _with_article(image), "body_part": view.body_part or "", "terms": _listed(terms), "count": str(len(terms))}
    if region is None:
        return facts
    extent, pieces = extent_of(view, region), len(parts(region))
    volume = f"{extent['volume_ml']:.3g} ml" if "volume_ml" in extent else f"{extent['area_mm2']:.3g} mm²" if "area_mm2" in extent else ""
    return facts | {
        "term": region.term, "a_term": _with_article(region.term), "position": position_of(view, region), "size": size_of(view, region),
        "volume": volume, "pieces": str(pieces) if pieces > 1 else "",
    }


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}" if words else ""


def _with_article(words: str) -> str:
    return f"an {words}" if words[:1].lower() in "aeiou" or words.startswith("MR ") else f"a {words}"

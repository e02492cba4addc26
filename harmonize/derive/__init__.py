"""Derived annotations: a mask with its terms and the names of what is wanted go in; rows of the annotation table come out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from isocenter.core.files import fingerprint
from isocenter.core.plugins import PluginTable
from isocenter.harmonize.derive._view import Derived, MaskView, Region

__all__ = ["DERIVATIONS", "Derived", "MaskView", "Region", "derive"]

DERIVATIONS = PluginTable("derivation", "isocenter.harmonize.derive", ("version", "derive"))


def derive(view: MaskView, what: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of the annotation table, in the order of `what` and of the terms; see `DERIVATIONS.names()` for what there is.

    Every row says by which derivation and version it was made (`annotator`), from which mask and raw values (`uri`, `raw`,
    `label_map`), and is marked `machine_made`. A derivation that needs millimetres gives nothing for a mask without spacing.
    """
    for name in what:
        module = DERIVATIONS.get(name)
        for derived in module.derive(view):
            yield _row(view, derived, f"isocenter derive {name}/{module.version}")


def _row(view: MaskView, derived: Derived, annotator: str) -> dict[str, Any]:
    geometry = json.dumps(derived.geometry, ensure_ascii=False, sort_keys=True)
    region = derived.region
    row = {
        "sample_id": view.sample_id, "kind": derived.kind, "term": region.term if region else None,
        "raw": "|".join(map(str, region.values)) if region else None, "state": "present" if region else None, "uri": view.uri,
        "geometry": geometry, "label_map": view.label_map, "annotator": annotator, "machine_made": True,
        "source": f"derived from {view.uri or 'mask'}",
    }
    return {"annotation_id": fingerprint(row), **row}

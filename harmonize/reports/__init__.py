"""Reports become labels: the text of a radiology report goes in; terms with state, span, certainty and method come out.

A backend is one function, `label(text) -> iterable of Mention`. The built-in one is `rules` (English chest X-ray reports,
offline); a language model is another: a file in the workspace's plugins folder, or a function handed to `label_report`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from isocenter.core.errors import BadInput
from isocenter.core.files import fingerprint
from isocenter.core.plugins import PluginTable
from isocenter.harmonize.reports._mention import Mention, State

__all__ = ["BACKENDS", "Mention", "annotation_rows", "apply_policy", "decide", "label_report"]

BACKENDS = PluginTable("report labeller", "isocenter.harmonize.reports", ("version", "label"))
Backend = Callable[[str], Iterable[Mention]]
Policy = Literal["keep", "ones", "zeros", "ignore"]
POLICIES: Mapping[str, State | None] = {"keep": "uncertain", "ones": "present", "zeros": "absent", "ignore": None}


def label_report(text: str, backend: str | Backend = "rules", *, plugins: Path | None = None) -> list[Mention]:
    """All mentions in the text, checked and in reading order; what the text does not mention is not in the list.

    backend: the name of a backend or a function. Raises BadInput when a backend gives a span that is not in the text.
    """
    label: Backend = BACKENDS.get(backend, plugins).label if isinstance(backend, str) else backend
    mentions = sorted(label(text), key=lambda mention: (mention.start, mention.end, mention.term))
    for mention in mentions:
        if not 0 <= mention.start < mention.end <= len(text):
            raise BadInput(f"the labeller gave {mention.term!r} a span outside the text: {mention.start}-{mention.end} of {len(text)}")
    return mentions


def decide(mentions: Iterable[Mention]) -> dict[str, Mention]:
    """One mention per term: a present one wins over an uncertain one, and that over an absent one; the first of its kind stays.

    The order is CheXpert's (Irvin et al., AAAI 2019, section on aggregation).
    """
    strength = {"present": 2, "uncertain": 1, "absent": 0}
    chosen: dict[str, Mention] = {}
    for mention in mentions:
        known = chosen.get(mention.term)
        if known is None or strength[mention.state] > strength[known.state]:
            chosen[mention.term] = mention
    return chosen


def annotation_rows(sample_id: str, text: str, backend: str = "rules", *, uri: str | None = None, plugins: Path | None = None) -> list[dict[str, Any]]:
    """Rows of the annotation table, one per term that the report mentions; `geometry` holds span, sentence, cue and certainty."""
    version = BACKENDS.get(backend, plugins).version
    rows = []
    for term, mention in sorted(decide(label_report(text, backend, plugins=plugins)).items()):
        where = {"span": [mention.start, mention.end], "certainty": mention.certainty, "cue": mention.cue}
        row = {
            "sample_id": sample_id, "kind": "label", "term": term, "raw": text[mention.start : mention.end], "state": mention.state, "uri": uri,
            "geometry": json.dumps(where, ensure_ascii=False, sort_keys=True), "label_map": None, "annotator": f"isocenter report {backend}/{version}",
            "machine_made": True, "source": f"report {uri}" if uri else "report",
        }
        rows.append({"annotation_id": fingerprint(row), **row})
    return rows


def apply_policy(states: Mapping[str, State], policy: Policy) -> dict[str, State]:
    """Settle uncertain states: `keep` them, count them as present (`ones`) or absent (`zeros`), or drop them (`ignore`).

    A dropped term is not annotated, which is not the same as absent. Source of the names: CheXpert's U-Ones, U-Zeros, U-Ignore.
    """
    if policy not in POLICIES:
        raise BadInput(f"no policy named {policy!r} for uncertain labels", hint=f"one of: {', '.join(POLICIES)}")
    settled = {term: POLICIES[policy] if state == "uncertain" else state for term, state in states.items()}
    return {term: state for term, state in settled.items() if state is not None}

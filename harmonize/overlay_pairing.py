"""Which samples a mask or box file belongs to, and how the slices of a mask become one: overlays go in, sample rows come out."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from isocenter.core.errors import BadInput
from isocenter.harmonize.file_facts import FileFacts
from isocenter.harmonize.layout_rules import BoxRule, MaskRule
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.sample_rows import SampleRow
from isocenter.registry.labelmap import States


class Finder:
    """Finds the samples of an overlay: by the filled template of the rule, or by equal values of the tokens both have."""

    def __init__(self, rows: list[SampleRow]) -> None:
        self.rows = [row for row in rows if not row.values.get("error")]
        self.by_path = {path: row for row in self.rows for path in row.files}
        self.by_name: dict[str, list[SampleRow]] = defaultdict(list)
        for row in self.rows:
            self.by_name[row.values["uri"].rsplit("/", 1)[-1]].append(row)
        self.by_names: dict[frozenset[str], list[SampleRow]] = defaultdict(list)
        for row in self.rows:
            self.by_names[frozenset(row.tokens)].append(row)
        self.by_tokens: dict[tuple[frozenset[str], tuple[str, ...]], dict[tuple[str, ...], list[SampleRow]]] = {}

    def images(self, rule: MaskRule | BoxRule, tokens: dict[str, str]) -> list[SampleRow]:
        if rule.image is not None:
            return self.at(fill(rule.image, tokens))
        shared = {names: tuple(sorted(names & tokens.keys())) for names in self.by_names}
        if self.rows and not any(shared.values()):
            said = repr(rule.pattern.text) if rule.pattern else "the rule"
            raise BadInput(f"{said} shares no token with the image pattern", hint="use the same {token} in both, or `image = …`")
        return [row for names, common in shared.items() if common for row in self._with(names, common).get(tuple(tokens[name] for name in common), [])]

    def at(self, path: str) -> list[SampleRow]:
        """The sample of that path, or the only one whose path ends so."""
        if path in self.by_path:
            return [self.by_path[path]]
        found = [row for row in self.by_name.get(path.rsplit("/", 1)[-1], []) if row.values["uri"].endswith(f"/{path}")]
        return found if len(found) == 1 else []

    def _with(self, names: frozenset[str], common: tuple[str, ...]) -> dict[tuple[str, ...], list[SampleRow]]:
        """Samples whose path has just these tokens, by the values of those in common."""
        if (names, common) not in self.by_tokens:
            index: dict[tuple[str, ...], list[SampleRow]] = defaultdict(list)
            for row in self.by_names[names]:
                index[tuple(row.tokens[name] for name in common)].append(row)
            self.by_tokens[(names, common)] = index
        return self.by_tokens[(names, common)]


class Stacks:
    """Masks that come as one picture per slice: a slice states nothing of the sample, all of them together do."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[SampleRow, list[SampleRow]]] = {}

    def slice_of(self, row: SampleRow) -> SampleRow:
        """A stand-in of the sample for one more slice."""
        one = SampleRow({"sample_id": row.values["sample_id"], "shape": (row.values["shape"] or [])[:2], "labels": None, "issues": []}, ())
        self.of.setdefault(row.values["sample_id"], (row, []))[1].append(one)
        return one

    def taken(self, row: SampleRow, facts: FileFacts, marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Annotation rows of the slice, with its place in the stack."""
        number = len(self.of[row.values["sample_id"]][1]) - 1
        return [mark | {"geometry": json.dumps(json.loads(mark.get("geometry") or "{}") | {"slice": number})} for mark in marks]

    def close(self) -> None:
        """Give every sample what its slices state: present in one is present, absent from all is absent."""
        for row, slices in self.of.values():
            states: States = {}
            for one in slices:
                for term, state in (one.values["labels"] or {}).items():
                    states[term] = "present" if "present" in (state, states.get(term)) else state
                for text in one.values["issues"]:
                    row.issue(text)
                row.said += one.said
            row.state(states, "slices of its mask")
            depth = (row.values["shape"] or [0, 0, 0])[2:3]
            if depth and depth[0] != len(slices):
                row.issue(f"mask_mismatch: {len(slices)} slices of a mask, the image has {depth[0]}")


def annotation(row: SampleRow, rule: object, uri: str | None, **values: Any) -> dict[str, Any]:
    """An annotation row of a sample, as published."""
    return {"sample_id": row.values["sample_id"], "uri": uri, "annotator": getattr(rule, "annotator", None),
            "machine_made": getattr(rule, "machine_made", False), "source": "as published", **values}

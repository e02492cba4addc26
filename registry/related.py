"""Walk the relations of a dataset both ways: what it came from, what came of it, and which datasets may hold the same patients."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from isocenter.registry.lookup import Query

DOWN = frozenset({"derived-from", "annotates", "synthetic-from"})     # forwards: from what was made to what it was made of
UP = frozenset({"part-of"})                                          # forwards: from a part to the whole
ASIDE = frozenset({"overlaps-with", "same-patients-as", "version-of", "supersedes"})
CERTAIN = frozenset({"part-of", "same-patients-as", "annotates", "supersedes"})
READ = frozenset({"read", "reviewed"})
DEPTH = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One relation, walked forwards (the left side is its subject) or backwards."""

    left: str
    predicate: str
    right: str
    forwards: bool
    detail: str | None
    confidence: str | None
    evidence: str | None

    @property
    def certain(self) -> bool:
        """Whether this relation alone says that patients are shared; an overlap does where somebody read of it at its source."""
        return self.predicate in CERTAIN or (self.predicate == "overlaps-with" and self.confidence in READ)

    def text(self) -> str:
        return f"{self.left} {self.predicate} {self.right}" if self.forwards else f"{self.right} {self.predicate} {self.left}"


@dataclass(frozen=True, slots=True)
class Related:
    """A dataset that can be reached, by the shortest path; `patients`: "same" (the one step says so), "may" or "other"."""

    slug: str
    name: str
    distance: int
    path: tuple[Step, ...]
    patients: str


def related(slug: str, query: Query, depth: int = DEPTH) -> list[Related]:
    """Datasets within `depth` relations of `slug`, nearest first; those that may hold the same patients before the others.

    Patients travel from a source to what was made of it and from a part to its whole, and back; but two sources of one aggregate, or
    two parts of one whole, share nobody by that. So a path counts while no step down (to a source, to a part) follows a step up.
    An edition of the same challenge whose overlap nobody stated is "may".
    """
    steps = _steps(query)
    names = {row["slug"]: row["name"] for row in query("SELECT slug, name FROM dataset")}
    shared = _walk(slug, steps, depth, sharing=True)
    reached = _walk(slug, steps, min(depth, 2), sharing=False)
    found = [Related(one, names[one], len(path), path, "same" if len(path) == 1 and path[0].certain else "may") for one, path in shared.items()]
    found.sort(key=lambda one: (one.distance, one.patients != "same"))
    return found + [Related(one, names[one], len(path), path, "other") for one, path in reached.items() if one not in shared]


def _steps(query: Query) -> dict[str, list[Step]]:
    steps: dict[str, list[Step]] = defaultdict(list)
    for row in query("SELECT subject, predicate, object, detail, confidence, evidence FROM relation ORDER BY subject, predicate, object, source"):
        facts = (row["detail"], row["confidence"], row["evidence"])
        steps[row["subject"]].append(Step(row["subject"], row["predicate"], row["object"], True, *facts))
        steps[row["object"]].append(Step(row["object"], row["predicate"], row["subject"], False, *facts))
    return steps


def _walk(slug: str, steps: dict[str, list[Step]], depth: int, *, sharing: bool) -> dict[str, tuple[Step, ...]]:
    """Shortest paths from `slug`, of several relations of two datasets the certain one; with `sharing`, only those along which patients can be shared."""
    found: dict[str, tuple[Step, ...]] = {}
    start: tuple[str, bool, tuple[Step, ...]] = (slug, False, ())
    seen, queue = {(slug, False)}, deque([start])
    while queue:
        here, climbed, path = queue.popleft()
        if here != slug:
            found.setdefault(here, path)
        if len(path) == depth:
            continue
        for step in sorted(steps.get(here, ()), key=lambda step: (step.right, not step.certain)):
            up, down = _direction(step)
            if sharing and ((down and climbed) or not (up or down or step.predicate in ASIDE)):
                continue
            state = (step.right, sharing and (climbed or up or step.predicate == "overlaps-with"))
            if step.right != slug and state not in seen:
                seen.add(state)
                queue.append((*state, (*path, step)))
    return found


def _direction(step: Step) -> tuple[bool, bool]:
    """(up, down): up enters something larger or made of it, down goes to what it was made of or to a part."""
    forwards = step.forwards
    up = (step.predicate in UP and forwards) or (step.predicate in DOWN and not forwards)
    down = (step.predicate in DOWN and forwards) or (step.predicate in UP and not forwards)
    return up, down


def siblings(slug: str, query: Query) -> list[str]:
    """Other datasets of the same family."""
    rows = query("SELECT slug, family FROM dataset WHERE family IS NOT NULL ORDER BY slug")
    family = next((row["family"] for row in rows if row["slug"] == slug), None)
    return [row["slug"] for row in rows if family is not None and row["family"] == family and row["slug"] != slug]


def as_json(one: Related) -> dict[str, Any]:
    """One related dataset as plain data."""
    return {"slug": one.slug, "name": one.name, "distance": one.distance, "patients": one.patients,
            "path": [{"relation": step.text(), "detail": step.detail, "confidence": step.confidence, "evidence": step.evidence} for step in one.path]}

"""A corpus of the literature as a plan: the members that it published, and those that nobody can name."""

from __future__ import annotations

from isocenter.core.errors import NotFound
from isocenter.registry.fusion.assemble import assemble
from isocenter.registry.fusion.engine import modalities_of
from isocenter.registry.fusion.plan import FusionPlan, Missing
from isocenter.registry.fusion.snapshot import Snapshot
from isocenter.registry.lookup import Row

FRAGMENTS = {
    "example": "named in an example only", "demo": "named in a demonstration only", "evaluation": "used for evaluation only",
    "downstream": "a downstream task, not part of the pretraining data", "zero-shot": "used for zero-shot evaluation only", "count only": "a count, not a dataset",
}


def fuse_corpus(slug: str, snapshot: Snapshot) -> FusionPlan:
    """The plan that repeats a composite corpus. Raises NotFound with close names.

    Several subsets of one dataset are one member; a member whose name is ambiguous or unknown to the catalog is missing, by name;
    if the corpus says that it has more members than it names, the rest is missing, by count.
    """
    corpus = snapshot.corpora.get(slug)
    if corpus is None:
        from rapidfuzz import process

        close = [name for name, _, _ in process.extract(slug, list(snapshot.corpora), limit=3, score_cutoff=60)]
        raise NotFound(f"no corpus {slug!r}", hint=f"one of: {', '.join(close or sorted(snapshot.corpora))}")
    rows = snapshot.corpus_members.get(slug, ())
    real = [row for row in rows if row["role"] not in FRAGMENTS]
    named: dict[str, list[str]] = {}
    for row in real:
        if row["slug"]:
            named.setdefault(row["slug"], []).append(_call(row))
    missing = [Missing(_call(row), _why_missing(row, snapshot)) for row in real if not row["slug"]]
    unnamed = (corpus["n_stated"] or 0) - len(real)
    if unnamed > 0:
        missing.append(Missing(f"{unnamed} more", f"{corpus['name']} states {corpus['n_stated']} members and names {len(real)}"))
    notes = [f"{_call(row)}: {FRAGMENTS[row['role']]}" for row in rows if row["role"] in FRAGMENTS]
    return assemble(
        corpus["name"], list(named), snapshot, modalities={one: modalities_of(None, snapshot, one) for one in named},
        named={one: ", ".join(names) for one, names in named.items()}, missing=missing, notes=[*([corpus["note"]] if corpus["note"] else []), *notes],
    )


def _call(row: Row) -> str:
    return f"{row['member']} ({row['subset']})" if row["subset"] else str(row["member"])


def _why_missing(row: Row, snapshot: Snapshot) -> str:
    candidates = snapshot.aliases.get(str(row["member"]).casefold(), frozenset())
    if len(candidates) > 1:
        return f"the name stands for several datasets: {', '.join(sorted(candidates))}"
    return row["note"] or "no dataset of the catalog is known by this name"

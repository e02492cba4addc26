"""A corpus of the literature as a plan: the members that it published, and those that nobody can name."""

from __future__ import annotations

from isocenter.registry.entry import no_dataset
from isocenter.registry.fusion.assemble import assemble
from isocenter.registry.fusion.engine import modalities_of
from isocenter.registry.fusion.plan import FusionPlan, Missing, Share
from isocenter.registry.fusion.snapshot import Snapshot
from isocenter.registry.lookup import Row
from isocenter.registry.names import name_key
from isocenter.registry.resolve import Names

FRAGMENTS = {
    "example": "named in an example only", "demo": "named in a demonstration only", "evaluation": "used for evaluation only",
    "downstream": "a downstream task, not part of the pretraining data", "zero-shot": "used for zero-shot evaluation only", "count only": "a count, not a dataset",
    "extra": "listed by the corpus beside the members that it counts",
}


def fuse_corpus(slug: str, snapshot: Snapshot) -> FusionPlan:
    """The plan that repeats a composite corpus. Raises NotFound with close names, of corpora and of datasets.

    Several subsets of one dataset are one member; a member whose name is ambiguous or unknown to the catalog is missing, by name;
    if the corpus says that it has more members than it names, the rest is missing, by count.
    """
    corpus = _find(slug, snapshot)
    rows = snapshot.corpus_members.get(corpus["corpus_id"], ())
    real = [row for row in rows if row["role"] not in FRAGMENTS]
    shares: dict[str, list[Share]] = {}
    for row in real:
        if row["slug"]:
            shares.setdefault(row["slug"], []).extend(_shares(row, snapshot))
    missing = [Missing(_call(row), _why_missing(row, snapshot)) for row in real if not row["slug"]]
    unnamed = (corpus["n_stated"] or 0) - len(real)
    if unnamed > 0:
        missing.append(Missing(f"{unnamed} more", f"{corpus['name']} states {corpus['n_stated']} members and names {len(real)}"))
    notes = [f"{_call(row)}: {FRAGMENTS[row['role']]}" for row in rows if row["role"] in FRAGMENTS]
    stated = {one: tuple(dict.fromkeys(share.modality for share in taken if share.modality)) for one, taken in shares.items()}
    return assemble(
        corpus["name"], list(shares), snapshot, modalities={one: stated[one] or modalities_of(None, snapshot, one) for one in shares}, shares=shares,
        missing=missing, notes=[*([corpus["note"]] if corpus["note"] else []), *_disagreements(shares, snapshot), *notes],
    )


def is_corpus(name: str, snapshot: Snapshot) -> bool:
    """Whether a corpus has this slug or name."""
    return _known(name, snapshot) is not None


def _known(name: str, snapshot: Snapshot) -> Row | None:
    wanted = name_key(name)
    return next((one for corpus_id, one in snapshot.corpora.items() if wanted in (name_key(corpus_id), name_key(one["name"]))), None)


def _find(slug: str, snapshot: Snapshot) -> Row:
    """The corpus of that slug or name, however it is punctuated."""
    if corpus := _known(slug, snapshot):
        return corpus
    corpora = Names.of(((one, row["name"]) for one, row in snapshot.corpora.items()), ())
    raise no_dataset(slug, [*corpora.close(slug), *snapshot.names.close(slug)], "dataset or corpus")


def _shares(row: Row, snapshot: Snapshot) -> list[Share]:
    """One share per modality; a count that covers several modalities is not split, and stands without one."""
    terms = snapshot.vocabulary.normalise("modality", row["modality"]).terms
    names = [snapshot.vocabulary.term(term).name for term in terms]
    if len(names) == 1:
        return [Share(_call(row), names[0], row["n_samples"], row["sample_unit"])]
    return [*(Share(_call(row), name, None, None) for name in names), *([Share(_call(row), None, row["n_samples"], row["sample_unit"])] if row["n_samples"] or not names else [])]


def _disagreements(shares: dict[str, list[Share]], snapshot: Snapshot) -> list[str]:
    """Members whose modality the corpus states otherwise than every other source."""
    found = []
    for slug, taken in shares.items():
        has = snapshot.terms(slug, "modality")
        related = has.union(*(snapshot.vocabulary.ancestors(term) | snapshot.vocabulary.descendants(term) for term in has))
        for share in taken:
            if has and share.modality and not related & set(snapshot.vocabulary.find(share.modality, "modality")):
                found.append(f"{share.named}: the corpus says {share.modality}, the catalog {', '.join(sorted(has))}")
    return found


def _call(row: Row) -> str:
    return f"{row['member']} ({row['subset']})" if row["subset"] else str(row["member"])


def _why_missing(row: Row, snapshot: Snapshot) -> str:
    if candidates := snapshot.names.find(str(row["member"])).candidates:
        return f"the name stands for several datasets: {', '.join(candidates)}"
    return row["note"] or "no dataset of the catalog is known by this name"

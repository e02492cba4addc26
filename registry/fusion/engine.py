"""A rule over the catalog: candidates go in, members and exclusions come out, and every field of the rule is honoured.

The portal whose rule document this is compares strings, reads a missing count as zero and never looks at labels, quality or storage.
Here words are vocabulary terms with everything below them, licences are ids, and a budget is kept (docs/decisions/142).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isocenter.registry.amounts import amount
from isocenter.registry.fusion.plan import Exclusion
from isocenter.registry.fusion.rule import Rule
from isocenter.registry.fusion.snapshot import Snapshot
from isocenter.registry.license_parser import parse_license
from isocenter.registry.licenses import SILENT, family

GB = 1_000_000_000
STATED_QUALITY = {"high": 0, "medium": 1, "low": 3}     # 2: not stated
WITHDRAWN = "withdrawal"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule in the catalog's terms: each word with every term below it. `unknown`: words that the vocabulary does not have."""

    modalities: Mapping[str, frozenset[str]]
    tasks: frozenset[str]
    anatomy: frozenset[str]
    dimensions: frozenset[str]
    licenses: frozenset[str]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Slugs that stay, in the order of preference, and everything that does not, with the rule that says so."""

    kept: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    wanted: Wanted
    estimated: tuple[str, ...] = ()    # datasets whose bytes were estimated to keep the storage budget


def choose(rule: Rule, snapshot: Snapshot) -> Choice:
    """Apply the rule to every dataset of the catalog: filters, then the demands per modality, then the storage budget."""
    wanted = read_wanted(rule, snapshot)
    out: list[Exclusion] = []
    kept: list[str] = []
    for slug, row in snapshot.datasets.items():
        why = why_not(rule, wanted, snapshot, slug)
        if why:
            out.append(Exclusion(slug, row["name"], *why))
        else:
            kept.append(slug)
    if rule.selection.enable:
        kept, dropped = _enough_per_modality(rule, wanted, snapshot, kept)
        out.extend(dropped)
    kept.sort(key=lambda slug: preference(rule, snapshot, slug))
    kept, dropped, estimated = _within_budget(rule, snapshot, kept)
    return Choice(tuple(kept), (*out, *dropped), wanted, estimated)


def read_wanted(rule: Rule, snapshot: Snapshot) -> Wanted:
    """The words of a rule as terms."""
    unknown: list[str] = []

    def below(facet: str, word: str, relations: tuple[str, ...] = ("is-a",)) -> frozenset[str]:
        found = snapshot.vocabulary.normalise(facet, word)
        terms = {*found.terms, *(term for _, several in found.ambiguous for term in several)}
        if not terms:
            unknown.append(f"{facet}: {word}")
        return frozenset(terms).union(*(snapshot.vocabulary.descendants(term, relations) for term in terms))

    return Wanted(
        {word: below("modality", word) for word in rule.modalities},
        frozenset().union(*(below("task", word) for word in rule.task_types)),
        frozenset().union(*(below("anatomy", word, ("is-a", "part-of")) for word in rule.anatomy_whitelist)),
        _dimensions(rule), frozenset(parse_license(text).id for text in rule.license_allowlist or ()), tuple(unknown),
    )


def _dimensions(rule: Rule) -> frozenset[str]:
    if not rule.dimension:
        return frozenset()
    word = rule.dimension.casefold()
    wanted = {name for name in ("2d", "3d", "4d", "video") if name in word} or {word}
    return frozenset(wanted | ({"3d", "4d"} if "2d" in wanted and rule.allow_3d_as_2d_sources else set()) | ({"4d"} if "3d" in wanted else set()))


def why_not(rule: Rule, wanted: Wanted, snapshot: Snapshot, slug: str) -> tuple[str, str] | None:
    """The first field of the rule that keeps a dataset out, and the value that does; None when it stays."""
    return (
        _withdrawn(snapshot, slug)
        or _facet("dimension", wanted.dimensions, bool(rule.dimension), snapshot.terms(slug, "dimension"))
        or _facet("modalities", frozenset().union(*wanted.modalities.values()), bool(rule.modalities), snapshot.terms(slug, "modality"))
        or _facet("task_types", wanted.tasks, bool(rule.task_types), snapshot.terms(slug, "task"))
        or _license(rule, wanted, snapshot, slug)
        or _unlabelled(rule, snapshot, slug)
        or _too_small(rule, snapshot.datasets[slug])
        or _facet("anatomy_whitelist", wanted.anatomy, bool(rule.anatomy_whitelist), snapshot.terms(slug, "anatomy"))
        or _too_old(rule, snapshot.datasets[slug])
    )


def _withdrawn(snapshot: Snapshot, slug: str) -> tuple[str, str] | None:
    notice = next((row for row in snapshot.artifacts.get(slug, ()) if row["type"] == WITHDRAWN and row["scope"] in (None, "dataset") and not row["fixed_in"]), None)
    return ("withdrawn", notice["finding"]) if notice else None


def _facet(rule_field: str, wanted: frozenset[str], asked: bool, has: frozenset[str]) -> tuple[str, str] | None:
    if not asked or wanted & has:
        return None
    return rule_field, ", ".join(sorted(has)) or "not known"


def _license(rule: Rule, wanted: Wanted, snapshot: Snapshot, slug: str) -> tuple[str, str] | None:
    """Every claim that says something must be on the list; a claim without its version counts as its family."""
    if not rule.license_allowlist:
        return None
    spoken = [name for name in snapshot.licence(slug).ids if name not in SILENT]
    families = {family(name) for name in wanted.licenses}
    if spoken and all(name in wanted.licenses or (name.endswith("-unversioned") and family(name) in families) for name in spoken):
        return None
    return "license_allowlist", ", ".join(spoken) or "no licence known"


def _unlabelled(rule: Rule, snapshot: Snapshot, slug: str) -> tuple[str, str] | None:
    labelled = snapshot.datasets[slug]["labelled"]
    if rule.include_unlabeled or labelled or (labelled is None and snapshot.terms(slug, "task")):
        return None
    return "include_unlabeled", "unlabelled" if labelled is False else "not known to be labelled"


def _too_small(rule: Rule, row: Mapping[str, Any]) -> tuple[str, str] | None:
    """A count of subjects is a lower bound of the count of samples; an unknown count is said to be unknown, never zero."""
    least = rule.min_valid_image_n_per_dataset
    count = row["n_samples"] if row["n_samples"] is not None else row["n_subjects"]
    if least <= 0 or (count is not None and count >= least):
        return None
    return "min_valid_image_n_per_dataset", "number of samples not known" if count is None else amount(count, row["sample_unit"] or "sample")


def _too_old(rule: Rule, row: Mapping[str, Any]) -> tuple[str, str] | None:
    if rule.year_min is None or (row["year"] is not None and row["year"] >= rule.year_min):
        return None
    return "release_date_min", str(row["year"] or "year not known")


def _enough_per_modality(rule: Rule, wanted: Wanted, snapshot: Snapshot, kept: Sequence[str]) -> tuple[list[str], list[Exclusion]]:
    """Keep datasets with at least one modality that enough datasets and enough known organisations have."""
    groups: dict[str, set[str]] = defaultdict(set)
    for slug in kept:
        for modality in modalities_of(wanted, snapshot, slug):
            groups[modality].add(slug)
    enough, short = set(), {}
    for modality, slugs in groups.items():
        organisations = {snapshot.datasets[slug]["organisation"] for slug in slugs} - {None}
        if len(slugs) >= rule.selection.min_datasets_per_modality and len(organisations) >= rule.selection.min_orgs_per_modality:
            enough.add(modality)
        else:
            short[modality] = f"{modality} has {len(slugs)} datasets of {len(organisations)} known organisations"
    stay, out = [], []
    for slug in kept:
        mine = modalities_of(wanted, snapshot, slug)
        if enough & set(mine):
            stay.append(slug)
        else:
            out.append(Exclusion(slug, snapshot.datasets[slug]["name"], "selection.min_per_modality", "; ".join(short[name] for name in mine) or "no modality known"))
    return stay, out


def modalities_of(wanted: Wanted | None, snapshot: Snapshot, slug: str) -> tuple[str, ...]:
    """Modalities of a dataset, in the words of the rule where it names some."""
    has = snapshot.terms(slug, "modality")
    if wanted and wanted.modalities:
        return tuple(word for word, terms in wanted.modalities.items() if terms & has)
    return tuple(sorted(snapshot.vocabulary.term(term).name if term in snapshot.vocabulary.terms else term for term in has))


def preference(rule: Rule, snapshot: Snapshot, slug: str) -> tuple[int, int, int, str]:
    """Sort key: labelled first if preferred, then stated quality, then more samples, then the slug."""
    row = snapshot.datasets[slug]
    labelled = {True: 0, None: 1, False: 2}[row["labelled"]] if rule.prefer_labeled else 0
    return labelled, STATED_QUALITY.get(snapshot.quality.get(slug, ""), 2), -(row["n_samples"] or 0), slug


def _within_budget(rule: Rule, snapshot: Snapshot, kept: list[str]) -> tuple[list[str], list[Exclusion], tuple[str, ...]]:
    """Take datasets in order of preference while they fit; unknown bytes are estimated from the median per sample of the same unit."""
    budget = rule.selection.storage_budget_gb
    if budget is None:
        return kept, [], ()
    left, stay, out, estimated = budget * GB, [], [], []
    for slug in kept:
        row = snapshot.datasets[slug]
        size, guessed = row["bytes"], False
        if size is None and row["n_samples"] and row["sample_unit"] in snapshot.bytes_per_sample:
            size, guessed = row["n_samples"] * snapshot.bytes_per_sample[row["sample_unit"]], True
        if size is None or size > left:
            why = "size not known" if size is None else f"{'about ' if guessed else ''}{size / GB:.1f} GB, {left / GB:.1f} GB left"
            out.append(Exclusion(slug, row["name"], "selection.storage_budget_gb", why))
            continue
        left -= size
        stay.append(slug)
        if guessed:
            estimated.append(slug)
    return stay, out, tuple(estimated)

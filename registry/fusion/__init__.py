"""Fusion plans: a rule, the name of a corpus, or names of datasets go in; members, exclusions, counts, label coverage and licence verdicts come out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from isocenter.registry.entry import find_slug
from isocenter.registry.fusion.assemble import assemble
from isocenter.registry.fusion.compat import CompatPlan, fuse_like_portal, read_portal
from isocenter.registry.fusion.corpus import fuse_corpus, is_corpus
from isocenter.registry.fusion.differences import against_portal, by_field
from isocenter.registry.fusion.engine import choose, modalities_of
from isocenter.registry.fusion.plan import FusionPlan
from isocenter.registry.fusion.rule import Rule, read_rule
from isocenter.registry.fusion.snapshot import take
from isocenter.registry.lookup import Query
from isocenter.registry.resolve import Match

__all__ = ["CompatPlan", "FusionPlan", "Query", "Rule", "plan_corpus", "plan_like_portal", "plan_names", "plan_rule", "read_rule"]


def plan_rule(rule: Rule, query: Query, *, title: str = "rule", portal: Path | None = None) -> FusionPlan:
    """The plan of a rule over the catalog that `query` reads; with the portal's table, every difference to its answer is explained."""
    snapshot = take(query)
    choice = choose(rule, snapshot)
    differences = by_field(rule, choice, snapshot)
    if portal is not None:
        differences += against_portal(rule, choice, snapshot, read_portal(portal))
    notes = [*(f"the vocabulary has no {word}" for word in choice.wanted.unknown), *(f"the rule's field {name} is not known" for name in rule.ignored)]
    if choice.estimated:
        notes.append(f"bytes estimated from the median per sample for the storage budget: {', '.join(choice.estimated)}")
    return assemble(
        title, choice.kept, snapshot, modalities={slug: modalities_of(choice.wanted, snapshot, slug) for slug in choice.kept},
        excluded=choice.excluded, differences=differences, notes=notes,
    )


def plan_corpus(slug: str, query: Query) -> FusionPlan:
    """The plan of a composite corpus of the literature; members that were not published are missing, never invented."""
    return fuse_corpus(slug, take(query))


def plan_names(names: Sequence[str], query: Query) -> FusionPlan:
    """The plan of one corpus (its slug or name), or of the named datasets. Raises NotFound, or Conflict for an ambiguous name."""
    snapshot = take(query)
    if len(names) == 1 and (is_corpus(names[0], snapshot) or snapshot.names.find(names[0]) == Match(None)):
        return fuse_corpus(names[0], snapshot)
    slugs = list(dict.fromkeys(find_slug(name, snapshot.names) for name in names))
    return assemble(" + ".join(names), slugs, snapshot, modalities={slug: modalities_of(None, snapshot, slug) for slug in slugs})


def plan_like_portal(rule: Rule, portal: Path) -> CompatPlan:
    """The answer of the portal's own code on its own table, to the row."""
    return fuse_like_portal(rule, read_portal(portal))

"""From chosen slugs to a plan: counts, bytes, licence verdicts, label coverage and cautions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from isocenter.registry.fusion.labels import coverage
from isocenter.registry.fusion.plan import Caution, Difference, Exclusion, FusionPlan, Member, Missing, Volume
from isocenter.registry.fusion.snapshot import Snapshot
from isocenter.registry.licenses import Combination, Reason, Verdict, allows, combine

NO_CAUTION = frozenset({"paper", "code-loader", "code", "model-weights", "benchmark", "metadata-release", "additional-annotation"})
SHARED_IMAGES = {
    "derived-from": "derived from", "version-of": "another version of", "part-of": "part of", "overlaps-with": "overlaps with",
    "same-patients-as": "has the same patients as", "supersedes": "supersedes", "synthetic-from": "synthesised from", "annotates": "annotates",
}


def assemble(
    title: str, slugs: Sequence[str], snapshot: Snapshot, *, modalities: Mapping[str, Sequence[str]], named: Mapping[str, str] | None = None,
    excluded: Sequence[Exclusion] = (), missing: Sequence[Missing] = (), differences: Sequence[Difference] = (), notes: Sequence[str] = (),
) -> FusionPlan:
    """The plan of a merge of `slugs`. modalities: slug -> the modality words to count it under."""
    members = tuple(_member(slug, snapshot, modalities.get(slug, ()), (named or {}).get(slug)) for slug in slugs)
    groups: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        for modality in member.modalities or ("not known",):
            groups[modality].append(member)
    return FusionPlan(
        title, members, tuple(excluded), tuple(missing), volume(members), {name: volume(group) for name, group in groups.items()},
        coverage(slugs, snapshot), _verdicts(slugs, snapshot), cautions(slugs, snapshot), tuple(differences), tuple(notes),
    )


def _member(slug: str, snapshot: Snapshot, modalities: Sequence[str], named: str | None) -> Member:
    row, licence = snapshot.datasets[slug], snapshot.licence(slug)
    access, steps = snapshot.how_to_get(slug)
    return Member(
        slug, row["name"], tuple(modalities), row["n_samples"], row["sample_unit"], row["bytes"], row["labelled"], licence.license().id,
        allows(licence, "commercial"), access, steps, row["homepage"], row["organisation"], row["year"], named if named != row["name"] else None,
    )


def volume(members: Sequence[Member]) -> Volume:
    """Counts of a group of members; each unit has its own sum."""
    samples: dict[str, int] = defaultdict(int)
    for member in members:
        if member.samples is not None:
            samples[member.sample_unit or "unit not stated"] += member.samples
    sizes = [member.bytes for member in members if member.bytes is not None]
    return Volume(len(members), len({member.organisation for member in members} - {None}), dict(sorted(samples.items())),
                  sum(member.samples is None for member in members), sum(sizes), len(sizes))


def _verdicts(slugs: Sequence[str], snapshot: Snapshot) -> Combination:
    """The combined licence; where claims about a member disagree, its reasons say that it is contested."""
    joined = combine({slug: snapshot.licence(slug).license() for slug in slugs}, changed=True)
    verdicts = {use: Verdict(verdict.use, verdict.answer, tuple(_contested(reason, snapshot) for reason in verdict.reasons)) for use, verdict in joined.verdicts.items()}
    return Combination(joined.flags, joined.incompatible, verdicts)


def _contested(reason: Reason, snapshot: Snapshot) -> Reason:
    conflict = snapshot.licence(reason.dataset).conflict
    return Reason(reason.dataset, reason.license, f"{reason.why} (claims disagree: {conflict})") if conflict and conflict != "version only" else reason


def cautions(slugs: Sequence[str], snapshot: Snapshot) -> tuple[Caution, ...]:
    """What was found about the members, and which of them hold the same images or patients."""
    chosen = set(slugs)
    found = [
        Caution(slug, "artifact", row["type"], _about(row))
        for slug in slugs for row in snapshot.artifacts.get(slug, ()) if row["type"] not in NO_CAUTION
    ]
    for row in snapshot.relations:
        if {row["subject"], row["object"]} <= chosen and row["subject"] != row["object"] and row["predicate"] in SHARED_IMAGES:
            detail = f": {row['detail']}" if row["detail"] else ""
            found.append(Caution(row["subject"], "relation", row["predicate"], f"{SHARED_IMAGES[row['predicate']]} {row['object']}{detail}"))
    found += [
        Caution(slug, "licence", "conflict", f"{conflict}: {', '.join(snapshot.licence(slug).ids)}")
        for slug in slugs if (conflict := snapshot.licence(slug).conflict) and conflict != "version only"
    ]
    return tuple(dict.fromkeys(found))


def _about(row: Mapping[str, object]) -> str:
    release = f" [release {row['release']}]" if row["release"] else ""
    fixed = f" [fixed in {row['fixed_in']}]" if row["fixed_in"] else ""
    return f"{row['finding']}{release}{fixed} ({row['url'] or row['title']})"

"""From chosen slugs to a plan: counts, bytes, licence verdicts, label coverage and cautions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from isocenter.registry.fusion.labels import coverage
from isocenter.registry.fusion.plan import Caution, Difference, Exclusion, FusionPlan, Member, Missing, Share, Volume
from isocenter.registry.fusion.snapshot import Snapshot
from isocenter.registry.licenses import DISAGREE, Combination, Reason, Verdict, allows, combine

NO_CAUTION = frozenset({"paper", "code-loader", "code", "model-weights", "benchmark", "metadata-release", "additional-annotation"})
NOT_KNOWN, UNIT_UNKNOWN = "not known", "samples"
SHARED_IMAGES = {
    "derived-from": "derived from", "version-of": "another version of", "part-of": "part of", "overlaps-with": "overlaps with",
    "same-patients-as": "has the same patients as", "supersedes": "supersedes", "synthetic-from": "synthesised from", "annotates": "annotates",
}


def assemble(
    title: str, slugs: Sequence[str], snapshot: Snapshot, *, modalities: Mapping[str, Sequence[str]], shares: Mapping[str, Sequence[Share]] | None = None,
    excluded: Sequence[Exclusion] = (), missing: Sequence[Missing] = (), differences: Sequence[Difference] = (), notes: Sequence[str] = (),
) -> FusionPlan:
    """The plan of a merge of `slugs`. modalities: slug -> the modality words to count it under; shares: what a corpus took of it."""
    members = tuple(_member(slug, snapshot, modalities.get(slug, ()), (shares or {}).get(slug, ())) for slug in slugs)
    shared = _sharing(slugs, snapshot)
    groups: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        for modality in member.modalities or (NOT_KNOWN,):
            groups[modality].append(member)
    return FusionPlan(
        title, members, tuple(excluded), tuple(missing), volume(members, shared), {name: volume(group, shared, name) for name, group in groups.items()},
        coverage(slugs, snapshot), _verdicts(slugs, snapshot), cautions(slugs, snapshot), tuple(differences), tuple(notes),
    )


def _member(slug: str, snapshot: Snapshot, modalities: Sequence[str], shares: Sequence[Share]) -> Member:
    row, licence = snapshot.datasets[slug], snapshot.licence(slug)
    access, steps = snapshot.how_to_get(slug)
    return Member(
        slug, row["name"], tuple(modalities), row["n_samples"], row["sample_unit"], row["bytes"], row["labelled"], licence.license().id,
        allows(licence, "commercial"), access, steps, row["homepage"], row["organisation"], row["year"], tuple(shares),
    )


def volume(members: Sequence[Member], shared: Mapping[str, str], modality: str | None = None) -> Volume:
    """Counts of a group of members (of one modality, if named); each unit has its own sum, bytes are those of whole datasets.

    shared: slug -> the group of members that hold the same images (`_sharing`).
    """
    samples: dict[str, int] = defaultdict(int)
    largest: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    unknown = 0
    for member in members:
        counts: dict[str, int] = defaultdict(int)
        for unit, count in _counts(member, modality):
            counts[unit] += count
        unknown += not counts
        for unit, count in counts.items():
            samples[unit] += count
            largest[unit][shared[member.slug]] = max(largest[unit][shared[member.slug]], count)
    sizes = [member.bytes for member in members if member.bytes is not None]
    return Volume(len(members), len({member.organisation for member in members} - {None}), dict(sorted(samples.items())), unknown, sum(sizes), len(sizes),
                  {unit: sum(largest[unit].values()) for unit in sorted(samples)})


def _sharing(slugs: Sequence[str], snapshot: Snapshot) -> dict[str, str]:
    """slug -> the first member of its group: members joined by relations that share images."""
    group = {slug: slug for slug in slugs}
    for row in snapshot.relations:
        one, other = group.get(row["subject"]), group.get(row["object"])
        if one and other and one != other and row["predicate"] in SHARED_IMAGES:
            group = {slug: one if name == other else name for slug, name in group.items()}
    return group


def _counts(member: Member, modality: str | None) -> list[tuple[str, int]]:
    """(unit, samples) of a member: of its shares where the corpus states them, else of the whole dataset."""
    stated = [share for share in member.shares if share.samples is not None]
    if stated:
        return [(share.unit or UNIT_UNKNOWN, share.samples or 0) for share in stated if modality in (None, share.modality)]
    return [] if member.samples is None else [(member.sample_unit or UNIT_UNKNOWN, member.samples)]


def _verdicts(slugs: Sequence[str], snapshot: Snapshot) -> Combination:
    """The combined licence; where claims about a member disagree, its reasons say that it is contested."""
    joined = combine({slug: snapshot.licence(slug).license() for slug in slugs}, changed=True)
    verdicts = {use: Verdict(verdict.use, verdict.answer, tuple(_contested(reason, snapshot) for reason in verdict.reasons)) for use, verdict in joined.verdicts.items()}
    return Combination(joined.flags, joined.incompatible, verdicts)


def _contested(reason: Reason, snapshot: Snapshot) -> Reason:
    conflict = snapshot.licence(reason.dataset).conflict
    return Reason(reason.dataset, reason.license, f"{reason.why} ({DISAGREE}: {conflict})") if conflict and conflict != "version only" else reason


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

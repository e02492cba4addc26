"""A plan as text for a terminal: what is in, what is out and why, how much, for which use, what to mind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from isocenter.registry.amounts import amount
from isocenter.registry.fusion.compat import CompatPlan
from isocenter.registry.fusion.plan import FusionPlan, Member, Volume
from isocenter.registry.licenses import DISAGREE

SHOWN = 12
NOT_STATED = "not stated"


def show(plan: FusionPlan, limit: int = SHOWN) -> str:
    """The plan, section by section; long lists are cut after `limit` lines and counted (`--json` has everything)."""
    sections = [
        (f"{plan.title}: {amount(len(plan.members), 'dataset')} in, {len(plan.excluded)} out, {len(plan.missing)} missing", _totals(plan)),
        ("members", _cut((_member(member) for member in plan.members), limit)),
        ("left out, by rule", [f"{rule:32s} {count}" for rule, count in Counter(one.rule for one in plan.excluded).most_common()]),
        ("missing", _cut((f"{one.named}: {one.why}" for one in plan.missing), limit)),
        ("licence", _licence(plan, limit)),
        ("labels", _labels(plan, limit)),
        ("how to get", _cut(_obtain(plan), limit)),
        ("members that share images or patients", _cut((f"{one.slug} {one.text}" for one in plan.cautions if one.kind == "relation"), limit)),
        ("mind", _cut((f"{one.slug} [{one.type}] {one.text}" for one in plan.cautions if one.kind != "relation"), limit)),
        ("read differently from the portal", _cut((f"{one.field}: {one.why}{_named(one.datasets)}" for one in plan.differences), limit)),
        ("notes", _cut(plan.notes, limit)),
    ]
    return "\n".join(line for title, lines in sections if lines for line in (title, *(f"  {line}" for line in lines)))


def show_compat(plan: CompatPlan) -> str:
    """The portal's own counts."""
    lines = [f"{plan.rows} rows, {plan.names} names, {plan.images:,} images; phase 3 keeps {plan.phase3['rows']} rows"]
    lines += [f"  {name:12s} {one.names:5d} names {one.images:10,d} images {one.orgs:4d} organisations" for name, one in plan.modalities.items()]
    return "\n".join([*lines, *(f"  left out by {rule}: {count}" for rule, count in sorted(plan.excluded.items()))])


def _totals(plan: FusionPlan) -> list[str]:
    lines = [f"{name:24s} {_volume(one)}" for name, one in (*sorted(plan.by_modality.items(), key=lambda item: -item[1].datasets), ("all together", plan.total))]
    if dict(plan.total.samples_least) != dict(plan.total.samples):
        lines.append("some members hold the same images or patients (below): the smaller number counts only the largest of them")
    return lines


def _volume(one: Volume) -> str:
    samples = " + ".join(_at_least(one.samples_least[unit], count, unit) for unit, count in one.samples.items()) or "samples not known"
    unknown = f" ({one.samples_unknown} of unknown size)" if one.samples_unknown else ""
    size = f"{_size(one.bytes)} in {one.bytes_known} that state it" if one.bytes_known else "bytes not stated"
    return f"{amount(one.datasets, 'dataset')}, {samples}{unknown}, {size}"


def _at_least(least: int, most: int, unit: str) -> str:
    return amount(most, unit) if least == most else f"{least:,} to {amount(most, unit)}"


def _size(count: int) -> str:
    return f"{count / 1e12:.1f} TB" if count >= 1e12 else f"{count / 1e9:.1f} GB"


def _member(member: Member) -> str:
    samples = amount(member.samples, member.sample_unit) or "size not known"
    labels = {True: "labelled", False: "unlabelled", None: ""}[member.labelled]
    calls = ", ".join(dict.fromkeys(share.named for share in member.shares if share.named != member.name))
    named = f" as {calls}" if calls else ""
    return "  ".join(part for part in (f"{member.name}{named} [{member.slug}]", samples, labels, member.license, member.access) if part)


def _licence(plan: FusionPlan, limit: int) -> list[str]:
    lines = []
    for use, verdict in plan.licence.verdicts.items():
        disputed = verdict.answer == "no" and all(DISAGREE in one.why for one in verdict.reasons)
        lines.append(f"{use:11s} {NOT_STATED if verdict.answer == 'unknown' else verdict.answer}{f' ({DISAGREE})' if disputed else ''}")
        lines += [f"  {line}" for line in _cut((f"{one.dataset}: {one.why}" for one in verdict.reasons), max(3, limit // 3))]
    return lines


def _labels(plan: FusionPlan, limit: int) -> list[str]:
    ranked = sorted(plan.labels.terms.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = _cut((f"{term:32s} in {len(slugs)}: {', '.join(slugs[:4])}" for term, slugs in ranked), limit)
    if plan.labels.without_map and plan.members:
        lines.append(f"no label map for {len(plan.labels.without_map)} of {len(plan.members)} members: nothing is assumed about them")
    return [*lines, *_cut((f"conflict: {text}" for text in plan.labels.conflicts), limit)]


def _obtain(plan: FusionPlan) -> Iterator[str]:
    for member in plan.members:
        yield f"{member.slug} ({member.access}): {member.how_to_get}"


def _named(slugs: tuple[str, ...]) -> str:
    return f" ({', '.join(slugs[:3])}{f' and {len(slugs) - 3} more' if len(slugs) > 3 else ''})" if slugs else ""


def _cut(lines: Iterable[str], limit: int) -> list[str]:
    listed = list(lines)
    return listed if len(listed) <= limit else [*listed[:limit], f"… and {len(listed) - limit} more"]

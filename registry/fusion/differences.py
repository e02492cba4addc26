"""Why a plan is not what the portal's code would give: one entry per field of the rule that is read differently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from isocenter.registry.fusion.compat import Record, why_not_there
from isocenter.registry.fusion.engine import Choice
from isocenter.registry.fusion.plan import Difference
from isocenter.registry.fusion.rule import Rule
from isocenter.registry.fusion.snapshot import Snapshot

READ_HERE = {
    "dimension": "dimensions are terms: 4D counts as 3D, and a year in the column does not",
    "modalities": "a word stands for its synonyms and every kind below it, not for one spelling",
    "task_types": "a task is a term with synonyms; 'Reg' is decided by evidence or stays ambiguous",
    "license_allowlist": "licences are compared as ids over every claim, not as one spelling",
    "include_unlabeled": "the label flag is read, not the emptiness of the task list",
    "min_valid_image_n_per_dataset": "a missing count is unknown, not zero; subjects are a lower bound",
    "anatomy_whitelist": "anatomy is a term with its parts, not a substring",
    "release_date_min": "the year is the chosen claim of several sources",
    "withdrawn": "a dataset that was withdrawn is left out",
    "selection.min_per_modality": "organisations that are not known do not count as one",
    "selection.storage_budget_gb": "the storage budget is kept",
}


def by_field(rule: Rule, choice: Choice, snapshot: Snapshot) -> list[Difference]:
    """What this rule makes the catalog's mode do that the portal never does, with the datasets that it touches."""
    out = defaultdict(list)
    for one in choice.excluded:
        out[one.rule].append(one.slug)
    found = []
    if rule.prefer_labeled:
        unlabelled = tuple(slug for slug in choice.kept if snapshot.datasets[slug]["labelled"] is not True)
        found.append(Difference("prefer_labeled", "labelled datasets come first, and first into a storage budget; the portal never reads it", unlabelled))
    if rule.selection.storage_budget_gb is not None:
        found.append(Difference("storage_budget_gb", f"{rule.selection.storage_budget_gb:g} GB are kept by preference; the portal never reads it",
                                tuple(out["selection.storage_budget_gb"])))
    if not rule.include_unlabeled:
        found.append(Difference("include_unlabeled", READ_HERE["include_unlabeled"], tuple(out["include_unlabeled"])))
    if out["withdrawn"]:
        found.append(Difference("withdrawn", READ_HERE["withdrawn"], tuple(out["withdrawn"])))
    rated = tuple(slug for slug in choice.kept if slug in snapshot.quality)
    if rated:
        found.append(Difference("quality", "stated quality orders the members; the portal never reads it", rated))
    return found


def against_portal(rule: Rule, choice: Choice, snapshot: Snapshot, records: Sequence[Record]) -> list[Difference]:
    """Every name that the portal's code keeps and this plan drops, or the reverse, under the field that decides it."""
    theirs: dict[str, str | None] = {}
    unknown = []
    for record in records:
        slug = snapshot.names.find(str(record.get("name", "")).replace("\\", " ").strip()).slug
        if slug is None:
            unknown.append(str(record.get("name")))
        else:
            why = why_not_there(rule, record)
            theirs[slug] = None if why is None or theirs.get(slug, "") is None else why
    dropped = {one.slug: one for one in choice.excluded}
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for slug, why in theirs.items():
        if why is None and slug in dropped:
            rule_field = dropped[slug].rule
            groups[rule_field, f"kept by the portal, left out here: {READ_HERE.get(rule_field, '')}"].append(f"{slug} ({dropped[slug].why})")
        elif why is not None and slug in choice.kept:
            groups[why, f"left out by the portal, kept here: {READ_HERE.get(why, '')}"].append(slug)
    more = tuple(slug for slug in choice.kept if slug not in theirs)
    found = [Difference(rule_field, why, tuple(sorted(slugs))) for (rule_field, why), slugs in sorted(groups.items())]
    if more:
        found.append(Difference("catalog", "kept here, not in the portal's table", more))
    return [*found, *([Difference("catalog", "names of the portal that are no single dataset here", tuple(sorted(set(unknown))))] if unknown else [])]

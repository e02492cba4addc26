"""What stands against an export: licences, identifying texts, leakage, samples that do not fit the format; each with a name and a way on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from isocenter.core.errors import IsocenterError, Refused, Unreadable
from isocenter.core.workspace import Workspace
from isocenter.curate.export_dicom import Identifying, names_somebody
from isocenter.curate.export_gather import Items
from isocenter.curate.export_item import Item
from isocenter.curate.knowledge import shared_patients
from isocenter.curate.leakage import Leak, leakage
from isocenter.curate.rights import licenses_of, require
from isocenter.harmonize.cohort import Cohort
from isocenter.registry.amounts import amount
from isocenter.registry.licenses import License, Use

SHOWN = 5
NOT_TRAINING = frozenset({"val", "test"})
ANOTHER = "another --to (isocenter plugins exporters)"
COMMAND = re.compile(r"\((isocenter \w+ [^\s)]+)")
LEAKING = ("sample", "patient", "study", "picture")
FLAG = "identifying_tags: "
CLAIMED = "the file says that identity was removed"


@dataclass(frozen=True, slots=True)
class Objection:
    """name: licence, identifying-tags, leakage, unfit or no-training. why: with examples. remedy: what to type next."""

    name: str
    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checks let pass: warnings, samples that the format cannot carry (number in the cohort -> why), licences as `licenses_of` tells them,
    and the datasets that gave labels or annotations of dropped copies only."""

    warnings: list[str]
    unfit: dict[int, str]
    licenses: dict[str, tuple[License, int]]
    donors: dict[str, int]


def check(workspace: Workspace, cohort: Cohort, items: Items, *, use: Use, fits: Callable[[Item], str | None] | None, identifying: Identifying = "refuse",
          accept_leakage: bool = False, against: Sequence[str] = (), skip_unfit: bool = False, trains: bool = False) -> Checked:
    """Look for everything at once. trains: the format is for training, and nothing without a training case. Raises Refused that names every objection, its reason and what to type."""
    warnings: list[str] = []
    objections: list[Objection] = []
    donors = items.donors()
    licenses = licenses_of(workspace, cohort, donors)
    try:
        warnings += require(licenses, cohort.name, use)
    except Refused as error:
        objections.append(Objection("licence", error.what, error.hint or "--use local"))
    leaks, notes = _leaks(workspace, cohort, against)
    warnings += notes
    if leaks and accept_leakage:
        warnings.append(f"leakage accepted: {_told(leaks)}")
    elif leaks:
        objections.append(Objection("leakage", _told(leaks), f"{_cure(cohort.name, against)}, or --accept-leakage"))
    unfit: dict[int, str] = {}
    sides: Counter[str] = Counter()
    named: dict[str, str] = {}
    carried: Counter[str] = Counter()
    for item, row in zip(items, items.rows()):
        carried.update(mark["dataset"] for mark in item.annotations if mark["kind"] == "box" and mark["dataset"] != row["dataset"])
        if fits is not None and (why := fits(item)) is not None:
            unfit[item.number] = why
        elif (why := items.outside_geometry(row)) is not None:
            unfit[item.number] = f"is not in the geometry of its dataset ({why})"
        else:
            sides[item.split or "train"] += 1
        if row["format"] == "dicom" and identifying == "refuse" and (found := _identifies(item, row["issues"])):
            named[item.sample_id] = found
    if named:
        objections.append(Objection("identifying-tags", f"{len(named)} DICOM samples name a person: {_examples(named.items())}",
                                    "--identifying clean (empties them in the copies), or --identifying keep"))
    useless = not sides or (trains and sides.keys() <= NOT_TRAINING)
    if unfit and not skip_unfit:
        objections.append(Objection("unfit", _unfit(unfit, cohort), f"{_first_step(unfit)}{ANOTHER}" if useless else f"{_first_step(unfit)}--skip-unfit leaves them out, or another --to"))
    elif trains and useless:
        left = ", ".join(f"{side}: {number}" for side, number in sorted(sides.items()))
        why = f"no training case would go out ({left or 'nothing fits this format'}){f': {_unfit(unfit, cohort)}' if unfit else ''}"
        objections.append(Objection("no-training", why, f"{_first_step(unfit)}{ANOTHER}" if unfit else f"isocenter split {cohort.name} --as {cohort.name}-sides, or {ANOTHER}"))
    if objections:
        raise _refusal(cohort, objections)
    warnings += [f"{dataset} gives {amount(number, 'box')} to copies of its pictures in other datasets; where two hands drew, a few may show one thing twice" for dataset, number in sorted(carried.items())]
    return Checked(warnings, unfit, licenses, donors)


def _unfit(unfit: dict[int, str], cohort: Cohort) -> str:
    """How many samples do not fit, and why, with one for every reason."""
    counts, ids, total = Counter(unfit.values()), cohort.table["sample_id"], len(cohort)
    first = {why: ids[number] for number, why in reversed(unfit.items())}
    shown = "; ".join(f"{first[why]} {why}" + (f", like {number - 1} more" if number > 1 else "") for why, number in counts.most_common(SHOWN))
    more = f"; and {len(counts) - SHOWN} more reasons" if len(counts) > SHOWN else ""
    return f"{len(unfit)} of {total} samples {'does' if len(unfit) == 1 else 'do'} not fit this format: {shown}{more}"


def _first_step(unfit: dict[int, str]) -> str:
    """The command that the commonest reason names, to be followed by another way; empty if it names none."""
    found = COMMAND.search(Counter(unfit.values()).most_common(1)[0][0])
    return f"{found[1]}, or " if found else ""


def _refusal(cohort: Cohort, objections: list[Objection]) -> IsocenterError:
    if len(objections) == 1:
        only = objections[0]
        return Refused(f"refused ({only.name}): {only.why}", where=cohort.name, hint=only.remedy)
    lines = "".join(f"\n         {one.name}: {one.why}" for one in objections)
    return Refused(f"refused for {len(objections)} reasons:{lines}", where=cohort.name, hint="; ".join(f"{one.name}: {one.remedy}" for one in objections))


def _identifies(item: Item, issues: list[str] | None) -> str | None:
    """What names a person: the flag that scanning or checking left, else what the first file says now."""
    flagged = next((issue.removeprefix(FLAG) for issue in issues or () if issue.startswith(FLAG)), None)
    if flagged is not None:
        return None if CLAIMED in flagged else flagged
    path = item.files[0][0]
    try:
        keywords = names_somebody(path)
    except Unreadable:
        return None                                              # it will not be written either, and says why then
    return f"filled in: {', '.join(keywords)}" if keywords else None


def _leaks(workspace: Workspace, cohort: Cohort, against: Sequence[str]) -> tuple[list[Leak], list[str]]:
    """Crossings between the cohort's splits and with the named benchmarks, and what remains in doubt as warnings."""
    others = [Cohort.open(workspace, name) for name in against]
    if cohort.table["split"].drop_nulls().n_unique() < 2 and not others:
        return [], [f"{' and '.join(sorted(pair))} show {relation.text()}" for pair, relation in shared_patients(workspace, cohort.table["dataset"].unique()).items()]
    found = leakage(workspace, cohort, across="split", against=others)
    doubts = Counter(leak.kind for leak in found.leaks if leak.kind not in LEAKING)
    known: dict[str, str] = {leak.kind: f", {leak.what}" for leak in found.leaks if leak.kind == "lineage"}
    notes = [f"leakage in doubt: {number} {kind} on two sides{known.get(kind, '')} (isocenter leakage {cohort.name})" for kind, number in doubts.items()]
    notes += [] if found.compared else ["pictures of the sides were not compared: isocenter dedup before split does that"]
    return [leak for leak in found.leaks if leak.kind in LEAKING], notes


def _cure(cohort: str, against: Sequence[str]) -> str:
    """What mends leakage: sides by component; what a benchmark holds too has to go."""
    if not against:
        return f"isocenter split {cohort} --as {cohort}-sides"
    others = " ".join(f"--against {name}" for name in against)
    return f"isocenter leakage {cohort} {others} --list leaking.txt, then isocenter select {cohort} --by random --budget 100% --exclude leaking.txt --as {cohort}-clean"


def _told(leaks: list[Leak]) -> str:
    counts = Counter((leak.kind, leak.side_a, leak.side_b) for leak in leaks)
    first = leaks[0]
    return ", ".join(f"{number} {kind}{'s' if number > 1 and kind != 'study' else ''} on {a} and {b}" for (kind, a, b), number in counts.most_common(SHOWN)) + f" (first: {first.a} and {first.b})"


def _examples(pairs: Iterable[tuple[str, str]]) -> str:
    shown = [f"{sample} ({why})" for sample, why in pairs]
    return "; ".join(shown[:2]) + (f"; and {len(shown) - 2} more" if len(shown) > 2 else "")

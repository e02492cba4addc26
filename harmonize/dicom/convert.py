"""The files of one DICOM series in, NIfTI files out: every volume is built from geometry, compared with dcm2niix, or declined."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import nibabel as nib

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.agree import Claim, claims, settled
from isocenter.harmonize.dicom.dcm2niix import Opinion, second_opinion
from isocenter.harmonize.dicom.dose import dose_volume
from isocenter.harmonize.dicom.header import check, read_header
from isocenter.harmonize.dicom.order import is_proven, reorderings
from isocenter.harmonize.dicom.refute import is_certain, refutation
from isocenter.harmonize.dicom.series import VolumePlan, group_series
from isocenter.harmonize.dicom.verify import (
    Canonical,
    Print,
    canonical,
    drift_steps,
    load_canonical,
    print_of,
    same_place,
)
from isocenter.harmonize.dicom.volume import Declined, build_volume
from isocenter.harmonize.dicom.written import Converted, write_picture, write_volume

DRIFT_STEPS = 0.25
"""A last slice that rounding puts farther off than this share of a step gets its own place, else dcm2niix's affine stays."""


def convert_series(files: Iterable[Path], out_folder: Path) -> list[Converted]:
    """Convert the files of one series (others are grouped by series): `<key>.nii.gz` in `out_folder` for every volume.

    Unreadable files are left out and named in the issues of every volume of the call.
    """
    headers, broken = [], []
    for path in files:
        try:
            header = read_header(path)
            check(header)
            headers.append(header)
        except Unreadable as error:
            broken.append(f"{path.name} was left out: {error.what}")
    plans = [replace(plan, issues=(*plan.issues, *broken)) for plan in group_series(headers)]
    return convert_plans(plans, out_folder)


def convert_plans(plans: list[VolumePlan], out_folder: Path) -> list[Converted]:
    """Convert the plans of one series, in their order. dcm2niix sees what shares a grid in one go, split acquisitions one by one."""
    results = {plan.key: [_single(plan, out_folder)] for plan in plans if plan.grid is None}
    stacks = [plan for plan in plans if plan.grid is not None]
    for asked in ([plan for plan in stacks if plan.acquisition is None], *([plan] for plan in stacks if plan.acquisition is not None)):
        if asked:
            with second_opinion([path for plan in asked for path in plan.files]) as opinion:
                results |= _confirmed(asked, opinion.files, out_folder) if opinion.files else {plan.key: [_alone(plan, opinion, out_folder)] for plan in asked}
    return [result for plan in plans for result in results[plan.key]]


def _confirmed(plans: list[VolumePlan], opinions: Sequence[Path], out_folder: Path) -> dict[str, list[Converted]]:
    """Per plan what both conversions agree on; declined where they do not, unless positions refute the other one."""
    made = [_print(plan) for plan in plans]
    ours = [one if isinstance(one, Print) else None for one in made]
    theirs = [None if (loaded := load_canonical(path)) is None else print_of(loaded) for path in opinions]
    agreed = settled(ours, claims(ours, theirs))
    results: dict[str, list[Converted]] = {}
    for number, (plan, own) in enumerate(zip(plans, made)):
        if isinstance(own, Declined):
            results[plan.key] = [Converted(plan.key, plan, None, own.reason, issues=plan.issues)]
            continue
        found = agreed.get(number) or _in_another_order(number, plan, theirs)
        if found:
            results[plan.key] = [_from_claim(plan, plans[min(claim.plans)], part, own, theirs[claim.theirs], opinions[claim.theirs], out_folder) for part, claim in enumerate(found)]
        else:
            results[plan.key] = [_doubted(plan, own, theirs, opinions, plans, out_folder)]
    return results


def _in_another_order(number: int, plan: VolumePlan, theirs: list[Print | None]) -> list[Claim]:
    """The claims on a plan whose time points its instance numbers do not order, but another clock of its headers does."""
    for grid in reorderings(plan.frames, plan.grid) if plan.grid is not None else ():
        made = _print(replace(plan, grid=grid))
        if isinstance(made, Print) and (found := settled([made], claims([made], theirs)).get(0)):
            return [Claim(claim.theirs, tuple((number, t) for _, t in claim.volumes)) for claim in found]
    return []


def _from_claim(plan: VolumePlan, owner: VolumePlan, part: int, own: Print, other: Print | None, opinion: Path, out_folder: Path) -> Converted:
    """What dcm2niix confirms of a plan, as part number `part`; it may be stored with the plan that owns the file."""
    if owner is not plan:
        return Converted(plan.key, plan, None, f"stored as a part of {owner.key}", issues=plan.issues)
    volume = load_canonical(opinion)
    assert volume is not None
    assert other is not None
    if not same_place(own, other) and drift_steps(own, other) > DRIFT_STEPS:
        volume = replace(volume, affine=own.affine)
        plan = replace(plan, issues=(*plan.issues, "positions are rounded: the step between slices is taken from the first and last one, dcm2niix takes it from two neighbours"))
    series = plan.header.text("SeriesInstanceUID") or ""
    key = plan.key if part == 0 else f"{plan.key}{'.' if plan.key == series else '_'}part{part + 1}"
    return write_volume(key, plan, volume, nib.load(opinion).header, out_folder, "checked")


def _doubted(plan: VolumePlan, own: Print, theirs: list[Print | None], opinions: Sequence[Path], plans: list[VolumePlan], out_folder: Path) -> Converted:
    """The volume that dcm2niix does not confirm: believed where its headers prove it and positions refute dcm2niix, else declined."""
    volume = _canonical(plan) if is_certain(plan) else None
    if isinstance(volume, Canonical) and (why := refutation(plan, volume, opinions, plans)) is not None:
        plan = replace(plan, issues=(*plan.issues, f"stored from its geometry alone: dcm2niix makes {why}"))
        return write_volume(plan.key, plan, volume, None, out_folder, "own")
    return Converted(plan.key, plan, None, f"two conversions disagree: {_difference(own, theirs)}", issues=plan.issues)


def _canonical(plan: VolumePlan, way: int = 0) -> Canonical | Declined:
    volume = build_volume(plan, way=way)
    if isinstance(volume, Declined):
        return volume
    assert volume.affine is not None
    return canonical(volume.array, volume.affine, volume.scales)


def _print(plan: VolumePlan) -> Print | Declined:
    """What the plan's volume is compared by, in every scale that its files tell."""
    made = [_canonical(plan, way) for way in range(max(len(frame.scales()) for frame in plan.frames))]
    right = [one for one in made if isinstance(one, Canonical)]
    failed = [one for one in made if isinstance(one, Declined)]
    return failed[0] if failed else print_of(*right)


def _difference(ours: Print | None, theirs: list[Print | None]) -> str:
    if ours is None or not any(theirs):
        return "dcm2niix made no volume that can be compared"
    near = [other for other in theirs if other is not None and same_place(ours, other)]
    if not near:
        sizes = ", ".join("×".join(map(str, (*other.shape, len(other.digests)))) for other in theirs if other is not None)
        return f"none lies where this one lies (here {'×'.join(map(str, (*ours.shape, len(ours.digests))))}, dcm2niix {sizes})"
    if any(set(other.digests) & set(ours.digests) - {""} for other in near):
        return "other volumes are stacked, or they are scaled otherwise"
    return "the samples differ"


def _alone(plan: VolumePlan, opinion: Opinion, out_folder: Path) -> Converted:
    """Without a second opinion stacks are believed whose headers prove them; tiles, whose places are computed, only where dcm2niix is not installed."""
    volume = _canonical(plan)
    if isinstance(volume, Declined):
        return Converted(plan.key, plan, None, volume.reason, issues=plan.issues)
    told = "dcm2niix is not installed" if opinion.silence is None else f"dcm2niix tells nothing of it ({opinion.silence})"
    if opinion.silence is not None and any(frame.tile is not None for frame in plan.frames):
        return Converted(plan.key, plan, None, f"a mosaic needs a second conversion, and {told}", issues=plan.issues)
    if plan.grid is not None and not is_proven(plan.frames, plan.grid):
        return Converted(plan.key, plan, None, f"no number tells which slices make one time point, and {told}", issues=plan.issues)
    issues = plan.issues if opinion.silence is None else (*plan.issues, f"stored from its geometry alone: {told}")
    return write_volume(plan.key, replace(plan, issues=issues), volume, None, out_folder, "own")


def _single(plan: VolumePlan, out_folder: Path) -> Converted:
    volume = dose_volume(plan.header.path) if plan.kind == "rtdose" else build_volume(plan)
    if isinstance(volume, Declined):
        return Converted(plan.key, plan, None, volume.reason, issues=plan.issues)
    if volume.affine is not None:
        plan = replace(plan, issues=(*plan.issues, *volume.issues))
        return write_volume(plan.key, plan, canonical(volume.array, volume.affine, volume.scales), None, out_folder, "own")
    return write_picture(plan, volume, out_folder)



"""The files of one DICOM series in, NIfTI files out: every volume is built from geometry, compared with dcm2niix, or declined."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.core.files import draft
from isocenter.harmonize.dicom.agree import Claim, claims, settled
from isocenter.harmonize.dicom.dcm2niix import program, second_opinion
from isocenter.harmonize.dicom.dose import dose_volume
from isocenter.harmonize.dicom.header import check, read_header
from isocenter.harmonize.dicom.naming import file_name
from isocenter.harmonize.dicom.series import VolumePlan, group_series, reorderings
from isocenter.harmonize.dicom.verify import (
    Canonical,
    Print,
    canonical,
    load_canonical,
    print_of,
    same_place,
)
from isocenter.harmonize.dicom.volume import Declined, Volume, build_volume

GZIP_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one volume. stored: the written NIfTI (canonical orientation), or None with the reason in `declined`.

    key: the plan's, or the plan's with a part added where dcm2niix keeps apart what the plan holds together.
    shape, spacing_mm, orientation and dtype describe the stored file. method: `checked` (two conversions agree), `own`.
    """

    key: str
    plan: VolumePlan
    stored: Path | None
    declined: str | None = None
    shape: tuple[int, ...] = ()
    spacing_mm: tuple[float, ...] = ()
    orientation: str = ""
    dtype: str = ""
    method: str = ""
    issues: tuple[str, ...] = ()


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
            with second_opinion([path for plan in asked for path in plan.files]) as opinions:
                results |= _confirmed(asked, opinions, out_folder) if opinions else {plan.key: [_alone(plan, out_folder)] for plan in asked}
    return [result for plan in plans for result in results[plan.key]]


def _confirmed(plans: list[VolumePlan], opinions: list[Path], out_folder: Path) -> dict[str, list[Converted]]:
    """Per plan what both conversions agree on; declined where they do not."""
    ours, reasons = [], []
    for plan in plans:
        made = _print(plan)
        ours.append(made if isinstance(made, Print) else None)
        reasons.append(made.reason if isinstance(made, Declined) else None)
    theirs = [None if (loaded := load_canonical(path)) is None else print_of(loaded) for path in opinions]
    agreed = settled(ours, claims(ours, theirs))
    for number, plan in enumerate(plans):
        if number not in agreed and ours[number] is not None:
            agreed |= _in_another_order(number, plan, theirs)
    results: dict[str, list[Converted]] = {}
    for number, plan in enumerate(plans):
        if number not in agreed:
            reason = reasons[number] or f"two conversions disagree: {_difference(ours[number], theirs)}"
            results[plan.key] = [Converted(plan.key, plan, None, reason, issues=plan.issues)]
        else:
            results[plan.key] = [_from_claim(claim, part, number, plans, opinions, out_folder) for part, claim in enumerate(agreed[number])]
    return results


def _in_another_order(number: int, plan: VolumePlan, theirs: list[Print | None]) -> dict[int, list[Claim]]:
    """The claims on a plan whose time points its instance numbers do not order, but another clock of its headers does."""
    for other in reorderings(plan):
        made = _print(other)
        if isinstance(made, Print) and (found := settled([made], claims([made], theirs)).get(0)):
            return {number: [Claim(claim.theirs, tuple((number, t) for _, t in claim.volumes)) for claim in found]}
    return {}


def _from_claim(claim: Claim, part: int, number: int, plans: list[VolumePlan], opinions: list[Path], out_folder: Path) -> Converted:
    plan, owner = plans[number], plans[min(claim.plans)]
    if owner is not plan:
        return Converted(plan.key, plan, None, f"stored as a part of {owner.key}", issues=plan.issues)
    volume = load_canonical(opinions[claim.theirs])
    assert volume is not None
    series = plan.header.text("SeriesInstanceUID") or ""
    key = plan.key if part == 0 else f"{plan.key}{'.' if plan.key == series else '_'}part{part + 1}"
    return _written(key, plan, volume, nib.load(opinions[claim.theirs]).header, out_folder, "checked")


def _print(plan: VolumePlan) -> Print | Declined:
    volume = build_volume(plan)
    if isinstance(volume, Declined):
        return volume
    assert volume.affine is not None
    first = canonical(volume.array, volume.affine, volume.scales)
    if all(frame.precise is None for frame in plan.frames):
        return print_of(first)
    shown = build_volume(plan, precise=False)
    assert isinstance(shown, Volume)
    return print_of(first, canonical(shown.array, volume.affine, shown.scales))


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


def _alone(plan: VolumePlan, out_folder: Path) -> Converted:
    """Without a second opinion plain stacks are believed; tiles, whose places are computed, only where dcm2niix is not installed."""
    volume = build_volume(plan)
    if isinstance(volume, Declined):
        return Converted(plan.key, plan, None, volume.reason, issues=plan.issues)
    if program() is not None and any(frame.tile is not None for frame in plan.frames):
        return Converted(plan.key, plan, None, "a mosaic that dcm2niix does not confirm", issues=plan.issues)
    assert volume.affine is not None
    return _written(plan.key, plan, canonical(volume.array, volume.affine, volume.scales), None, out_folder, "own")


def _single(plan: VolumePlan, out_folder: Path) -> Converted:
    volume = dose_volume(plan.header.path) if plan.kind == "rtdose" else build_volume(plan)
    if isinstance(volume, Declined):
        return Converted(plan.key, plan, None, volume.reason, issues=plan.issues)
    if volume.affine is not None:
        plan = replace(plan, issues=(*plan.issues, *volume.issues))
        return _written(plan.key, plan, canonical(volume.array, volume.affine, volume.scales), None, out_folder, "own")
    return _written_picture(plan, volume, out_folder)


def _written(key: str, plan: VolumePlan, volume: Canonical, header: nib.Nifti1Header | None, out_folder: Path, method: str) -> Converted:
    array, (slope, intercept) = (volume.array, volume.scales[0]) if volume.one_scale else (volume.physical(), (1.0, 0.0))
    array = array[..., 0] if array.shape[3] == 1 else array
    image = nib.Nifti1Image(_nifti_form(array), volume.affine, header)
    image.header.set_data_dtype(image.dataobj.dtype)
    _forget(image.header)
    image.set_sform(volume.affine, 1)
    image.set_qform(volume.affine, 1)
    image.header.set_xyzt_units("mm", "sec")
    if header is None and array.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], (plan.header.number("RepetitionTime") or 0.0) / 1000))
    image.header.set_slope_inter(slope, intercept)
    return _saved(key, plan, image, out_folder, method, "".join(nib.aff2axcodes(volume.affine)))


def _forget(header: nib.Nifti1Header) -> None:
    """Fields that another order of axes makes wrong, and free text that dcm2niix fills with acquisition times and comments."""
    for name in ("dim_info", "slice_code", "slice_start", "slice_end", "slice_duration"):
        header[name] = 0
    for name in ("descrip", "aux_file", "intent_name", "db_name"):
        header[name] = b""


def _written_picture(plan: VolumePlan, volume: Volume, out_folder: Path) -> Converted:
    """A picture has no place in the patient: sform and qform codes stay 0, only the spacing is said."""
    image = nib.Nifti1Image(_nifti_form(volume.array), None)
    spacing = plan.frames[0].spacing_mm or plan.header.numbers("ImagerPixelSpacing", 2)
    if spacing and min(spacing) > 0:
        image.header.set_zooms((spacing[1], spacing[0], *image.header.get_zooms()[2:]))
    image.header.set_slope_inter(*volume.scales[0])
    return _saved(plan.key, plan, image, out_folder, "own", "")


def _saved(key: str, plan: VolumePlan, image: nib.Nifti1Image, out_folder: Path, method: str, orientation: str) -> Converted:
    path = out_folder / f"{file_name(key)}.nii.gz"
    with draft(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=GZIP_LEVEL, mtime=0))
    zooms = tuple(float(zoom) for zoom in image.header.get_zooms())
    return Converted(key, plan, path, None, tuple(image.shape), zooms, orientation, str(image.get_data_dtype()), method, plan.issues)


def _nifti_form(array: np.ndarray) -> np.ndarray:
    """The same values in a type that NIfTI readers know: booleans as bytes."""
    return array.astype(np.uint8) if array.dtype == bool else array

"""The files of one DICOM series in, NIfTI files out: every volume is built from geometry, compared with dcm2niix, or declined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.core.files import draft
from isocenter.harmonize.dicom.dcm2niix import program, second_opinion
from isocenter.harmonize.dicom.header import check, read_header
from isocenter.harmonize.dicom.series import VolumePlan, group_series
from isocenter.harmonize.dicom.verify import Canonical, canonical, load_canonical, same_place, same_scale, volume_order
from isocenter.harmonize.dicom.volume import Declined, Volume, build_volume


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one plan. stored: the written NIfTI (canonical orientation), or None with the reason in `declined`.

    shape, spacing_mm, orientation and dtype describe the stored file. method: `checked` (two conversions agree), `own`.
    """

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
    """Convert the files of one series (others are grouped by series): one Converted per plan, `<key>.nii.gz` in `out_folder`.

    Unreadable files are left out and named in the issues of every plan of the call.
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
    """Convert the plans of one series."""
    results = {plan.key: _without_second_opinion(plan, out_folder) for plan in plans if plan.grid is None}
    stacks = [plan for plan in plans if plan.grid is not None]
    if stacks:
        with second_opinion([path for plan in stacks for path in plan.files]) as opinions:
            results |= {plan.key: result for plan, result in zip(stacks, _stacks(stacks, opinions, out_folder))}
    return [results[plan.key] for plan in plans]


def _stacks(plans: list[VolumePlan], opinions: list[Path], out_folder: Path) -> list[Converted]:
    """Each plan with the opinion that holds exactly its volumes. An opinion without a plan is ignored; a plan without one declined."""
    free, results = list(opinions), []
    for plan in plans:
        volume = build_volume(plan)
        if isinstance(volume, Declined):
            results.append(Converted(plan, None, volume.reason, issues=plan.issues))
        elif not opinions:
            results.append(_alone(plan, volume, out_folder))
        else:
            results.append(_compared(plan, volume, free, out_folder))
    return results


def _compared(plan: VolumePlan, volume: Volume, free: list[Path], out_folder: Path) -> Converted:
    assert volume.affine is not None
    ours = canonical(volume.array, volume.affine, volume.slope, volume.intercept)
    doubts = []
    for path in free:
        theirs = load_canonical(path)
        doubt = "its form cannot be compared" if theirs is None else disagreement(ours, theirs)
        if theirs is not None and doubt is None:
            free.remove(path)
            return _written(plan, theirs, nib.load(path).header, out_folder, "checked")
        doubts.append(f"{path.stem}: {doubt}")
    return Converted(plan, None, f"two conversions disagree ({'; '.join(doubts[:3]) or 'dcm2niix made no volume of it'})", issues=plan.issues)


def disagreement(ours: Canonical, theirs: Canonical) -> str | None:
    """None when both hold the same volumes at the same place with the same values, else the first difference."""
    if not same_place(ours, theirs):
        return f"another grid: {ours.array.shape} and {theirs.array.shape}, or corners further apart than 0.05 mm"
    order = volume_order(ours, theirs)
    if order is None:
        return "other samples"
    if sorted(order) != list(range(ours.volumes)) and len(order) != ours.volumes:
        return f"{theirs.volumes} of {ours.volumes} volumes"
    return None if theirs.array.dtype.kind == "f" or same_scale(ours, theirs) else "another slope or intercept"


def _alone(plan: VolumePlan, volume: Volume, out_folder: Path) -> Converted:
    """Without a second opinion plain stacks are believed; tiled frames, whose places are computed, are not, if dcm2niix had its say."""
    assert volume.affine is not None
    if program() is not None and any(frame.tile is not None for frame in plan.frames):
        return Converted(plan, None, "a mosaic that dcm2niix does not confirm", issues=plan.issues)
    ours = canonical(volume.array, volume.affine, volume.slope, volume.intercept)
    return _written(plan, ours, None, out_folder, "own")


def _without_second_opinion(plan: VolumePlan, out_folder: Path) -> Converted:
    volume = build_volume(plan)
    if isinstance(volume, Declined):
        return Converted(plan, None, volume.reason, issues=plan.issues)
    return _written_picture(plan, volume, out_folder)


def _written(plan: VolumePlan, volume: Canonical, header: nib.Nifti1Header | None, out_folder: Path, method: str) -> Converted:
    array = volume.array[..., 0] if volume.volumes == 1 else volume.array
    image = nib.Nifti1Image(_nifti_form(array), volume.affine, header)
    image.header.set_data_dtype(image.dataobj.dtype)
    image.set_sform(volume.affine, 1)
    image.set_qform(volume.affine, 1)
    image.header.set_xyzt_units("mm", "sec")
    if header is None and array.ndim == 4:
        image.header.set_zooms((*image.header.get_zooms()[:3], (plan.header.number("RepetitionTime") or 0.0) / 1000))
    image.header.set_slope_inter(volume.slope, volume.intercept)
    return _saved(plan, image, out_folder, method, "".join(nib.aff2axcodes(volume.affine)))


def _written_picture(plan: VolumePlan, volume: Volume, out_folder: Path) -> Converted:
    """A picture has no place in the patient: sform and qform codes stay 0, only the spacing is said."""
    image = nib.Nifti1Image(_nifti_form(volume.array), None)
    spacing = plan.frames[0].spacing_mm or plan.header.numbers("ImagerPixelSpacing", 2)
    if spacing and min(spacing) > 0:
        image.header.set_zooms((spacing[1], spacing[0], *image.header.get_zooms()[2:]))
    image.header.set_slope_inter(volume.slope, volume.intercept)
    return _saved(plan, image, out_folder, "own", "")


def _saved(plan: VolumePlan, image: nib.Nifti1Image, out_folder: Path, method: str, orientation: str) -> Converted:
    path = out_folder / f"{plan.key}.nii.gz"
    with draft(path) as temporary:
        compressed = temporary.with_name(temporary.name + ".nii.gz")
        try:
            image.to_filename(compressed)
            compressed.replace(temporary)
        finally:
            compressed.unlink(missing_ok=True)
    zooms = tuple(float(zoom) for zoom in image.header.get_zooms())
    return Converted(plan, path, None, tuple(image.shape), zooms, orientation, str(image.get_data_dtype()), method, plan.issues)


def _nifti_form(array: np.ndarray) -> np.ndarray:
    """The same values in a type that NIfTI readers know: booleans as bytes."""
    return array.astype(np.uint8) if array.dtype == bool else array

"""Headers in, volume plans out: each series is split into what may share one volume, by geometry and content, not by number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isocenter.core.errors import Unreadable
from isocenter.harmonize.dicom.copies import without_copies
from isocenter.harmonize.dicom.frames import Frame, frames_of
from isocenter.harmonize.dicom.geometry import Grid, grid_of
from isocenter.harmonize.dicom.header import Header
from isocenter.harmonize.dicom.kinds import kind_of
from isocenter.harmonize.dicom.order import cut_end, in_time_order

Placed = tuple[Frame, Header]
STACKED = frozenset({"MR", "CT", "PT", "NM"})
"""Modalities whose frames with a place are slices; what makes no volume of them is declined. Of others it stays pictures."""
PROJECTED = frozenset({"CR", "DX", "MG", "IO", "PX", "RF", "RG", "RTIMAGE"})
"""Modalities whose images are projections, whatever place they state."""
SAME_DIRECTION = 1e-3
SAME_SPACING = 2e-4


@dataclass(frozen=True, slots=True)
class VolumePlan:
    """One volume to be made of a series, or the reason why none can be.

    key: `<SeriesInstanceUID>[.<volume>]`. header: of the first file in geometric order. headers: all files, that order.
    grid: per slice the indices of its frames in time order (equally many per slice); None for a picture or a declined plan.
    declined: why no volume can be made faithfully. issues: remarks that do not forbid one.
    acquisition: set when the series was split by acquisition number, since it lies on no common grid.
    cut: the plan of a last, incomplete time point that was left out of this one.
    """

    key: str
    kind: str
    header: Header
    files: tuple[Path, ...]
    frames: tuple[Frame, ...]
    grid: Grid | None
    declined: str | None = None
    issues: tuple[str, ...] = ()
    acquisition: int | None = None
    cut: VolumePlan | None = None

    @property
    def times(self) -> int:
        """Volumes along the fourth axis."""
        return len(self.grid.slices[0]) if self.grid else max(1, len(self.frames))


def group_series(headers: Iterable[Header]) -> list[VolumePlan]:
    """Plans of all series, sorted by key. Files that are no images make one plan each, with their kind and no frames."""
    series: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        series[header.text("SeriesInstanceUID") or header.text("SOPInstanceUID") or header.path.name].append(header)
    plans = [plan for uid, members in series.items() for plan in _series_plans(uid, members)]
    return sorted(plans, key=lambda plan: plan.key)


def _series_plans(uid: str, headers: list[Header]) -> list[VolumePlan]:
    headers, doubles = without_copies(headers)
    images = [header for header in headers if kind_of(header) == "image"]
    others = [header for header in headers if kind_of(header) != "image"]
    plans, broken = [], []
    frames: list[Placed] = []
    for header in images:
        try:
            frames.extend((frame, header) for frame in frames_of(header))
        except Unreadable as error:
            broken.append((header, error.what))
    issues = ("1 file is a copy of another and was left out" if doubles == 1 else f"{doubles} files are copies of others and were left out",) if doubles else ()
    for members in _split(frames):
        plans.extend(_plans(members, issues))
    named = _named(uid, plans)
    named += [replace(plan.cut, key=f"{plan.key}{'.' if plan.key == uid else '_'}cut") for plan in named if plan.cut is not None]
    named += [_unmade(f"{uid}.{_instance(header)}", kind_of(header), header, None) if len(headers) > 1 else _unmade(uid, kind_of(header), header, None) for header in others]
    named += [_unmade(f"{uid}.{_instance(header)}", "image", header, cause) for header, cause in broken]
    return _unique(named)


def _unique(plans: list[VolumePlan]) -> list[VolumePlan]:
    """Two files of one instance UID that are not the same image: the second gets a counter."""
    seen: dict[str, int] = defaultdict(int)
    result = []
    for plan in plans:
        seen[plan.key] += 1
        result.append(plan if seen[plan.key] == 1 else replace(plan, key=f"{plan.key}_{seen[plan.key]}"))
    return result


def _split(frames: list[Placed]) -> list[list[Placed]]:
    """What may share a volume: same size, sample form, echo, component, direction, spacing. Pictures stay one by one."""
    groups: dict[Any, list[Placed]] = defaultdict(list)
    for frame, header in frames:
        if _is_picture(frame, header):
            groups[("picture", str(header.path))].append((frame, header))
            continue
        groups["volume", header.text("SeriesNumber"), frame.rows, frame.columns, frame.pixel_form, frame.component, frame.derived,
               None if frame.echo_ms is None else round(frame.echo_ms, 2)].append((frame, header))
    return [part for key, members in groups.items() for part in ([members] if key[0] == "picture" else _aligned(members))]


def _is_picture(frame: Frame, header: Header) -> bool:
    modality = header.text("Modality")
    if frame.position is None or frame.orientation is None or modality in PROJECTED:
        return True
    return modality not in STACKED and (frame.spacing_mm is None or not str(frame.pixel_form[1]).startswith("MONOCHROME"))


def _aligned(members: list[Placed]) -> list[list[Placed]]:
    """Parts of one direction and one pixel spacing, but for rounding."""
    parts: list[tuple[Any, Any, list[Placed]]] = []
    for frame, header in members:
        direction, spacing = np.array(frame.orientation), np.array(frame.spacing_mm or (0.0, 0.0))
        for known, width, part in parts:
            if np.abs(direction - known).max() < SAME_DIRECTION and np.abs(spacing - width).max() <= SAME_SPACING * width.max():
                part.append((frame, header))
                break
        else:
            parts.append((direction, spacing, [(frame, header)]))
    return [part for *_, part in parts]


def _plans(members: list[Placed], issues: tuple[str, ...]) -> list[VolumePlan]:
    """One plan, without a time point that was cut; several where the frames lie on no common grid, but those of each acquisition do (phases, stacks)."""
    whole = _plan(members, issues)
    if whole.kind == "picture" or whole.grid is not None:
        return [whole]
    if members[0][1].text("Modality") not in STACKED:
        return [_picture([member], issues) for member in members]
    if (shorter := _without_cut_end(members, issues)) is not None:
        return [shorter]
    by_acquisition: dict[int, list[Placed]] = defaultdict(list)
    for frame, header in members:
        by_acquisition[frame.acquisition].append((frame, header))
    parts = [_plan(part, issues) for _, part in sorted(by_acquisition.items())]
    if len(parts) > 1 and all(part.grid is not None for part in parts):
        return [replace(part, acquisition=part.frames[0].acquisition) for part in parts]
    return [whole]


def _without_cut_end(members: list[Placed], issues: tuple[str, ...]) -> VolumePlan | None:
    """The complete time points of a series whose last one was cut, leaving no hole. A CT has phases, which may well be of other lengths."""
    frames = [frame for frame, _ in members]
    cut = cut_end(frames) if members[0][1].text("Modality") != "CT" and isinstance(grid_of(frames), Grid) else set()
    kept = [member for index, member in enumerate(members) if index not in cut]
    lost = [member for index, member in enumerate(members) if index in cut]
    if not lost or {frame.path for frame, _ in kept} & {frame.path for frame, _ in lost}:
        return None
    plan = _plan(kept, issues)
    if plan.grid is None or _plan(lost, issues).grid is None:
        return None
    reason = f"the last time point was cut: it holds {len(lost)} of {len(plan.grid.slices)} slices"
    files = tuple(dict.fromkeys(frame.path for frame, _ in lost))
    return replace(plan, cut=VolumePlan("", "volume", lost[0][1], files, tuple(frame for frame, _ in lost), None, declined=reason))


def _picture(members: list[Placed], issues: tuple[str, ...]) -> VolumePlan:
    return VolumePlan("", "picture", members[0][1], tuple(dict.fromkeys(frame.path for frame, _ in members)), tuple(frame for frame, _ in members), None, issues=issues)


def _plan(members: list[Placed], issues: tuple[str, ...]) -> VolumePlan:
    frames, headers = [frame for frame, _ in members], {frame.path: header for frame, header in members}
    first = members[0][1]
    if _is_picture(frames[0], first):
        return _picture(members, issues)
    grid = grid_of(frames)
    if isinstance(grid, Grid):
        grid = in_time_order(frames, grid)
    if isinstance(grid, str):
        ordered = tuple(dict.fromkeys(frame.path for frame in frames))
        return VolumePlan("", "volume", first, ordered, tuple(frames), None, declined=grid, issues=issues)
    ordered = tuple(dict.fromkeys(frames[index].path for index in (i for members in zip(*grid.slices) for i in members)))
    return VolumePlan("", "volume", headers[ordered[0]], ordered, tuple(frames), grid, issues=issues + grid.issues)


def _named(uid: str, plans: list[VolumePlan]) -> list[VolumePlan]:
    """Keys: the series UID alone if it makes one volume, else with what tells the volumes apart, then a counter."""
    if len(plans) < 2:
        return [replace(plan, key=uid) for plan in plans]
    marks = [_marks(plan) for plan in plans]
    varying = [position for position in range(len(marks[0])) if len({mark[position] for mark in marks}) > 1]
    names = ["_".join(mark[position] for position in varying if mark[position]) for mark in marks]
    seen: dict[str, int] = defaultdict(int)
    result = []
    for name, plan in sorted(zip(names, plans), key=lambda pair: (pair[0], _order(pair[1]))):
        seen[name] += 1
        unique = names.count(name) == 1 and name
        result.append(replace(plan, key=f"{uid}.{name}" if unique else f"{uid}.{name}{'_' if name else ''}{seen[name]}"))
    return result


def _marks(plan: VolumePlan) -> tuple[str, ...]:
    frame, number = plan.frames[0], plan.header.text("SeriesNumber")
    echo = "" if frame.echo_ms is None else f"te{frame.echo_ms:g}"
    return f"s{number}" if number else "", echo.replace(".", "p"), frame.component or "mag", "derived" if frame.derived else "", f"{frame.columns}x{frame.rows}", f"a{plan.acquisition}" if plan.acquisition is not None else ""


def _order(plan: VolumePlan) -> tuple[float, str]:
    return (plan.header.number("InstanceNumber") or 0.0, plan.header.text("SOPInstanceUID") or str(plan.header.path))


def _unmade(key: str, kind: str, header: Header, cause: str | None) -> VolumePlan:
    return VolumePlan(key, kind, header, (header.path,), (), None, declined=cause)


def _instance(header: Header) -> str:
    return header.text("SOPInstanceUID") or header.path.name

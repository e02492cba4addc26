"""Fetch a dataset that anyone may download: slug in, verified files in a folder out; for every other one, the steps to get it.

Nothing here logs in. Size and licence are in the plan, before anything is transferred.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from isocenter.core.errors import BadInput, IsocenterError, NotFound, Refused
from isocenter.core.files import write_json
from isocenter.registry.entry import find_slug, quoted, read_names
from isocenter.registry.fetch_transfer import RemoteFile, download, hex_of, part_of, size_of, sum_of
from isocenter.registry.licenses import Effective, effective
from isocenter.registry.lookup import Query, access_of, read_statements

READY = ("open", "unknown")       # a file is only listed where it needs no account; a dataset known to ask for one is not fetched all the same
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What a fetch would do. `files` is empty where the catalog knows no open addresses; `steps` then says what a person does."""

    slug: str
    name: str
    license: Effective
    access: str
    steps: str
    files: tuple[RemoteFile, ...]
    homepage: str | None = None

    @property
    def bytes(self) -> int:
        return sum(file.bytes or 0 for file in self.files)

    def as_json(self) -> dict[str, Any]:
        return {
            "slug": self.slug, "name": self.name, "license": self.license.license().id, "flags": dict(self.license.flags), "conflict": self.license.conflict,
            "access": self.access, "steps": self.steps, "bytes": self.bytes, "bytes_unknown": sum(file.bytes is None for file in self.files),
            "files": [{"path": file.path, "url": file.url, "bytes": file.bytes, "checksum": file.checksum} for file in self.files],
        }


@dataclass(frozen=True, slots=True)
class Fetched:
    """What lies in the folder now. `verified`: by checksum; `unverified`: the catalog knows no sum; `kept`: were there before."""

    folder: Path
    verified: tuple[str, ...]
    unverified: tuple[str, ...]
    kept: tuple[str, ...]
    bytes: int


def plan_fetch(name: str, query: Query, release: str | None = None) -> FetchPlan:
    """Licence, access and files of a dataset (slug, name or alias). Raises NotFound, also for an ambiguous alias."""
    slug = find_slug(name, read_names(query))
    row = query(f"SELECT * FROM dataset WHERE slug = {quoted(slug)}")[0]
    access, steps = access_of(row, query)
    found = query(f"SELECT * FROM download WHERE slug = {quoted(slug)} ORDER BY release, path")
    releases = sorted({one["release"] for one in found})
    chosen = release if release is not None else (releases[-1] if releases else "")
    if release is not None and releases and release not in releases:
        raise NotFound(f"{slug} has no files of release {release!r}", hint=f"one of: {', '.join(map(repr, releases))}")
    files = tuple(RemoteFile(one["path"], one["url"], one["bytes"], one["checksum"]) for one in found if one["release"] == chosen)
    return FetchPlan(slug, row["name"], effective(slug, read_statements(query, slug), chosen or None), access, steps, files if access in READY else (), row["homepage"])


def narrow(plan: FetchPlan, patterns: Sequence[str]) -> FetchPlan:
    """The plan with only the files whose path fits one of the patterns (`*.zip`); all of them without a pattern. Raises NotFound for none."""
    files = tuple(file for file in plan.files if not patterns or any(fnmatchcase(file.path, pattern) for pattern in patterns))
    if plan.files and not files:
        raise NotFound(f"no file of {plan.slug} fits {', '.join(patterns)}", hint=f"its files: {', '.join(file.path for file in plan.files[:8])}")
    return replace(plan, files=files)


def sized(plan: FetchPlan) -> FetchPlan:
    """The plan with sizes asked from the servers where the catalog has none; a host that does not answer is asked once."""
    files, silent = [], set[str | None]()
    for file in plan.files:
        host = urlsplit(file.url).hostname
        if file.bytes is None and host not in silent:
            file = replace(file, bytes=size_of(file.url))
            if file.bytes is None:
                silent.add(host)
        files.append(file)
    return replace(plan, files=tuple(files))


def fetch(plan: FetchPlan, folder: Path, say: Say = lambda text: None) -> Fetched:
    """Download every file of the plan, continuing what an earlier run began, and check sizes and sums.

    Raises Refused where the plan has no open files or a server asks for an account, BadInput for a wrong sum or a path that leaves
    the folder, IsocenterError when a server stays away after several attempts or the disk is too small.
    """
    if not plan.files:
        raise Refused(f"{plan.slug} cannot be fetched without you: access is {plan.access}", where=plan.homepage, hint=plan.steps)
    targets = [_inside(folder, file.path) for file in plan.files]
    _room(folder, plan, targets)
    verified: list[str] = []
    unverified: list[str] = []
    kept: list[str] = []
    total = 0
    for file, target in zip(plan.files, targets):
        if _already(file, target):
            kept.append(file.path)
        else:
            say(f"{file.path} from {urlsplit(file.url).hostname}")
            download(file, target)
        (verified if file.checksum else unverified).append(file.path)
        total += target.stat().st_size
    write_json(folder / "isocenter-fetch.json", {**plan.as_json(), "fetched_bytes": total, "unverified": unverified})
    return Fetched(folder, tuple(verified), tuple(unverified), tuple(kept), total)


def _inside(folder: Path, path: str) -> Path:
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or ".." in parts or "\\" in path or ":" in parts[0]:
        raise BadInput(f"the path {path!r} would leave the folder", where=str(folder))
    return folder.joinpath(*parts)


def _room(folder: Path, plan: FetchPlan, targets: Sequence[Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    there = sum(path.stat().st_size for target in targets for path in (target, part_of(target)) if path.exists())
    needed, free = plan.bytes - there, shutil.disk_usage(folder).free
    if needed > free:
        raise IsocenterError(f"{plan.slug} needs {needed / 1e9:.1f} GB more, {free / 1e9:.1f} GB are free", where=str(folder), hint="choose another folder with --to")


def _already(file: RemoteFile, target: Path) -> bool:
    """A finished file is kept if its sum (or, without a sum, its stated size) is right."""
    if not target.exists():
        return False
    if file.checksum:
        return sum_of(target, file.checksum) == hex_of(file.checksum)
    return file.bytes is None or target.stat().st_size == file.bytes

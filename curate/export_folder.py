"""The folder of an export: whether it may be written into, what of an earlier run counts, and the mark that it is whole."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

from isocenter.core.errors import BadInput, Conflict, Refused
from isocenter.core.files import file_hash, write_json, write_text
from isocenter.core.runs import versions
from isocenter.curate.export_target import JOURNAL, Target, recall
from isocenter.curate.verify import MARK, SUMS, read_sums, sums_text, verify


def look(folder: Path) -> dict[str, Any] | None:
    """The mark of the export that is there, None when there is nothing. Raises Refused or BadInput for what is no export."""
    if folder.exists() and not folder.is_dir():
        raise Refused("a file is in the place of the folder", where=str(folder), hint="name a new folder")
    if (folder / MARK).exists():
        try:
            mark: dict[str, Any] = json.loads((folder / MARK).read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadInput(f"{MARK} has changed: it is no JSON", where=str(folder), hint=_anew(folder)) from error
        return mark
    if folder.exists() and any(folder.iterdir()):
        raise BadInput("the folder is not empty and holds no export", where=str(folder), hint="name a new folder")
    return None


def require_same(folder: Path, cohort: str, to: str) -> None:
    """Raises Conflict, naming both, when the folder holds the export of another cohort or in another format, whole or cut short."""
    found = look(folder)
    if found is not None and (found.get("cohort"), found.get("format")) != (cohort, to):
        state = f"{found.get('samples')} samples" if found.get("finished") else "cut short"
        raise Conflict(f"the folder holds the export of {found.get('cohort')} as {found.get('format')} ({state}); this one is of {cohort} as {to}", where=str(folder),
                       hint="another folder, or --force, which replaces what is there")


def take(folder: Path, key: dict[str, Any]) -> dict[str, Any] | None:
    """Make the folder ours: the same export, finished and whole, is returned; cut short, it is continued; another of ours is replaced (see `require_same`).

    Raises BadInput when files that no export of ours wrote would have to go.
    """
    found, key = look(folder), json.loads(json.dumps(key))
    if found is not None:
        same = {name: found.get(name) for name in key} == key
        if same and found.get("finished") and not verify(folder):
            return found
        if not same or found.get("finished"):
            _clear(folder)
    write_json(folder / MARK, {**key, "finished": False})
    return None


def finish(out: Target, facts: dict[str, Any]) -> None:
    """Write the sums of all files and the mark."""
    sums = {entry.file: entry.hash for entry in out.entries.values()}
    write_text(out / SUMS, sums_text(sums))
    out.close()
    write_json(out / MARK, {**facts, "finished": True, "all_files": len(sums), "checksums": file_hash(out / SUMS), "versions": versions()})


def _clear(folder: Path) -> None:
    """Remove what an export of ours wrote, and only that."""
    own = {MARK, SUMS, JOURNAL, *recall(folder), *(read_sums(folder / SUMS) if (folder / SUMS).exists() else ())}
    foreign = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.relative_to(folder).as_posix() not in own and not path.name.endswith(".draft")]
    if foreign and not (folder / SUMS).exists() and not (folder / JOURNAL).exists():
        raise BadInput("an earlier isocenter wrote this export, without the list of files by which it could be replaced", where=str(folder), hint=_anew(folder))
    if foreign:
        raise BadInput(f"{len(foreign)} files in the folder are of no export (first: {foreign[0].relative_to(folder)})", where=str(folder), hint="move them away, or name a new folder")
    shutil.rmtree(folder)


def _anew(folder: Path) -> str:
    return f"if nothing else lies there: rm -r {shlex.quote(str(folder))}, and the same command again; or another folder (build --out, export OUT)"

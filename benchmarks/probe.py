"""Recall of duplicate finding per change and severity: one copy of every picture for each, joined to its original or not.

Usage: probe.py FOLDER [PICTURES=12]. Prints a table in Markdown; the pictures themselves are the neighbours that must stay apart.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from isocenter.core import progress
from isocenter.curate.duplicates.find import find
from isocenter.curate.duplicates.picture import Picture
from isocenter.curate.probe.changes import CHANGES, change
from isocenter.curate.probe.corruptions import CORRUPTIONS, SEVERITIES
from isocenter.embeddings.local_features import grey


def recall(base: dict[str, np.ndarray], name: str, severity: int) -> tuple[float, int]:
    """The share of copies in their original's group, and the number of different pictures that a group joins."""
    copies = {f"copy:{key}": change(picture, name, severity, seed=place) for place, (key, picture) in enumerate(base.items())}
    found = find([Picture(key, "set", partial(np.copy, picture)) for key, picture in (base | copies).items()])
    group = {member.id: member.group for member in found.groups}
    share = sum(group.get(f"copy:{key}", -1) == group.get(key, -2) for key in base) / len(base)
    inside = [{key.removeprefix("copy:") for key, home in group.items() if home == number} for number in set(group.values())]
    return share, sum(len(names) - 1 for names in inside)


def main(folder: Path, count: int = 12) -> None:
    progress.silence()
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
    chosen = [files[i] for i in np.linspace(0, len(files) - 1, min(count, len(files))).astype(int)]
    base = {path.name: grey(np.asarray(Image.open(path).convert("L"))) for path in chosen}
    print("| change | " + " | ".join(f"severity {s}" for s in SEVERITIES) + " | wrongly joined |\n|---|" + "---|" * (len(SEVERITIES) + 1))
    for name in [*CHANGES, *CORRUPTIONS]:
        severities = SEVERITIES[:1] if len(set(CHANGES.get(name, (0, SEVERITIES))[1])) == 1 else SEVERITIES
        rows = [recall(base, name, severity) for severity in severities]
        cells = [f"{share:.2f}" for share, _ in rows] + [""] * (len(SEVERITIES) - len(rows))
        print(f"| {name} | " + " | ".join(cells) + f" | {sum(wrong for _, wrong in rows)} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(value) for value in sys.argv[2:]))

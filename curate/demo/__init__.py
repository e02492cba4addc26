"""The demo: two made-up chest film collections that share pictures, and the real files that pydicom and nibabel carry."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import nibabel
import pydicom
from PIL import Image

from isocenter.core.workspace import Workspace
from isocenter.harmonize.layout import load
from isocenter.harmonize.miniature import miniature

HERE = Path(__file__).parent
RECIPE = HERE / "recipe.toml"
BYTE_COPIES, PIXEL_COPIES, RECODED = 4, 3, 2


def prepare(workspace: Workspace) -> tuple[Path, dict[str, Path]]:
    """Write recipe, layouts and miniatures below `demo/` of the workspace; returns the recipe and where each dataset lies.

    Of the northern films, 4 are copied byte for byte into the southern set, 3 are stored there again with other compression
    (equal pixels), and 2 as JPEG (nearly equal). One copy contradicts its original's label.
    """
    home = workspace.root / "demo"
    for name in (RECIPE.name, "north.toml", "south.toml"):
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / name, home / name)
    north, south = home / "data" / "north", home / "data" / "south"
    if not (south / "films.csv").exists():
        originals = [sample.path for sample in miniature(load(home / "north.toml"), north, samples=24, seed=1)]
        miniature(load(home / "south.toml"), south, samples=18, seed=2)
        _plant(north, south, originals)
    return home / RECIPE.name, {
        "north": north, "south": south, "pydicom": Path(pydicom.__file__).parent / "data" / "test_files", "nibabel": Path(nibabel.__file__).parent / "tests" / "data",
    }


def _plant(north: Path, south: Path, originals: list[str]) -> None:
    """Put copies of northern films into the southern set, with rows in its table."""
    with (north / "films.csv").open(encoding="utf-8-sig", newline="") as stream:
        finding = {row["file"]: row["finding"] for row in csv.DictReader(stream)}
    rows = []
    for number, path in enumerate(originals[: BYTE_COPIES + PIXEL_COPIES + RECODED]):
        target = south / "films" / f"copy{number + 1:02d}.{'png' if number < BYTE_COPIES + PIXEL_COPIES else 'jpg'}"
        if number < BYTE_COPIES:
            shutil.copyfile(north / path, target)
        elif number < BYTE_COPIES + PIXEL_COPIES:
            Image.open(north / path).save(target, compress_level=0)
        else:
            Image.open(north / path).save(target, quality=88)
        rows.append([target.name, f"q{number:02d}", {"normal": "No Finding", "pneumonia": "Pneumonia|Infiltration", "effusion": "Effusion"}[finding[Path(path).name]]])
    rows[0][2] = "Pneumonia" if rows[0][2] != "Pneumonia|Infiltration" else "No Finding"
    table = south / "films.csv"
    text = table.read_text(encoding="utf-8-sig")
    table.write_text(text.rstrip("\n") + "\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")

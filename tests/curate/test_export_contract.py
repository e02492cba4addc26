"""Every exporter meets every kind of sample: it writes a complete export, or it refuses by name and can be told to go on without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest
import tomli_w
from PIL import Image

from isocenter.core.errors import Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.export import EXPORTERS, Wishes, export
from isocenter.curate.verify import verify
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.dicom.miniature import write_series
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

NAMELESS = Wishes(identifying="clean")
RNG = np.random.default_rng(4)
KINDS = ("picture", "deep-picture", "tiff", "npz-member", "float-member", "dicom-series", "dicom-picture", "volume-with-mask", "boxes", "no-labels", "part")
TAKEN = {
    "files": set(KINDS) - {"part"},
    "parquet": set(KINDS),
    "webdataset": {"picture", "deep-picture", "tiff", "npz-member", "dicom-picture", "boxes", "no-labels"},
    "huggingface": {"picture", "deep-picture", "tiff", "npz-member", "dicom-picture", "boxes", "no-labels"},
    "coco": {"picture", "deep-picture", "tiff", "npz-member", "dicom-picture", "boxes", "no-labels"},
    "imis": {"picture"},
    "monai": {"picture", "deep-picture", "tiff", "npz-member", "float-member", "dicom-picture", "volume-with-mask", "boxes", "no-labels"},
    "nnunet": {"volume-with-mask", "picture"},
    "sat-jsonl": {"volume-with-mask"},
}
"""What each format can carry. A fractional picture in an archive fits nowhere but plain files, tables and MONAI (as .npy)."""


def _adopt(workspace: Workspace, name: str, root: Path, **layout: object) -> Cohort:
    path = root.parent / f"{name}.toml"
    path.write_text(tomli_w.dumps({"modality": "CT", **layout}))
    adopt(workspace, name, root, layout=str(path), license="MIT")
    scan(workspace, name)
    return _merged(workspace, name)


@pytest.fixture
def sample(request: pytest.FixtureRequest, workspace: Workspace, tmp_path: Path) -> Cohort:
    """A cohort of two samples of one kind."""
    kind, root = request.param, tmp_path / "data"
    root.mkdir()
    deep = kind == "deep-picture"
    if kind in ("picture", "deep-picture", "tiff", "boxes", "no-labels", "part"):
        for number in range(2):
            array = RNG.integers(0, 60000, (12, 16)).astype(np.uint16) if deep else RNG.integers(0, 255, (12, 16)).astype(np.uint8)
            Image.fromarray(array).save(root / f"i{number}.{'tif' if kind == 'tiff' else 'png'}")
    if kind == "picture":
        (root / "mask").mkdir()
        for number in range(2):
            Image.fromarray(np.pad(np.full((4, 5), 255, np.uint8), ((2, 6), (3, 8)))).save(root / f"mask/i{number}.png")
        return _adopt(workspace, kind, root, images="{name}.png", masks=[{"pattern": "mask/{name}.png", "term": "liver"}])
    if kind == "boxes":
        for number in range(2):
            (root / f"i{number}.xml").write_text("<annotation><object><name>RBC</name><bndbox><xmin>3</xmin><ymin>5</ymin><xmax>12</xmax><ymax>9</ymax></bndbox></object></annotation>")
        return _adopt(workspace, kind, root, images="{name}.png", boxes=[{"pattern": "{name}.xml", "labels": "cells"}], labels=[{"name": "cells", "mode": "mentions", "values": {"RBC": "red blood cell"}}])
    if kind.endswith("member"):
        array = RNG.integers(0, 255, (2, 12, 16)).astype(np.uint8) if kind == "npz-member" else RNG.normal(size=(2, 12, 16)).astype(np.float32)
        np.savez(root / "all.npz", pictures=array)
        return _adopt(workspace, kind, root, images=[{"pattern": "all.npz", "array": "pictures", "stacked": True}])
    if kind.startswith("dicom"):
        affine = np.array([[-0.8, 0, 0, 20], [0, -0.8, 0, 18], [0, 0, 2.5, -30], [0, 0, 0, 1]], float)
        depth = 3 if kind == "dicom-series" else 1
        for number in range(2):
            write_series(root / str(number), RNG.integers(0, 900, (16, 12, depth), dtype=np.int16), affine, name=f"s{number}")
        adopt(workspace, kind, root, layout="dicom", license="MIT")
        scan(workspace, kind)
        return _merged(workspace, kind)
    if kind == "volume-with-mask":
        (root / "lab").mkdir()
        for number in range(2):
            nib.save(nib.Nifti1Image(RNG.normal(size=(6, 5, 4)).astype(np.float32), np.diag([2.0, 2, 3, 1])), root / f"v{number}.nii.gz")
            nib.save(nib.Nifti1Image(np.pad(np.ones((2, 2, 2), np.uint8), ((1, 3), (1, 2), (1, 1))), np.diag([2.0, 2, 3, 1])), root / f"lab/v{number}.nii.gz")
        return _adopt(workspace, kind, root, images="{name}.nii.gz", masks=[{"pattern": "lab/{name}.nii.gz", "term": "liver"}])
    cohort = _adopt(workspace, kind, root, images="{name:i\\d}.{form:png|tif}")
    if kind == "part":
        parts = cohort.table.with_columns((pl.col("sample_id") + "#x=0:4,y=0:4").alias("sample_id"))
        return Cohort("parts", parts, cohort.header).save(workspace)
    return cohort


def _merged(workspace: Workspace, name: str) -> Cohort:
    merge(workspace, [name], name=f"{name}-all")
    return Cohort.open(workspace, f"{name}-all")


@pytest.mark.parametrize("sample", KINDS, indirect=True)
def test_every_exporter_takes_the_kind_or_names_it(sample: Cohort, workspace: Workspace, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["sample"]
    assert set(EXPORTERS.names()) == TAKEN.keys()
    for name, kinds in TAKEN.items():
        out = tmp_path / name
        if kind in kinds:
            done = export(workspace, sample, to=name, folder=out, wishes=NAMELESS)
            assert (done.samples, done.unreadable) == (2, 0), name
        elif kind == "float-member":                                     # only reading it tells that no picture format holds its values
            assert _told(workspace, sample, name, out) in ("unfit", "unreadable"), name
        else:
            with pytest.raises(Refused, match=r"refused \(unfit\): 2 of 2"):
                export(workspace, sample, to=name, folder=out, wishes=NAMELESS)
            if getattr(EXPORTERS.get(name), "TRAINS", False):
                with pytest.raises(Refused, match=r"no training case would go out \(nothing fits this format\): 2 of 2 samples do not fit"):
                    export(workspace, sample, to=name, folder=out, wishes=replace(NAMELESS, skip_unfit=True))
                continue
            done = export(workspace, sample, to=name, folder=out, wishes=replace(NAMELESS, skip_unfit=True))
            assert (done.samples, done.done) == (0, {"left out": 2}), name
        if (out / "export.json").exists():
            assert verify(out) == [], name


def _told(workspace: Workspace, cohort: Cohort, name: str, out: Path) -> str:
    try:
        done = export(workspace, cohort, to=name, folder=out)
    except Refused:
        return "unfit"
    assert done.samples == 0
    ledger = pl.read_parquet(out / "ledger.parquet")
    assert ledger["what"].to_list() == ["left out", "left out"]
    assert "fractional values do not fit a PNG" in ledger["why"][0]
    return "unreadable" if done.unreadable == 2 else "written"

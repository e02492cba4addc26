"""nnU-Net datasets of overlapping structures and of pictures: every structure can be read back, nothing unannotated is called background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import polars as pl
import pytest
import tomli_w
from numpy.typing import NDArray
from PIL import Image

from isocenter.core.errors import Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.export import Wishes, export, verify
from isocenter.curate.exporters._regions import Regions
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.mask_terms import TermMasks
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

WHOLE, CORE = "neoplasm", "necrosis"
AFFINE = np.diag([1.0, 1, 2, 1])


def adopted(workspace: Workspace, root: Path, **layout: Any) -> None:
    path = root.with_suffix(".toml")
    path.write_text(tomli_w.dumps(layout))
    adopt(workspace, root.name, root, layout=str(path), license="MIT")
    scan(workspace, root.name)


@pytest.fixture
def tumours(workspace: Workspace, tmp_path: Path) -> Cohort:
    """Two volumes whose tumours hold a core, each structure in a file of its own, and one of a set that marks whole tumours alone."""
    for name, terms, cases in (("both", (WHOLE, CORE), "ab"), ("whole", (WHOLE,), "c")):
        root = tmp_path / name
        for number, case in enumerate(cases):
            for folder, side in (("img", 0), (WHOLE, 4), (CORE, 2)):
                (root / folder).mkdir(parents=True, exist_ok=True)
                array = np.zeros((8, 7, 5), np.uint8)
                array[1:1 + side, 1:1 + side, 1:3] = 1
                nib.save(nib.Nifti1Image(array + 10 * number if folder == "img" else array, AFFINE), root / f"{folder}/{case}.nii.gz")
        adopted(workspace, root, images="img/{case}.nii.gz", modality="MRI", masks=[{"pattern": term + "/{case}.nii.gz", "term": term} for term in terms])
    return merge(workspace, ["both", "whole"], name="tumours")


def label(folder: Path, case: str) -> NDArray[np.int64]:
    manifest = pl.read_parquet(folder / "manifest.parquet")
    files = manifest.filter(pl.col("sample_id").str.contains(f"img/{case}"))["files"][0]
    return np.asarray(nib.load(folder / next(name for name in files if "labels" in name)).dataobj).astype(int)


def predicted(folder: Path, regions: dict[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
    """Labels as nnU-Net writes them when it predicts these regions: one after the other, later ones over earlier ones."""
    facts = json.loads((folder / "dataset.json").read_text())
    names = [name for name in facts["labels"] if name not in ("background", "ignore")]
    written = np.zeros(next(iter(regions.values())).shape, int)
    for name, value in zip(names, facts["regions_class_order"], strict=True):
        written[regions[name]] = value
    return written


def test_nested_structures_become_regions_and_come_back_as_they_were(workspace: Workspace, tumours: Cohort, tmp_path: Path) -> None:
    done = export(workspace, tumours, to="nnunet", folder=tmp_path / "out", wishes=Wishes(regions=True))
    facts = json.loads((tmp_path / "out/dataset.json").read_text())
    assert (facts["labels"], facts["regions_class_order"]) == ({"background": 0, WHOLE: [1, 2], CORE: 2, "ignore": 3}, [1, 2])
    shown = {term: np.asarray(nib.load(tmp_path / f"both/{term}/a.nii.gz").dataobj) > 0 for term in (WHOLE, CORE)}
    found = label(tmp_path / "out", "a")
    assert np.array_equal(np.isin(found, [1, 2]), shown[WHOLE])
    assert np.array_equal(found == 2, shown[CORE])
    assert np.array_equal(predicted(tmp_path / "out", shown), found)
    assert done.done == {"ignored": 1}
    assert verify(tmp_path / "out") == []


def test_a_whole_in_which_nobody_looked_for_the_core_is_ignored_like_what_is_outside(workspace: Workspace, tumours: Cohort, tmp_path: Path) -> None:
    export(workspace, tumours, to="nnunet", folder=tmp_path / "out", wishes=Wishes(regions=True))
    assert set(np.unique(label(tmp_path / "out", "c"))) == {3}, "a core may be anywhere in this tumour, and outside it"
    export(workspace, tumours, to="nnunet", folder=tmp_path / "sets", wishes=Wishes(regions=True, by_annotation=True))
    found = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "sets").glob("*/dataset.json")}
    assert found[f"Dataset001_{CORE}_{WHOLE}"]["regions_class_order"] == [1, 2]
    assert found[f"Dataset002_{WHOLE}"]["labels"] == {"background": 0, WHOLE: 1}
    assert "regions_class_order" not in found[f"Dataset002_{WHOLE}"], "one structure needs no regions"


def test_without_regions_the_smaller_structure_is_painted_over_and_counted(workspace: Workspace, tumours: Cohort, tmp_path: Path) -> None:
    export(workspace, tumours, to="nnunet", folder=tmp_path / "out")
    assert json.loads((tmp_path / "out/dataset.json").read_text())["labels"] == {"background": 0, CORE: 1, WHOLE: 2, "ignore": 3}
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet")
    assert ledger.filter(what="changed")["number"].to_list() == [8, 8]


def test_structures_that_overlap_in_any_way_are_told_apart_by_their_labels() -> None:
    rng = np.random.default_rng(5)
    names = [f"s{at:02d}" for at in range(70)]
    masks = TermMasks({name: rng.random((9, 8, 7)) < 0.03 for name in names}, frozenset(names))

    class One:
        def mask_terms(self) -> list[str]:
            return names

        def masks(self) -> TermMasks:
            return masks

    regions = Regions.of([One()], names)  # type: ignore[list-item]
    found = regions(masks, (9, 8, 7)).values
    for name, values in regions.labels().items():
        assert np.array_equal(np.isin(found, values), masks.masks[name]), name
    assert found.max() == len(regions.sets) > len(names)
    assert regions.ignore == len(regions.sets) + 1


@pytest.fixture
def dishes(workspace: Workspace, tmp_path: Path) -> Path:
    """Three colour pictures with masks, one as JPEG and one for tests, and a grey one that is its own set."""
    root, rng = tmp_path / "dishes", np.random.default_rng(2)
    for folder in ("train", "test", "mask"):
        (root / folder).mkdir(parents=True)
    for name in ("train/a.png", "train/b.jpg", "test/c.png"):
        Image.fromarray(rng.integers(0, 255, (20, 30, 3)).astype(np.uint8)).save(root / name)
        mask = np.zeros((20, 30), np.uint8)
        mask[3:9, 4:20] = 255
        Image.fromarray(mask).save(root / f"mask/{Path(name).stem}.png")
    adopted(workspace, root, images="{split}/{case}.{kind}", modality="microscopy", masks=[{"pattern": "mask/{case}.png", "term": "white blood cell"}])
    return root


def test_pictures_become_a_dataset_of_png_files_with_a_channel_per_colour(workspace: Workspace, dishes: Path, tmp_path: Path) -> None:
    cohort = merge(workspace, ["dishes"], name="all")
    sided = Cohort("sided", cohort.table.with_columns(pl.when(pl.col("sample_id").str.contains("test/")).then(pl.lit("test")).otherwise(pl.lit("train")).alias("split")), cohort.header).save(workspace)
    export(workspace, sided, to="nnunet", folder=tmp_path / "out")
    out = tmp_path / "out"
    facts = json.loads((out / "dataset.json").read_text())
    assert (facts["file_ending"], facts["channel_names"], facts["labels"], facts["numTraining"]) == (".png", {"0": "R", "1": "G", "2": "B"}, {"background": 0, "white blood cell": 1}, 2)
    assert [len(list((out / folder).iterdir())) for folder in ("imagesTr", "labelsTr", "imagesTs", "labelsTs")] == [2, 2, 1, 1]
    for image in (out / "imagesTr").iterdir():
        found = np.asarray(Image.open(out / "labelsTr" / f"{image.name.removesuffix('_0000.png')}.png"))
        assert (found.shape, found.dtype, set(np.unique(found))) == ((20, 30), np.uint8, {0, 1})
        assert np.asarray(Image.open(image)).shape == (20, 30, 3)
        assert found[3:9, 4:20].all()
        assert found.sum() == 6 * 16
    assert pl.read_parquet(out / "ledger.parquet")["why"].to_list() == ["written as PNG (jpeg as published)"]
    assert verify(out) == []


def test_volumes_and_pictures_or_grey_and_colour_are_no_one_dataset(workspace: Workspace, dishes: Path, tumours: Cohort, tmp_path: Path) -> None:
    mixed = merge(workspace, ["dishes", "both"], name="mixed")
    with pytest.raises(Refused, match=r"volumes or pictures, not both: dishes@.* is a picture; both@.* is a volume"):
        export(workspace, mixed, to="nnunet", folder=tmp_path / "out")
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(dishes / "train/d.png")
    Image.fromarray(np.ones((20, 30), np.uint8)).save(dishes / "mask/d.png")
    scan(workspace, "dishes")
    with pytest.raises(Refused, match=r"1 in dishes@.*d.png; 3 in dishes@") as caught:
        export(workspace, merge(workspace, ["dishes"], name="two"), to="nnunet", folder=tmp_path / "two")
    assert "channels" in str(caught.value.hint)

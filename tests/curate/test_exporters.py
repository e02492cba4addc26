"""Every export opens in the library that it is for, and says what nobody annotated."""

from __future__ import annotations

import io
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest
import tomli_w
from PIL import Image

from isocenter.core.errors import Refused
from isocenter.core.workspace import Workspace
from isocenter.curate.export import EXPORTERS, Wishes, export, verify
from isocenter.curate.exporters.coco import run_lengths
from isocenter.curate.split import split
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

PICTURES = ("coco", "huggingface", "imis", "webdataset")
VOLUMES = ("monai", "nnunet", "sat-jsonl")


@pytest.fixture
def cells(workspace: Workspace, tmp_path: Path) -> Cohort:
    """Six 16-bit pictures with boxes; the first also has a mask of its own."""
    root = tmp_path / "cells"
    for folder in ("img", "xml", "mask"):
        (root / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 60000, (20, 30)).astype(np.uint16)).save(root / f"img/c{number}.png")
        (root / f"xml/c{number}.xml").write_text("<annotation><object><name>RBC</name><bndbox><xmin>3</xmin><ymin>5</ymin><xmax>12</xmax><ymax>9</ymax></bndbox></object></annotation>")
    mask = np.zeros((20, 30), np.uint8)
    mask[2:6, 10:20] = 255
    Image.fromarray(mask).save(root / "mask/c0.png")
    layout = tmp_path / "cells.toml"
    layout.write_text(tomli_w.dumps({
        "images": "img/{name}.png", "modality": "microscopy", "boxes": [{"pattern": "xml/{name}.xml", "labels": "cells"}],
        "masks": [{"pattern": "mask/{name}.png", "term": "white blood cell"}], "labels": [{"name": "cells", "mode": "mentions", "values": {"RBC": "red blood cell"}}]}))
    adopt(workspace, "cells", root, layout=str(layout), license="MIT")
    scan(workspace, "cells")
    return split(workspace, merge(workspace, ["cells"], name="all"), name="sides", ratio={"train": 0.5, "test": 0.5})


@pytest.fixture
def organs(workspace: Workspace, tmp_path: Path) -> Cohort:
    """Two liver-and-spleen volumes and one of another set that annotates the liver alone."""
    for name, values, cases in (("both", {"1": "liver", "2": "spleen"}, ("a", "b")), ("liver-only", {"7": "liver"}, ("c",))):
        root = tmp_path / name
        (root / "img").mkdir(parents=True)
        (root / "lab").mkdir()
        for number, case in enumerate(cases):
            array = np.random.default_rng(number).normal(size=(6, 5, 4)).astype(np.float32)
            label = np.zeros(array.shape, np.uint8)
            label[1:3, 1:3, 1:3] = min(map(int, values))
            if len(values) > 1:
                label[4:, 3:, :] = 2
            nib.save(nib.Nifti1Image(array, np.diag([2.0, 2, 3, 1])), root / f"img/{case}.nii.gz")
            nib.save(nib.Nifti1Image(label, np.diag([2.0, 2, 3, 1])), root / f"lab/{case}.nii.gz")
        layout = tmp_path / f"{name}.toml"
        layout.write_text(tomli_w.dumps({"images": "img/{case}.nii.gz", "modality": "CT", "masks": [{"pattern": "lab/{case}.nii.gz", "labels": "m"}], "labels": [{"name": "m", "values": values}]}))
        adopt(workspace, name, root, layout=str(layout), license="MIT")
        scan(workspace, name)
    return merge(workspace, ["both", "liver-only"], name="organs")


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_every_exporter_leaves_a_complete_export(name: str, workspace: Workspace, cells: Cohort, organs: Cohort, tmp_path: Path) -> None:
    cohort = organs if name in VOLUMES else cells
    done = export(workspace, cohort, to=name, folder=tmp_path / "out", use="share", wishes=Wishes(skip_unfit=name == "imis"))
    assert done.samples == (1 if name == "imis" else len(cohort))
    assert verify(tmp_path / "out") == []
    assert {"manifest.parquet", "ledger.parquet", "croissant.json", "LICENSES.md", "ATTRIBUTION.md", "licenses", "checksums.txt", "export.json"} <= {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("name", PICTURES)
def test_a_volume_is_refused_where_pictures_go(name: str, workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no single picture"):
        export(workspace, organs, to=name, folder=tmp_path / "out")


def test_webdataset_reads_its_shards(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    export(workspace, cells, to="webdataset", folder=tmp_path / "out")
    shards = sorted(str(path) for path in (tmp_path / "out").glob("*.tar"))
    samples = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False))
    facts = [json.loads(sample["json"]) for sample in samples]
    assert {row["sample_id"] for row in facts} == set(cells.table["sample_id"])
    assert facts[0]["labels"]["red blood cell"] == "present"
    assert Image.open(io.BytesIO(samples[0]["png"])).size == (30, 20)


def test_datasets_opens_the_pictures(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export(workspace, cells, to="huggingface", folder=tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(loaded) == {"train", "test"}
    assert loaded["train"][0]["image"].size == (30, 20)
    assert json.loads(loaded["train"][0]["labels"])["red blood cell"] == "present"


def test_pycocotools_reads_boxes_and_masks_and_absence_is_not_claimed(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    merged = Cohort.open(workspace, "all")
    export(workspace, merged, to="coco", folder=tmp_path / "out")
    read = coco.COCO(str(tmp_path / "out/annotations/train.json"))
    names = {row["name"]: row["id"] for row in read.loadCats(read.getCatIds())}
    boxes = read.loadAnns(read.getAnnIds(catIds=[names["red blood cell"]]))
    assert [box["bbox"] for box in boxes] == [[2, 4, 10, 5]] * 6
    mask = read.loadAnns(read.getAnnIds(catIds=[names["white blood cell"]]))
    assert len(mask) == 1
    assert read.annToMask(mask[0]).sum() == 40
    assert read.annToMask(mask[0])[2:6, 10:20].all()
    open_to = {image["id"]: image["not_exhaustive_category_ids"] for image in read.loadImgs(read.getImgIds())}
    assert open_to[mask[0]["image_id"]] == []
    assert sum(value == [names["white blood cell"]] for value in open_to.values()) == 5


def test_run_lengths_count_columns_zeros_first() -> None:
    assert run_lengths(np.array([[0, 1], [1, 1]], bool)) == [1, 3]
    assert run_lengths(np.array([[1, 0], [0, 0]], bool)) == [0, 1, 3]


def test_nnunet_ignores_what_nobody_annotated(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    export(workspace, organs, to="nnunet", folder=tmp_path / "out")
    facts = json.loads((tmp_path / "out/dataset.json").read_text())
    assert facts["labels"] == {"background": 0, "liver": 1, "spleen": 2, "ignore": 3}
    assert (facts["numTraining"], facts["file_ending"], facts["channel_names"]) == (3, ".nii.gz", {"0": "CT"})
    labels = [np.asarray(nib.load(path).dataobj) for path in sorted((tmp_path / "out/labelsTr").iterdir())]
    assert [sorted(np.unique(label).tolist()) for label in labels] == [[0, 1, 2], [0, 1, 2], [1, 3]]
    assert {path.name.removesuffix("_0000.nii.gz") for path in (tmp_path / "out/imagesTr").iterdir()} == {path.name.removesuffix(".nii.gz") for path in (tmp_path / "out/labelsTr").iterdir()}
    ledger = pl.read_parquet(tmp_path / "out/ledger.parquet")
    assert ledger.select("what", "number", "unit", "why").rows() == [("ignored", 112, "voxel", "outside the annotated structures; not annotated: spleen")]


def test_nnunet_labels_run_without_a_gap_and_lie_on_their_images(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    export(workspace, organs, to="nnunet", folder=tmp_path / "out")
    values = sorted(json.loads((tmp_path / "out/dataset.json").read_text())["labels"].values())
    assert values == list(range(len(values)))
    for image in (tmp_path / "out/imagesTr").iterdir():
        label = tmp_path / "out/labelsTr" / f"{image.name.removesuffix('_0000.nii.gz')}.nii.gz"
        assert np.allclose(nib.load(image).affine, nib.load(label).affine)
        assert nib.load(image).shape == nib.load(label).shape


def test_monai_lists_name_files_that_are_there(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    export(workspace, organs, to="monai", folder=tmp_path / "out")
    entries = json.loads((tmp_path / "out/dataset.json").read_text())["training"]
    assert all((tmp_path / "out" / entry[kind]).is_file() for entry in entries for kind in ("image", "label"))
    assert "spleen" not in next(entry for entry in entries if "liver-only" in entry["sample_id"])["labels"]


def test_sat_lines_tell_absent_from_not_annotated(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    export(workspace, organs, to="sat-jsonl", folder=tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/train.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == [["liver", "spleen"], ["liver", "spleen"], ["liver"]]
    assert all(len(line["mask"]) == len(line["label"]) for line in lines)


def test_a_shared_shard_counts_once(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    done = export(workspace, cells, to="webdataset", folder=tmp_path / "out")
    assert done.files == 2
    assert done.bytes == sum(path.stat().st_size for path in (tmp_path / "out").glob("*.tar"))
    assert pl.read_parquet(tmp_path / "out/manifest.parquet")["path"].n_unique() == 2

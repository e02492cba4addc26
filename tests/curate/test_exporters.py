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


def test_a_term_that_copies_dispute_is_open_in_its_picture(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    merged = Cohort.open(workspace, "all")
    labels = merged.table["labels"].to_list()
    labels[2] = {**labels[2], "white blood cell": "absent"}
    del labels[2]["red blood cell"]                                    # as dedup withholds it
    disputed = Cohort("disputed", merged.table.with_columns(pl.Series("labels", labels, dtype=merged.table.schema["labels"])), merged.header).save(workspace)
    export(workspace, disputed, to="coco", folder=tmp_path / "out")
    read = coco.COCO(str(tmp_path / "out/annotations/train.json"))
    names = {row["id"]: row["name"] for row in read.loadCats(read.getCatIds())}
    open_to = [{names[at] for at in image["not_exhaustive_category_ids"]} for image in read.loadImgs(read.getImgIds())]
    assert open_to[2] == {"red blood cell"}
    assert all("red blood cell" not in terms for at, terms in enumerate(open_to) if at != 2)


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
    assert ledger.select("what", "number", "unit", "why").rows() == [("ignored", 112, "voxel", "may be a structure that nobody annotated: spleen")]


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


def test_nnunet_by_annotation_makes_a_dataset_of_each_set_and_ignores_nothing(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    export(workspace, organs, to="nnunet", folder=tmp_path / "out", wishes=Wishes(by_annotation=True))
    found = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "out").glob("*/dataset.json")}
    assert {name: (facts["labels"], facts["numTraining"]) for name, facts in found.items()} == {
        "Dataset001_liver": ({"background": 0, "liver": 1}, 1), "Dataset002_liver_spleen": ({"background": 0, "liver": 1, "spleen": 2}, 2)}
    assert pl.read_parquet(tmp_path / "out/ledger.parquet").height == 0
    assert verify(tmp_path / "out") == []


def check_nnunet(folder: Path) -> None:
    """nnU-Net v2's own rules (dataset_format.md): keys, consecutive labels, ignore highest, channel files, one grid per case, cases of the splits."""
    facts = json.loads((folder / "dataset.json").read_text())
    assert facts.keys() >= {"channel_names", "labels", "numTraining", "file_ending"}
    assert "regions_class_order" in facts or all(isinstance(value, int) for value in facts["labels"].values())
    values = list(facts["labels"].values())
    assert (facts["labels"]["background"], sorted(values)) == (0, list(range(len(values))))
    assert facts["labels"].get("ignore", max(values)) == max(values)
    assert list(facts["channel_names"]) == [str(at) for at in range(len(facts["channel_names"]))]
    labels = sorted(path.name.removesuffix(facts["file_ending"]) for path in (folder / "labelsTr").iterdir())
    assert len(labels) == facts["numTraining"]
    images = {path.name for path in (folder / "imagesTr").iterdir()}
    assert images == {f"{case}_{at:04d}{facts['file_ending']}" for case in labels for at in range(len(facts["channel_names"]))}
    for case in labels:
        label = nib.load(folder / "labelsTr" / f"{case}{facts['file_ending']}")
        assert set(np.unique(np.asarray(label.dataobj)).tolist()) <= set(values)
        for at in range(len(facts["channel_names"])):
            image = nib.load(folder / "imagesTr" / f"{case}_{at:04d}{facts['file_ending']}")
            assert image.shape == label.shape
            assert np.allclose(image.affine, label.affine)
    if (folder / "splits_final.json").exists():
        assert all({*fold["train"], *fold["val"]} == set(labels) for fold in json.loads((folder / "splits_final.json").read_text()))


def test_nnunet_keeps_its_own_rules_with_splits_and_several_datasets(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    sided = Cohort("sided", organs.table.with_columns(pl.Series("split", ["train", "val", "train"])), organs.header).save(workspace)
    export(workspace, sided, to="nnunet", folder=tmp_path / "out")
    check_nnunet(tmp_path / "out")
    export(workspace, organs, to="nnunet", folder=tmp_path / "several", wishes=Wishes(by_annotation=True))
    for folder in (path for path in (tmp_path / "several").iterdir() if path.name.startswith("Dataset")):
        check_nnunet(folder)


def test_a_fourth_dimension_becomes_channels(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "mr"
    (root / "lab").mkdir(parents=True)
    array = np.random.default_rng(0).normal(size=(6, 5, 4, 3)).astype(np.float32)
    nib.save(nib.Nifti1Image(array, np.diag([2.0, 2, 3, 1])), root / "a.nii.gz")
    nib.save(nib.Nifti1Image((array[..., 0] > 1).astype(np.uint8), np.diag([2.0, 2, 3, 1])), root / "lab/a.nii.gz")
    _volumes(workspace, root)
    export(workspace, Cohort.open(workspace, "mr-all"), to="nnunet", folder=tmp_path / "out")
    check_nnunet(tmp_path / "out")
    assert np.allclose(nib.load(next((tmp_path / "out/imagesTr").glob("*_0002.nii.gz"))).get_fdata(), array[..., 2])


def test_a_mask_on_another_grid_is_left_out_and_not_painted(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "mr"
    (root / "lab").mkdir(parents=True)
    array = np.zeros((6, 5, 4), np.float32)
    for name, affine in (("flipped", np.diag([-2.0, 2, 3, 1])), ("good", np.diag([2.0, 2, 3, 1])), ("rounded", np.diag([2.01, 2, 3, 1]))):
        nib.save(nib.Nifti1Image(array, np.diag([2.0, 2, 3, 1])), root / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(np.ones(array.shape, np.uint8), affine), root / f"lab/{name}.nii.gz")
    _volumes(workspace, root)
    done = export(workspace, Cohort.open(workspace, "mr-all"), to="nnunet", folder=tmp_path / "out")
    assert (done.samples, done.unreadable) == (2, 1)
    assert "lies on another grid" in pl.read_parquet(tmp_path / "out/ledger.parquet").filter(pl.col("what") == "left out")["why"].item()
    check_nnunet(tmp_path / "out")


def _volumes(workspace: Workspace, root: Path) -> None:
    layout = root.parent / "mr.toml"
    layout.write_text(tomli_w.dumps({"images": "{name}.nii.gz", "modality": "MR", "masks": [{"pattern": "lab/{name}.nii.gz", "term": "liver"}]}))
    adopt(workspace, "mr", root, layout=str(layout), license="MIT")
    scan(workspace, "mr")
    merge(workspace, ["mr"], name="mr-all")


def test_monai_labels_of_several_datasets_mean_the_same(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    export(workspace, organs, to="monai", folder=tmp_path / "out")
    facts = json.loads((tmp_path / "out/dataset.json").read_text())
    assert facts["labels"] == {"0": "background", "1": "liver", "2": "spleen", "3": "ignore"}
    values = [sorted(np.unique(np.asarray(nib.load(tmp_path / "out" / entry["label"]).dataobj)).tolist()) for entry in facts["training"]]
    assert values == [[0, 1, 2], [0, 1, 2], [1, 3]]                                # published, the third held 7


def test_imis_reads_as_its_loader_does(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    import ast

    from scipy import sparse

    export(workspace, cells, to="imis", folder=tmp_path / "out", wishes=Wishes(skip_unfit=True))
    facts = json.loads((tmp_path / "out/dataset.json").read_text())
    assert facts["labels"] == {"0": "background", "1": "white blood cell"}
    entry = (facts["training"] + facts["test"])[0]
    shape = ast.literal_eval(entry["label"].split(".")[-2])
    assert shape == (1, 20, 30, 1)
    label = sparse.load_npz(tmp_path / "out" / entry["label"]).toarray().reshape(shape)
    assert label[0, 2:6, 10:20, 0].all()
    assert label.sum() == 40
    instances = np.load(tmp_path / "out" / entry["imask"])
    assert (instances.dtype, instances.shape) == (np.int64, (20, 30, 1))
    assert np.array_equal(instances[..., 0] == 0, label[0, ..., 0] == 1)
    assert set(np.unique(instances).tolist()) == {-1, 0}
    assert Image.open(tmp_path / "out" / entry["image"]).size == (30, 20)


def test_datasets_has_typed_features(workspace: Workspace, cells: Cohort, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    export(workspace, cells, to="huggingface", folder=tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))["train"]
    assert isinstance(loaded.features["image"], datasets.Image)
    assert isinstance(loaded.features["present"], datasets.List)
    row = loaded[0]
    assert ("red blood cell" in row["present"], row["absent"]) == (True, [])
    assert row["boxes"] == [{"term": "red blood cell", "box": [2.0, 4.0, 12.0, 9.0]}]
    assert np.asarray(row["image"]).max() > 255                                   # 16 bits stay 16 bits
    assert "license: mit\n" in (tmp_path / "out/README.md").read_text()


def test_masks_go_out_in_the_terms_of_the_label_space(workspace: Workspace, organs: Cohort, tmp_path: Path) -> None:
    space = tmp_path / "abdomen.toml"
    space.write_text('terms = ["liver"]\n[unions]\n"liver or spleen" = ["liver", "spleen"]\n')
    merge(workspace, ["both", "liver-only"], name="abdomen", space=str(space))
    export(workspace, Cohort.open(workspace, "abdomen"), to="sat-jsonl", folder=tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out/train.jsonl").read_text().splitlines()]
    assert [line["label"] for line in lines] == [["liver", "liver or spleen"]] * 3
    assert [line["incomplete"] for line in lines] == [[], [], ["liver or spleen"]]   # the third never looked at spleens
    sizes = [int(np.asarray(nib.load(tmp_path / "out" / name).dataobj).sum()) for name in lines[0]["mask"]]
    assert sizes == [8, 24]

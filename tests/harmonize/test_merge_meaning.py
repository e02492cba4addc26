"""Values that two maps read differently stop a merge by name, for every row of the known list and for a map that nobody has listed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from isocenter.core.errors import BadInput, Conflict
from isocenter.core.tables import read_table
from isocenter.core.workspace import Workspace
from isocenter.harmonize.cohort import Cohort
from isocenter.harmonize.merge import merge
from isocenter.harmonize.sample import SAMPLES
from isocenter.harmonize.scan import scan
from isocenter.harmonize.source import adopt

PUBLISHED, TASK = "as published", "nnU-Net task"
# The values of the files, in whose encoding they are, the map of the first reading, and the map of the second.
KNOWN = [
    ("acdc", "3", PUBLISHED, "acdc", "segbook-task013-acdc"),
    *(("msd05-prostate", value, PUBLISHED, "msd-prostate", "segbook-task005-prostate") for value in "12"),
    ("brats2023-met", "1", PUBLISHED, "brats2023-met", "segbook-task894-brats2023-met"),
    *(("ctpelvic1k", value, PUBLISHED, "ctpelvic1k", "segbook-task612-ctpelvic1k") for value in "23"),
    *(("verse20", str(value), PUBLISHED, "verse", "segbook-task083-verse2020") for value in range(9, 17)),
    *(("mm-whs", value, TASK, "segbook-task603-mmwhs", "voco-mm-whs") for value in "123456"),
    *(("ctspine1k", str(value), TASK, "segbook-task601-ctspine1k-full", "verse-official") for value in range(9, 17)),
]

Masks = Callable[..., str]


@pytest.fixture
def masks(workspace: Workspace, tmp_path: Path) -> Masks:
    """Adopt and scan a dataset of one volume whose mask holds one value, read by a map; its name comes back."""

    def make(name: str, slug: str, value: str, labels: str, encoding: str = PUBLISHED, extra: str = "") -> str:
        root = tmp_path / name
        root.mkdir()
        mask = np.zeros((4, 4, 4), np.uint8)
        mask[1:3, 1, 1] = int(value)
        for file, array in ((f"{name}.nii.gz", np.arange(64, dtype=np.int16).reshape(4, 4, 4)), (f"{name}_seg.nii.gz", mask)):
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), root / file)
        layout = tmp_path / f"{name}.toml"
        layout.write_text(f'images = "{{case:[a-z]+}}.nii.gz"\nmasks = [{{ pattern = "{{case}}_seg.nii.gz", labels = "{labels}", encoding = "{encoding}" }}]\n{extra}')
        adopt(workspace, name, root, dataset=slug, layout=str(layout))
        scan(workspace, name)
        return name

    return make


@pytest.mark.parametrize(("slug", "value", "encoding", "first", "second"), KNOWN)
def test_files_of_one_encoding_under_the_map_of_another_are_reported_and_under_their_own_they_merge(
        workspace: Workspace, masks: Masks, slug: str, value: str, encoding: str, first: str, second: str) -> None:
    wrong, right = masks("wrong", slug, value, second, encoding), masks("right", slug, value, first, encoding)
    with pytest.raises(Conflict) as caught:
        merge(workspace, [wrong], name="c")
    assert f"value {value} is " in caught.value.what
    assert f"in map {second!r} and " in caught.value.what
    assert f"wrong: {second} or " in (caught.value.hint or "")
    assert len(merge(workspace, [right], name="c")) == 1


def test_any_altered_map_is_reported(workspace: Workspace, masks: Masks) -> None:
    mine = '[[labels]]\nname = "mine"\nvalues = { "1" = "right kidney", "2" = "spleen", "6" = "liver" }\n'
    with pytest.raises(Conflict, match="value 2 is spleen in map 'mine' and right kidney in map 'btcv'"):
        merge(workspace, [masks("altered", "btcv-abdomen", "2", "mine", extra=mine)], name="c")
    assert len(merge(workspace, [masks("same", "btcv-abdomen", "6", "mine", extra=mine)], name="c")) == 1


def test_swapped_sides_are_called_so(workspace: Workspace, masks: Masks) -> None:
    with pytest.raises(Conflict, match="left and right swapped"):
        merge(workspace, [masks("hips", "ctpelvic1k", "2", "segbook-task612-ctpelvic1k")], name="c")


def test_the_name_that_is_reported_settles_it(workspace: Workspace, masks: Masks) -> None:
    name = masks("hearts", "acdc", "3", "segbook-task013-acdc")
    with pytest.raises(Conflict) as caught:
        merge(workspace, [name], name="c")
    settle = {"hearts: segbook-task013-acdc or acdc": "segbook-task013-acdc"}
    assert next(iter(settle)) in caught.value.what
    cohort = merge(workspace, [name], name="c", settle=settle)
    assert cohort.header["settled"] == settle
    assert dict(cohort.table["labels"][0])["left ventricular myocardium"] == "present"
    with pytest.raises(BadInput, match="does not settle"):
        merge(workspace, [name], name="c", settle={next(iter(settle)): "acdc"})


def test_an_answer_to_what_is_no_disagreement_is_refused_with_the_one_that_was_meant(workspace: Workspace, masks: Masks) -> None:
    agreeing, disagreeing = masks("hearts", "acdc", "3", "acdc"), masks("others", "acdc", "3", "segbook-task013-acdc")
    with pytest.raises(BadInput, match=r"there is no disagreement 'hearts: acdc or other'\n.*leave it out: none is known"):
        merge(workspace, [agreeing], name="c", settle={"hearts: acdc or other": "acdc"})
    with pytest.raises(BadInput, match="there is no disagreement 'others: segbook-task13-acdc or acdc'") as caught:
        merge(workspace, [disagreeing], name="c", settle={"others: segbook-task13-acdc or acdc": "segbook-task013-acdc"})
    assert caught.value.hint == "did you mean others: segbook-task013-acdc or acdc?"
    assert workspace.cohorts() == []


def test_an_answer_about_copies_may_wait_for_pixels_that_nobody_has_compared_yet(workspace: Workspace, masks: Masks) -> None:
    name = masks("hearts", "acdc", "3", "acdc")
    cohort = merge(workspace, [name], name="c", settle={"copies in hearts: left heart ventricle": "withhold"})
    assert cohort.header["warnings"] == ["settle: nothing is known yet of 'copies in hearts: left heart ventricle'; pixels are compared by `dedup`, and a later merge will know"]
    with pytest.raises(BadInput, match="there is no disagreement 'copies in hearts: left heart ventrikle'"):
        merge(workspace, [name], name="d", settle={"copies in hearts: left heart ventrikle": "withhold"})


def test_two_members_that_read_one_dataset_differently_stop_the_merge_until_both_stand(workspace: Workspace, masks: Masks) -> None:
    def own(term: str) -> str:
        return f'[[labels]]\nname = "{term}-map"\nvalues = {{ "1" = "{term}" }}\n'

    one, two = masks("one", "mine", "1", "liver-map", extra=own("liver")), masks("two", "mine", "1", "spleen-map", extra=own("spleen"))
    with pytest.raises(Conflict, match="value 1 is liver in map 'one: liver-map' and spleen in map 'two: spleen-map'"):
        merge(workspace, [one, two], name="c")
    cohort: Cohort = merge(workspace, [one, two], name="c", settle={"one and two: liver-map or spleen-map": "both"})
    assert [dict(labels) for labels in cohort.table["labels"]] == [{"liver": "present"}, {"spleen": "present"}]


@pytest.mark.parametrize(("slug", "labels", "value", "told"), [
    ("brats-2021", "brats2023-gli", "4", "'brats21-raw-values' (as published) lists them: 4 = enhancing tumor"),
    ("brats-2023", "brats21-raw-values", "3", "'brats2023-gli' (as published) lists them: 3 = enhancing tumor"),
])
def test_a_value_that_the_map_does_not_list_is_refused_with_the_map_that_does(workspace: Workspace, masks: Masks, slug: str, labels: str, value: str, told: str) -> None:
    masks("glioma", slug, value, labels)
    row = read_table(workspace.samples("glioma"), SAMPLES).row(0, named=True)
    assert f"holds {value}, which label map {labels!r} does not list; " in row["issues"][-1]
    assert told in row["issues"][-1]
    assert not row["labels"]


def test_two_editions_that_nobody_tells_apart_are_asked_about_and_a_stated_release_settles_it(workspace: Workspace, masks: Masks) -> None:
    older, newer = "totalsegmentator-total-v1", "totalsegmentator-total"
    with pytest.raises(Conflict, match=f"value 7 is pancreas in map '{newer}' and aorta in map '{older}'"):
        merge(workspace, [masks("unsaid", "totalsegmentator", "7", newer, "model output")], name="c")
    assert len(merge(workspace, [masks("said", "totalsegmentator@v2", "7", newer, "model output")], name="c")) == 1
    with pytest.raises(Conflict, match=f"in map '{older}' and pancreas in map '{newer}'"):
        merge(workspace, [masks("wrong", "totalsegmentator@v2", "7", older, "model output")], name="c")


def test_a_task_of_a_dataset_is_not_held_against_its_other_tasks(workspace: Workspace, masks: Masks) -> None:
    mine = '[[labels]]\nname = "mine"\nvalues = { "1" = "brain", "2" = "brainstem", "3" = "optic chiasm" }\n'
    assert len(merge(workspace, [masks("heads", "segrap2023", "2", "mine", extra=mine)], name="c")) == 1


@pytest.mark.parametrize("slug", ["brats-2018", "brats-2021"])
def test_maps_of_the_wrong_year_do_not_vouch_for_each_other(workspace: Workspace, masks: Masks, slug: str) -> None:
    with pytest.raises(Conflict, match="value 1 is necrotic tumor core in map 'brats2023-gli' and non-enhancing tumor core"):
        merge(workspace, [masks("glioma", slug, "1", "brats2023-gli")], name="c")

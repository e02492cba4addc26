"""A dataset that is asked for by name: adopted, scanned, or the one that was meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isocenter.core.errors import BadInput, NotFound
from isocenter.core.workspace import Workspace
from isocenter.harmonize.derive._dataset import derive_dataset
from isocenter.harmonize.harmonize import harmonize
from isocenter.harmonize.merge import merge
from isocenter.harmonize.quality._dataset import check_dataset
from isocenter.harmonize.reports._dataset import label_reports
from isocenter.harmonize.source import adopt

VERBS: dict[str, Callable[[Workspace, str], object]] = {
    "merge": lambda workspace, name: merge(workspace, [name], name="all"), "check": check_dataset, "harmonize": harmonize,
    "derive": lambda workspace, name: derive_dataset(workspace, name, ["boxes"]), "reports": label_reports,
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_misspelt_dataset_is_told_from_one_that_is_not_scanned(verb: str, workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "south", tmp_path)
    with pytest.raises(NotFound, match="no dataset 'suoth' is adopted; did you mean south?"):
        VERBS[verb](workspace, "suoth")
    with pytest.raises(NotFound, match="isocenter scan south"):
        VERBS[verb](workspace, "south")


def layout(folder: Path, **says: str) -> str:
    path = folder / "theirs.toml"
    path.write_text('images = "{name}.png"\n' + "".join(f'{key} = "{value}"\n' for key, value in says.items()))
    return str(path)


def test_two_names_are_not_one_dataset_by_their_layout_alone(workspace: Workspace, tmp_path: Path) -> None:
    theirs = layout(tmp_path, dataset="lits", release="2017")
    adopt(workspace, "first", tmp_path, layout=theirs)
    with pytest.raises(BadInput, match=r"second and first would both be lits@2017, so their samples would have the same ids") as error:
        adopt(workspace, "second", tmp_path, layout=theirs)
    assert "--dataset second" in str(error.value)
    assert workspace.sources() == ["first"]
    assert adopt(workspace, "second", tmp_path, layout=theirs, dataset="second").slug == "second"
    assert adopt(workspace, "rest", tmp_path, layout=theirs, dataset="lits").slug == "lits"          # said in so many words: a part of it
    assert adopt(workspace, "rest", tmp_path, layout=theirs).slug == "lits"                          # and stays what it is
    assert adopt(workspace, "first", tmp_path, layout=theirs).slug == "lits"


def test_a_name_that_is_another_datasets_slug_is_refused_too(workspace: Workspace, tmp_path: Path) -> None:
    adopt(workspace, "mine", tmp_path, dataset="lits")
    with pytest.raises(BadInput, match="lits and mine would both be lits"):
        adopt(workspace, "lits", tmp_path)

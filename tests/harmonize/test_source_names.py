"""A dataset that is asked for by name: adopted, scanned, or the one that was meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from isocenter.core.errors import NotFound
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

"""Fixtures that every room uses: a workspace in a temporary folder, silence, and the extra real data where it is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from isocenter.core import progress
from isocenter.core.workspace import Workspace

ROOT = Path(__file__).parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `gpu` are skipped, with the reason, where there is no CUDA device."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked:
        import torch

        if not torch.cuda.is_available():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason="no CUDA device here"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "workspace")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    progress.silence()
    yield
    progress.silence(False)


@pytest.fixture(scope="session")
def extra_data() -> Path:
    """Real public files that are too many to carry: `$ISOCENTER_SHARED/data`, or `../shared/data` beside the checkout."""
    folder = Path(os.environ.get("ISOCENTER_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("the extra real data are not here ($ISOCENTER_SHARED)")
    return folder

"""The Python in the how-to pages of geometry, derivation, quality and reports runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
BLOCKS = [(name, k, block) for name in ("geometry", "derive", "quality", "reports")
          for k, block in enumerate(re.findall(r"```python\n(.*?)```", (PAGES / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL))]


@pytest.mark.parametrize(("page", "number", "block"), BLOCKS, ids=[f"{name}-{k}" for name, k, _ in BLOCKS])
def test_the_example_runs(page, number, block, capsys):
    exec(compile(block, f"{page}.md block {number}", "exec"), {"__name__": "example"})
    printed = capsys.readouterr().out
    if page == "quality":
        promised = (PAGES / "quality.md").read_text(encoding="utf-8").split("prints\n\n```\n")[1].split("```")[0]
        assert printed == promised

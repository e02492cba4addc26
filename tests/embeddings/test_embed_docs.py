"""The Python in the how-to pages of embeddings runs, and prints what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


@pytest.mark.parametrize("page", ["embed", "similar", "encoder"])
def test_the_examples_run(page, capsys):
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(block, f"{page}.md", "exec"), {"__name__": "example"})
    printed = re.sub(r"np\.int64\((\d+)\)", r"\1", capsys.readouterr().out).strip()
    if promised := re.search(r"\nprints `(.*?)`", text):
        assert printed == promised[1]

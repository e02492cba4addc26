"""The Python in the how-to page of DICOM runs and prints what the page promises."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "dicom.md"


def test_the_example_prints_what_the_page_says(capsys):
    text = PAGE.read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(block, PAGE.name, "exec"), {"__name__": "example"})
    promised = text.split("prints\n\n```\n")[1].split("```")[0]
    assert capsys.readouterr().out == promised

"""The reference page of layouts: every TOML file that comes with isocenter becomes a line of a Markdown table."""

from __future__ import annotations

import sys

from isocenter.harmonize import layout as layouts

HEAD = """# Layouts

`isocenter adopt NAME PATH --layout LAYOUT` reads a dataset as it was published. Every layout says where its paths were read, and its miniature (a
synthetic tree of a few kilobytes) is scanned by the tests; *seen* means that it was also tried on the real data. How to write one:
[write-a-layout](../how-to/write-a-layout.md).

This page is made by `python -m isocenter.harmonize.layout_list > docs/reference/layouts.md`.
"""


def page() -> str:
    """The whole page as Markdown."""
    found = [layouts.load(layouts.HOME / f"{name}.toml") for name in layouts.names()]
    lines = [HEAD, f"{len(found)} layouts.\n", "| layout | dataset | what | seen | where its paths were read |", "|---|---|---|---|---|"]
    lines += [f"| {one.name} | {one.dataset or ''} | {_cell(one.description)} | {'yes' if one.seen_on_real_data else 'no'} | {_cell(one.evidence)} |" for one in found]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())

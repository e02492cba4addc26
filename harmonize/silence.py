"""What the box lists of a dataset may deny: its sample rows go in, denials of classes that it shows nowhere are taken back, a sentence with their names comes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isocenter.harmonize.sample_rows import SampleRow
from isocenter.harmonize.vocabulary import ancestors

NAMED = 8


def take_back(rows: Sequence[SampleRow]) -> Iterator[str]:
    """Make not annotated what only missing boxes deny and no sample of the dataset shows, itself or a kind of it; say once which terms those are.

    What a source denies in its own words (0 in a column, a value of a list that was read, an empty mask) stays.
    """
    shown = {term for row in rows for term, state in (row.values["labels"] or {}).items() if state != "absent"}
    shown |= {above for term in shown for above in ancestors(term)}
    denied = frozenset(term for row in rows for term in row.unlisted) - shown
    changed = 0
    for row in rows:
        if taken := row.unlisted & denied:
            row.values["labels"] = {term: state for term, state in row.values["labels"].items() if term not in taken}
            changed += 1
    if changed:
        terms = sorted(denied)
        more = f" and {len(terms) - NAMED} more" if len(terms) > NAMED else ""
        yield (f"{', '.join(terms[:NAMED])}{more}: boxed in no picture here, so not annotated, where the layout would have them absent from {changed} of {len(rows)}; "
               "if they were looked for, adopt the pictures that show them too, or state it in a table")

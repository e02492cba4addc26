"""The condition of a merge: sample rows and an SQL condition go in, the rows for which it holds come out; a name that nothing has is answered by the one that was meant."""

from __future__ import annotations

import re
from collections.abc import Collection

import duckdb
import polars as pl

from isocenter.core.errors import BadInput
from isocenter.core.near_names import advice, near
from isocenter.harmonize.sample import LABELS_DTYPE, SAMPLES
from isocenter.registry import vocabulary

LABEL = re.compile(r"""labels\s*\[\s*'([^']*)'\s*\]""")
COLUMN = re.compile(r'Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"')


def where(rows: pl.DataFrame, condition: str, terms: Collection[str]) -> tuple[pl.DataFrame, list[str]]:
    """Rows for which the condition holds, in their order, and warnings; the query sees nothing but the rows.

    terms: of the label space. A term of the vocabulary that no member annotates is warned of. Raises BadInput for a condition that is no SQL, and for columns and
    terms that do not exist.
    """
    unsaid = [term for term in dict.fromkeys(LABEL.findall(condition)) if term not in terms]
    for term in unsaid:
        if term not in vocabulary.load().terms:
            raise BadInput(f"the condition asks for labels[{term!r}], and no member has that term", where=condition, hint=advice(term, sorted(terms)))
    connection = duckdb.connect(config={"python_enable_replacements": False})
    connection.register("samples", rows.with_row_index("row_number").to_arrow())
    connection.execute("set enable_external_access = false; set lock_configuration = true")
    try:
        kept = connection.execute(f"select row_number from samples where ({condition}) order by row_number").fetchall()  # a query over one table in memory
    except duckdb.Error as error:
        raise _wrong(condition, str(error), rows.columns, terms) from error
    return rows[[row for (row,) in kept]], [f"the condition asks for labels[{term!r}], which no member annotates" for term in unsaid]


def require_columns(condition: str) -> None:
    """Raises BadInput for a condition that holds for no sample table whatever: no SQL, or columns that samples do not have. Terms are not looked at."""
    where(pl.DataFrame(pl.from_arrow(SAMPLES.schema.empty_table())).cast({"labels": LABELS_DTYPE}), condition, LABEL.findall(condition))


def _wrong(condition: str, said: str, columns: list[str], terms: Collection[str]) -> BadInput:
    """What a refusal of DuckDB means for the person who wrote the condition."""
    found = COLUMN.search(said)
    if found is None:
        return BadInput(f"the condition is not valid: {said.splitlines()[0]}", where=condition, hint="as in modality = 'CT' and labels['liver'] = 'present'")
    name = found[1] or found[2]
    close = near(name, columns)
    if close is None and (term := name if name in terms else near(name, terms)) is not None:
        return BadInput(f"{name!r} is no column of the samples", where=condition, hint=f"a term is asked for by labels['{term}'] = 'present'; single quotes make a text")
    return BadInput(f"samples have no column {name!r}", where=condition, hint=f"did you mean {close}?" if close else f"'{name}' if a text is meant; columns are {', '.join(columns)}")

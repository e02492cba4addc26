"""What a catalog says about one dataset that several commands ask: how it is obtained, and what is claimed about its licence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isocenter.registry.license_parser import known, parse_license
from isocenter.registry.licenses import PERMISSIONS, License, Statement, forbidding

Row = Mapping[str, Any]
Query = Callable[[str], list[dict[str, Any]]]   # one SELECT in, rows out; DuckDB and PostgreSQL alike


def access_of(dataset: Row, query: Query) -> tuple[str, str]:
    """(access, steps) of a dataset, from its own row or the rule of its host."""
    return access_by_rules(dataset, query("SELECT * FROM access_rule ORDER BY pattern"))


def access_by_rules(dataset: Row, rules: Sequence[Row]) -> tuple[str, str]:
    """What the catalog says of the dataset itself; where it says nothing, the host's rule with the longest pattern in the homepage."""
    home = dataset["homepage"] or ""
    rule = max((one for one in rules if one["pattern"] in home), key=lambda one: len(one["pattern"]), default=None)
    access = dataset["access"] if dataset["access"] not in (None, "unknown") else rule["access"] if rule else "unknown"
    steps = dataset["how_to_get"] or (rule["steps"] if rule else "")
    return access, steps or (f"see {home}" if "://" in home else "no address known")


def read_statements(query: Query, slug: str) -> list[Statement]:
    """Claims about the licence of one dataset."""
    return list(all_statements(query).get(slug, ()))


def all_statements(query: Query) -> dict[str, list[Statement]]:
    """Claims by dataset; prohibitions that a claim words itself are kept beside the flags of its licence."""
    found: dict[str, list[Statement]] = defaultdict(list)
    for row in query("SELECT s.*, l.use, l.commercial, l.derivatives, l.redistribution, l.share_alike, l.attribution FROM license_statement s "
                     "LEFT JOIN license l USING (license_id) ORDER BY slug, release, statement, source"):
        licence = _license(row)
        worded = parse_license(row["statement"])
        if worded.id == licence.id:
            licence = forbidding(licence, [flag for flag in PERMISSIONS if getattr(worded, flag) == "no"])
        found[row["slug"]].append(Statement(row["slug"], row["statement"], licence, row["source"], row["release"], row["confidence"] or ""))
    return found


def _license(row: Row) -> License:
    if row["use"] is None:
        return known(row["license_id"])
    return License(row["license_id"], row["use"], row["commercial"], row["derivatives"], row["redistribution"], row["share_alike"], row["attribution"])

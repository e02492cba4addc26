"""Records of an importer in, rows of `dataset`, `dataset_alias`, `dataset_term` and `assertion` out: entity resolution, then claims."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from isocenter.core.issues import Issues
from isocenter.registry.names import clean_name, slug
from isocenter.registry.record import Record
from isocenter.registry.resolve import Names

Row = dict[str, Any]
Doubts = Mapping[tuple[str, str, str], str]      # (source, evidence, field) → why that cell is not believed
ROWS_NAMED = 6                                   # evidence lists so many rows and counts the rest


@dataclass
class Assembly:
    """What became of the records; `names` knows the datasets that were there and those that came in."""

    names: Names
    datasets: dict[str, Row] = field(default_factory=dict)
    aliases: dict[tuple[str, str], Row] = field(default_factory=dict)
    terms: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)
    assertions: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)
    issues: Issues = field(default_factory=Issues)
    slugs: list[str | None] = field(default_factory=list)      # per record: where it went

    def tables(self) -> dict[str, list[Row]]:
        """Rows per table, ready for `write_facts`."""
        return {"dataset": list(self.datasets.values()), "dataset_alias": list(self.aliases.values()),
                "dataset_term": list(self.terms.values()), "assertion": list(self.assertions.values())}


def assemble(records: Iterable[Record], names: Names, doubts: Doubts | None = None) -> Assembly:
    """Resolve every record to a dataset, known or new, and collect its claims. An ambiguous name becomes an issue, not a guess."""
    done = Assembly(names)
    for record in records:
        slug_ = _resolve(record, done)
        done.slugs.append(slug_)
        if slug_ is None:
            continue
        for alias in (record.name, clean_name(record.name), *record.aliases):
            _alias(done, alias, slug_, record.source)
        for claim in record.claims:
            why = (doubts or {}).get((record.source, record.evidence, claim.field)) or claim.doubt
            _claim(done, slug_, record, claim.field, claim.value, claim.confidence, claim.note, why)
        for facet, term, origin in record.terms:
            if not (doubts or {}).get((record.source, record.evidence, origin)):
                row = {"slug": slug_, "facet": facet, "term": term, "source": record.source}
                done.terms[slug_, facet, term, record.source] = row
    return done


def _resolve(record: Record, done: Assembly) -> str | None:
    for name in (record.name, *record.aliases):
        match = done.names.find(name)
        if match.slug is not None:
            return match.slug
        if match.candidates:
            with done.issues.at(record.source, record.evidence):
                done.issues.warning(f"{record.name!r} may be {', '.join(match.candidates)}: not imported", "ambiguous-name")
            return None
    new = slug(record.name)
    done.names.add(new, clean_name(record.name))
    done.datasets[new] = {"slug": new, "name": clean_name(record.name)}
    return new


def _alias(done: Assembly, alias: str, slug_: str, source: str) -> None:
    known = done.datasets.get(slug_)
    if alias and (alias, slug_) not in done.aliases and not (known and known["name"] == alias):
        done.aliases[alias, slug_] = {"alias": alias, "slug": slug_, "source": source, "ambiguous": False}
        done.names.alias(alias, slug_)


def _claim(done: Assembly, slug_: str, record: Record, field_: str, value: str, confidence: str, note: str, doubt: str) -> None:
    value, evidence = " ".join(value.split()), f"{record.evidence} ({note})" if note else record.evidence
    known = done.assertions.get((slug_, field_, value, record.source))
    if known is None:
        row = {"slug": slug_, "field": field_, "value": value, "source": record.source, "evidence": evidence, "confidence": confidence,
               "doubt": doubt or None, "chosen": False}
        done.assertions[slug_, field_, value, record.source] = row
        return
    rows = str(known["evidence"]).split("; ")
    if evidence not in rows and len(rows) < ROWS_NAMED:
        known["evidence"] = "; ".join([*rows, evidence])
    if known["doubt"] and not doubt:
        known["doubt"] = None                    # another row of the same source says it, too, and nothing speaks against it

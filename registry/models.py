"""The tables of the catalog, as typed SQLAlchemy models: text keys, no constraint that DuckDB cannot keep.

The same models make a DuckDB file and a PostgreSQL schema. Foreign keys (`REFERENCES`) are emitted on PostgreSQL only; on DuckDB
`orphans` of the audit checks them. A text column of a primary key is never null: "" means "not said".
"""

from __future__ import annotations

from sqlalchemy import DDL, BigInteger, Text, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA_VERSION = 1


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, int: BigInteger}  # noqa: RUF012


def key() -> Mapped[str]:
    return mapped_column(primary_key=True)


class Dataset(Base):
    """A published collection. Identity comes from `dataset.csv`; the other columns are the chosen assertions (`choose.py`)."""

    __tablename__ = "dataset"
    slug: Mapped[str] = key()
    name: Mapped[str]
    family: Mapped[str | None]            # "brats", "kits": editions and siblings share one
    release: Mapped[str | None]           # None: the sources do not say
    year: Mapped[int | None]
    homepage: Mapped[str | None]
    doi: Mapped[str | None]
    organisation: Mapped[str | None]
    country: Mapped[str | None]
    access: Mapped[str | None]            # open, registration, application, unknown
    how_to_get: Mapped[str | None]
    n_samples: Mapped[int | None]
    sample_unit: Mapped[str | None]       # image, volume, study, series, case, patch, video, slide; None: not said
    n_subjects: Mapped[int | None]
    bytes: Mapped[int | None]
    labelled: Mapped[bool | None]
    note: Mapped[str | None]


class DatasetAlias(Base):
    """A name under which some source knows a dataset. An ambiguous one has a row per candidate and never resolves silently."""

    __tablename__ = "dataset_alias"
    alias: Mapped[str] = key()
    slug: Mapped[str] = key()
    source: Mapped[str]
    ambiguous: Mapped[bool]
    note: Mapped[str | None]


class DatasetTerm(Base):
    """One facet value of a dataset, from one source."""

    __tablename__ = "dataset_term"
    slug: Mapped[str] = key()
    facet: Mapped[str] = key()            # modality, anatomy, finding, task, annotation, dimension
    term: Mapped[str] = key()             # term.term_id
    source: Mapped[str] = key()


class Term(Base):
    """A node of the controlled vocabulary."""

    __tablename__ = "term"
    term_id: Mapped[str] = key()
    facet: Mapped[str]
    name: Mapped[str]
    laterality: Mapped[str | None]
    code_system: Mapped[str | None]       # DCM, SCT …
    code: Mapped[str | None]
    code_meaning: Mapped[str | None]
    code_source: Mapped[str | None]
    code_match: Mapped[str | None]        # exact, broader, narrower
    note: Mapped[str | None]


class TermSynonym(Base):
    __tablename__ = "term_synonym"
    term_id: Mapped[str] = key()
    synonym: Mapped[str] = key()
    scope: Mapped[str] = key()            # "" everywhere; else the dataset or source that alone uses it so
    source: Mapped[str | None]


class TermParent(Base):
    __tablename__ = "term_parent"
    term_id: Mapped[str] = key()
    parent_id: Mapped[str] = key()
    relation: Mapped[str] = key()         # is-a, part-of; union-of: the parent is the union of such terms


class License(Base):
    """What may be done. Flags are yes, no or unknown."""

    __tablename__ = "license"
    license_id: Mapped[str] = key()       # SPDX id or LicenseRef-*
    name: Mapped[str | None]
    url: Mapped[str | None]
    use: Mapped[str]
    commercial: Mapped[str]
    derivatives: Mapped[str]
    redistribution: Mapped[str]
    share_alike: Mapped[str]
    attribution: Mapped[str]
    note: Mapped[str | None]


class LicenseString(Base):
    """A licence as some source spells it, and what it is."""

    __tablename__ = "license_string"
    string: Mapped[str] = key()
    license_id: Mapped[str]
    source: Mapped[str | None]
    note: Mapped[str | None]


class LicenseStatement(Base):
    """One source's statement about the licence of one dataset and release; the strictest counts."""

    __tablename__ = "license_statement"
    slug: Mapped[str] = key()
    release: Mapped[str] = key()
    statement: Mapped[str] = key()
    source: Mapped[str] = key()
    evidence: Mapped[str] = key()
    license_id: Mapped[str]
    confidence: Mapped[str | None]        # read, second-hand, inferred
    note: Mapped[str | None]


class Artifact(Base):
    """A thing published with or later about datasets: paper, annotation set, code, weights, report, notice."""

    __tablename__ = "artifact"
    artifact_id: Mapped[str] = key()
    title: Mapped[str]
    year: Mapped[int | None]
    url: Mapped[str | None]               # DOI, arXiv id or address


class ArtifactDataset(Base):
    """What an artifact says about one dataset."""

    __tablename__ = "artifact_dataset"
    artifact_id: Mapped[str] = key()
    about: Mapped[str] = key()            # the dataset, or group of datasets, as the source names it
    slug: Mapped[str | None]              # null: a group, or a name that is ambiguous
    type: Mapped[str] = key()             # corrected-label, duplicate-report, unavailable, withdrawal …
    finding: Mapped[str] = key()
    scope: Mapped[str | None]             # dataset, subset, sample
    release: Mapped[str | None]           # the release it applies to
    fixed_in: Mapped[str | None]          # the release that fixed it
    evidence: Mapped[str | None]
    confidence: Mapped[str | None]
    evidence_kind: Mapped[str | None]


class Citation(Base):
    """How many papers used a dataset, by one counting method; methods must not be added up."""

    __tablename__ = "citation"
    about: Mapped[str] = key()            # the dataset, or group of datasets, as the source counts it
    slug: Mapped[str | None]              # null: a group
    period: Mapped[str] = key()           # a year, a range of years, or unknown
    venue: Mapped[str] = key()
    method: Mapped[str] = key()
    n_cited: Mapped[int | None]
    n_mentioned: Mapped[int | None]
    n_any: Mapped[int | None]
    evidence: Mapped[str | None]


class Relation(Base):
    """subject PREDICATE object, both datasets of the catalog."""

    __tablename__ = "relation"
    subject: Mapped[str] = key()
    predicate: Mapped[str] = key()        # derived-from, version-of, part-of, overlaps-with, same-patients-as, annotates, supersedes …
    object: Mapped[str] = key()
    source: Mapped[str] = key()
    detail: Mapped[str | None]
    evidence: Mapped[str | None]
    confidence: Mapped[str | None]
    evidence_kind: Mapped[str | None]


class SampleIssue(Base):
    """A finding about single samples of a dataset, named as the dataset names them."""

    __tablename__ = "sample_issue"
    slug: Mapped[str] = key()
    sample: Mapped[str] = key()
    code: Mapped[str] = key()             # exact-duplicate, near-duplicate, label-error, corrupted-file …
    artifact_id: Mapped[str] = key()
    release: Mapped[str | None]
    detail: Mapped[str | None]
    confidence: Mapped[str | None]


class Source(Base):
    """Where claims come from. `rank` orders sources of equal confidence: smaller is preferred."""

    __tablename__ = "source"
    source_id: Mapped[str] = key()
    name: Mapped[str]
    rank: Mapped[int]
    url: Mapped[str | None]
    version: Mapped[str | None]
    license_id: Mapped[str | None]
    note: Mapped[str | None]


class Assertion(Base):
    """One source's claim on one field of a dataset. `chosen` is computed when the catalog is built."""

    __tablename__ = "assertion"
    slug: Mapped[str] = key()
    field: Mapped[str] = key()
    value: Mapped[str] = key()
    source: Mapped[str] = key()
    evidence: Mapped[str | None]          # row, page or file where it was read
    confidence: Mapped[str | None]        # reviewed, read, second-hand, inferred
    doubt: Mapped[str | None]             # why it is not believed; a doubted claim is never chosen
    chosen: Mapped[bool]


class LabelMap(Base):
    """How one encoding of one release of a dataset maps to terms."""

    __tablename__ = "label_map"
    map_id: Mapped[str] = key()
    slug: Mapped[str | None]              # null: a vocabulary that many datasets share
    release: Mapped[str | None]
    encoding: Mapped[str | None]          # as published, converted by somebody, a model's output
    mode: Mapped[str | None]              # exclusive, list, mentions
    evidence: Mapped[str | None]
    confidence: Mapped[str | None]
    note: Mapped[str | None]


class LabelMapEntry(Base):
    __tablename__ = "label_map_entry"
    map_id: Mapped[str] = key()
    raw_value: Mapped[str] = key()
    raw_name: Mapped[str] = key()
    term: Mapped[str] = key()             # "" where no term fits
    rule: Mapped[str | None]              # identity, union, absorb, many-to-many
    evidence: Mapped[str | None]
    note: Mapped[str | None]


class Corpus(Base):
    """A composite corpus of the literature."""

    __tablename__ = "corpus"
    corpus_id: Mapped[str] = key()
    name: Mapped[str]
    n_stated: Mapped[int | None]          # members the corpus says it has
    homepage: Mapped[str | None]
    note: Mapped[str | None]


class CorpusMember(Base):
    """One member of a corpus as the corpus names it; `slug` is null where the name is ambiguous or unknown."""

    __tablename__ = "corpus_member"
    corpus_id: Mapped[str] = key()
    member: Mapped[str] = key()
    subset: Mapped[str] = key()
    role: Mapped[str] = key()             # member, downstream, evaluation, example …: examples are fragments of a list
    slug: Mapped[str | None]
    modality: Mapped[str | None]
    n_samples: Mapped[int | None]
    sample_unit: Mapped[str | None]
    url: Mapped[str | None]
    evidence: Mapped[str | None]
    note: Mapped[str | None]


class AccessRule(Base):
    """How data of one host is obtained, in our words; the longest matching pattern of a homepage counts."""

    __tablename__ = "access_rule"
    pattern: Mapped[str] = key()          # part of an address: "zenodo.org", "physionet.org/content"
    access: Mapped[str]
    steps: Mapped[str]
    source: Mapped[str | None]


class Download(Base):
    """A file that may be fetched without an account."""

    __tablename__ = "download"
    slug: Mapped[str] = key()
    release: Mapped[str] = key()
    path: Mapped[str] = key()             # where the file lies inside the published root
    url: Mapped[str]
    bytes: Mapped[int | None]
    checksum: Mapped[str | None]          # "md5:…", "sha256:…"
    evidence: Mapped[str | None]


class CatalogInfo(Base):
    """About the catalog itself: schema version and fingerprint of the facts."""

    __tablename__ = "catalog_info"
    item: Mapped[str] = key()
    value: Mapped[str]


REFERENCES: tuple[tuple[str, str, str, str], ...] = (   # (table, column, referenced table, referenced column)
    ("dataset_alias", "slug", "dataset", "slug"),
    ("dataset_alias", "source", "source", "source_id"),
    ("dataset_term", "slug", "dataset", "slug"),
    ("dataset_term", "term", "term", "term_id"),
    ("dataset_term", "source", "source", "source_id"),
    ("term_synonym", "term_id", "term", "term_id"),
    ("term_parent", "term_id", "term", "term_id"),
    ("term_parent", "parent_id", "term", "term_id"),
    ("license_string", "license_id", "license", "license_id"),
    ("license_statement", "slug", "dataset", "slug"),
    ("license_statement", "license_id", "license", "license_id"),
    ("artifact_dataset", "artifact_id", "artifact", "artifact_id"),
    ("artifact_dataset", "slug", "dataset", "slug"),
    ("citation", "slug", "dataset", "slug"),
    ("relation", "subject", "dataset", "slug"),
    ("relation", "object", "dataset", "slug"),
    ("sample_issue", "slug", "dataset", "slug"),
    ("assertion", "slug", "dataset", "slug"),
    ("assertion", "source", "source", "source_id"),
    ("label_map", "slug", "dataset", "slug"),
    ("label_map_entry", "map_id", "label_map", "map_id"),
    ("corpus_member", "corpus_id", "corpus", "corpus_id"),
    ("corpus_member", "slug", "dataset", "slug"),
    ("download", "slug", "dataset", "slug"),
)

# One row per dataset and single-valued field on which believed statements differ. Counts within 5 % agree (a cell may say "2.7k");
# what was only inferred, as access from an address, contradicts nobody.
CONFLICT_VIEW = """
CREATE OR REPLACE VIEW conflict AS
SELECT slug, field, count(DISTINCT value) AS n_values, string_agg(value || ' (' || source || ')', ' | ' ORDER BY value, source) AS claims
FROM (SELECT *, CASE WHEN field IN ('n_samples', 'n_subjects', 'bytes') THEN CAST(value AS DOUBLE PRECISION) END AS number FROM assertion) AS claim
WHERE doubt IS NULL AND confidence <> 'inferred'
  AND field IN ('year', 'doi', 'organisation', 'access', 'n_samples', 'sample_unit', 'n_subjects', 'bytes', 'labelled', 'release')
GROUP BY slug, field
HAVING count(DISTINCT value) > 1 AND (max(number) IS NULL OR max(number) > 1.05 * min(number))
"""

for _table, _column, _target, _target_column in REFERENCES:
    _name = f"fk_{_table}_{_column}"
    event.listen(Base.metadata, "after_create", DDL(
        f"DO $$ BEGIN ALTER TABLE {_table} ADD CONSTRAINT {_name} FOREIGN KEY ({_column}) REFERENCES {_target} ({_target_column}) "
        "DEFERRABLE INITIALLY DEFERRED; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    ).execute_if(dialect="postgresql"))
event.listen(Base.metadata, "after_create", DDL(CONFLICT_VIEW.replace("%", "%%")))

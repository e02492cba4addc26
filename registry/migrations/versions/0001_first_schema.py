"""The first schema: every table of the catalog, its references and the view of conflicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KINDS: dict[str, type[sa.Text] | type[sa.BigInteger] | type[sa.Boolean]] = {"": sa.Text, "int": sa.BigInteger, "bool": sa.Boolean}
TABLES = {   # column[:kind], text where no kind is said; "!" belongs to the key, "?" may be null
    "dataset": (
        "slug! name family? release? year:int? homepage? doi? organisation? country? access? how_to_get? n_samples:int? "
        "sample_unit? n_subjects:int? bytes:int? labelled:bool? note?"
    ),
    "dataset_alias": "alias! slug! source ambiguous:bool note?",
    "dataset_term": "slug! facet! term! source!",
    "term": "term_id! facet name laterality? code_system? code? code_meaning? code_source? code_match? note?",
    "term_synonym": "term_id! synonym! scope! source?",
    "term_parent": "term_id! parent_id! relation!",
    "license": "license_id! name? url? use commercial derivatives redistribution share_alike attribution note?",
    "license_string": "string! license_id source? note?",
    "license_statement": "slug! release! statement! source! evidence! license_id confidence? note?",
    "artifact": "artifact_id! title year:int? url?",
    "artifact_dataset": "artifact_id! about! slug? type! finding! scope? release? fixed_in? evidence? confidence? evidence_kind?",
    "citation": "about! slug? period! venue! method! n_cited:int? n_mentioned:int? n_any:int? evidence?",
    "relation": "subject! predicate! object! source! detail? evidence? confidence? evidence_kind?",
    "sample_issue": "slug! sample! code! artifact_id! release? detail? confidence?",
    "source": "source_id! name rank:int url? version? license_id? note?",
    "assertion": "slug! field! value! source! evidence? confidence? doubt? chosen:bool",
    "label_map": "map_id! slug? release? encoding? mode? evidence? confidence? note?",
    "label_map_entry": "map_id! raw_value! raw_name! term! rule? evidence? note?",
    "corpus": "corpus_id! name n_stated:int? homepage? note?",
    "corpus_member": "corpus_id! member! subset! role! slug? modality? n_samples:int? sample_unit? url? evidence? note?",
    "access_rule": "pattern! access steps source?",
    "download": "slug! release! path! url bytes:int? checksum? evidence?",
    "catalog_info": "item! value",
}
REFERENCES = (
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
CONFLICT_VIEW = """
CREATE OR REPLACE VIEW conflict AS
SELECT slug, field, count(DISTINCT value) AS n_values, string_agg(value || ' (' || source || ')', ' | ' ORDER BY value, source) AS claims
FROM (SELECT *, CASE WHEN field IN ('n_samples', 'n_subjects', 'bytes') THEN CAST(value AS DOUBLE PRECISION) END AS number FROM assertion) AS claim
WHERE doubt IS NULL AND confidence <> 'inferred'
  AND field IN ('year', 'doi', 'organisation', 'access', 'n_samples', 'sample_unit', 'n_subjects', 'bytes', 'labelled', 'release')
GROUP BY slug, field
HAVING count(DISTINCT value) > 1 AND (max(number) IS NULL OR max(number) > 1.05 * min(number))
"""


def upgrade() -> None:
    for table, columns in TABLES.items():
        op.create_table(table, *(_column(text) for text in columns.split()))
    for table, column, target, target_column in REFERENCES:
        op.create_foreign_key(f"fk_{table}_{column}", table, target, [column], [target_column], deferrable=True, initially="DEFERRED")
    op.execute(sa.text(CONFLICT_VIEW))


def _column(text: str) -> sa.Column[object]:
    name, _, kind = text.rstrip("!?").partition(":")
    return sa.Column(name, KINDS[kind](), primary_key=text.endswith("!"), nullable=text.endswith("?"))

"""Labels that lie elsewhere than what their dataset shows: label maps and the datasets' places go in, a defect that names them comes out.

What it finds are homonyms (the cavity of a ventricle read as a tooth's), names that a source mixed up, maps that hang on the wrong dataset,
and true labels beside the subject (the aorta in a liver dataset): somebody has to look.
"""

from __future__ import annotations

from collections import defaultdict

from isocenter.registry.audit.defect import Defect, defect
from isocenter.registry.audit.impossible import lies_elsewhere
from isocenter.registry.lookup import Query
from isocenter.registry.vocabulary import Vocabulary


def displaced_labels(query: Query, vocabulary: Vocabulary) -> Defect:
    """Raw values whose term lies in no place that the dataset of their map shows by anatomy or finding."""
    shown: dict[str, list[str]] = defaultdict(list)
    for row in query("SELECT DISTINCT slug, term FROM dataset_term WHERE facet IN ('anatomy', 'finding') ORDER BY slug, term"):
        if row["term"] in vocabulary.terms:
            shown[row["slug"]].append(row["term"])
    entries = query("SELECT m.map_id, m.slug, e.raw_value, e.raw_name, e.term FROM label_map m JOIN label_map_entry e ON e.map_id = m.map_id "
                    "WHERE m.slug IS NOT NULL AND e.term <> '' ORDER BY m.map_id, e.raw_value, e.term")
    return defect("impossible", "labels that lie elsewhere than what their dataset shows", dict.fromkeys(
        f"{row['map_id']}: {row['raw_value']} ({row['raw_name']}) = {row['term']}" for row in entries
        if row["term"] in vocabulary.terms and lies_elsewhere(row["term"], shown[row["slug"]], vocabulary)))

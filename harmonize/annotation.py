"""The annotation table: one row per statement about a sample that is more than a label (mask, box, point, text)."""

from __future__ import annotations

import pyarrow as pa

from isocenter.core.tables import Kind

ANNOTATIONS = Kind("annotations", 1, pa.schema([
    ("annotation_id", pa.string()), ("sample_id", pa.string()), ("kind", pa.string()), ("term", pa.string()), ("raw", pa.string()),
    ("state", pa.string()), ("uri", pa.string()), ("geometry", pa.string()), ("label_map", pa.string()), ("annotator", pa.string()),
    ("machine_made", pa.bool_()), ("source", pa.string()),
]))
"""kind: mask, box, point, label or text. geometry: JSON in index coordinates of the sample's array (box: [x0, y0, x1, y1],
half-open, origin at the first pixel). uri: relative to the adopted root. state: present, absent or uncertain."""

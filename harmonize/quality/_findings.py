"""The codes of quality findings: what each means, and which code of the catalog's issue taxonomy it falls under."""

from __future__ import annotations

from dataclasses import dataclass

from isocenter.core.issues import Level


@dataclass(frozen=True, slots=True)
class Code:
    """`under` is the taxonomy's own code (after In the Picture, arXiv 2501.10727); ours are finer."""

    under: str
    meaning: str


CODES: dict[str, Code] = {
    "corrupted_file": Code("corrupted_file", "the content cannot be decoded"),
    "constant_image": Code("corrupted_file", "every voxel has the same value"),
    "nearly_empty_image": Code("corrupted_file", "more than 99.5 % of the voxels have one value"),
    "binary_image": Code("corrupted_file", "an image with two values only is probably a mask"),
    "non_finite_values": Code("corrupted_file", "NaN or infinity among the values"),
    "clipped_intensity": Code("corrupted_file", "values pile up at the top of the range, and not in the background"),
    "wrong_orientation": Code("wrong_orientation", "the orientation in the header is missing, contradictory or impossible"),
    "spacing_missing": Code("unit/spacing_missing", "the header gives no spacing"),
    "spacing_absurd": Code("unit/spacing_missing", "the spacing is impossible or very unlikely for a medical image"),
    "burned_in_PHI": Code("burned_in_PHI", "there seems to be text in the picture"),
    "identifying_tags": Code("burned_in_PHI", "the header holds text that can identify a person"),
    "mask_mismatch": Code("label_error", "mask and image do not lie on the same grid"),
    "mask_empty": Code("label_error", "the mask marks nothing"),
    "mask_inverted": Code("label_error", "the mask marks most of the image and touches every border"),
    "mask_tiny_components": Code("label_error", "a few stray voxels lie apart from a large structure"),
    "mask_nested_class": Code("ambiguous_class", "a class is the same as another, or the sum of others"),
    "series_geometry": Code("wrong_orientation", "the slices of a series do not make one even volume"),
    "not_stored": Code("corrupted_file", "the sample could not be converted faithfully"),
    "label_error": Code("label_error", "a label contradicts its label map"),
    "unknown_label": Code("ambiguous_class", "a raw label is in no label map"),
    "metadata_conflict": Code("label_error", "two tables of the dataset say different things about a sample"),
    "patient_conflict": Code("patient_overlap_across_splits", "a sample is given to several patients"),
    "missing_column": Code("label_error", "a table lacks a column that its layout names"),
}
"""The last seven are made while scanning and harmonizing; the others by the rules of this folder."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; `str` is the form that the `issues` column of the sample table holds."""

    code: str
    level: Level
    message: str

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code!r} is no issue code")

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

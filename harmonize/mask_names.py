"""Mask values that only the dataset's user can name: a mask rule without a label list goes in, the map of the user's words comes out, and what still has no name is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from isocenter.harmonize.layout_rules import Layout, MaskRule
from isocenter.harmonize.mask_file import value_of
from isocenter.harmonize.source import Source, adopt_again
from isocenter.registry.labelmap import Entry, LabelMap

NAMED = 5
NOTHING = Entry("*", ())


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Values without a name, by the pattern of their mask rule."""

    values: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def told(self, source: Source) -> Iterator[str]:
        """One sentence per rule: its values, and what to type."""
        for pattern, found in sorted(self.values.items()):
            if values := sorted(found, key=lambda value: (value_of(value) or 0, value)):
                more = f" and {len(values) - NAMED} more" if len(values) > NAMED else ""
                said = f"values {', '.join(values[:NAMED])}{more} of {pattern} have no names, so masks that hold them state" if len(values) > 1 else f"value {values[0]} of {pattern} has no name, so masks that hold it state"
                yield f"mask {said} nothing. Say what they mean, and scan again: {adopt_again(source, terms=values[:NAMED])} (terms: isocenter sql \"select term_id from term\")"


def without_list(layout: Layout, rule: MaskRule, mapping: LabelMap) -> bool:
    """Whether nothing says what the values of a rule's masks mean, though they mean something; a general form has masks without meaning by intent."""
    return mapping.entries == (NOTHING,) and bool(rule.labels or not layout.general)


def users_map(rule: MaskRule, words: Mapping[str, str]) -> LabelMap:
    """What the user's words say of mask values (`1` -> liver); a map that states nothing where none is a value."""
    return LabelMap(rule.pattern.text, tuple(Entry(name, (term,), evidence="stated when adopted") for name, term in words.items() if value_of(name) is not None) or (NOTHING,))

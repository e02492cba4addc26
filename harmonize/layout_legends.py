"""Legends: files in which a dataset says itself what its values mean. They go in, label maps in the words of the vocabulary come out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isocenter.core.errors import BadInput
from isocenter.harmonize.layout_legend_forms import FORMS, IGNORE, Legend
from isocenter.harmonize.layout_rules import Layout, LegendRule
from isocenter.harmonize.patterns import fill
from isocenter.harmonize.sample_rows import SampleRow
from isocenter.harmonize.source import Source, adopt_again
from isocenter.harmonize.vocabulary import term_of
from isocenter.registry import vocabulary
from isocenter.registry.labelconflicts import PUBLISHED, contradictions
from isocenter.registry.labelmap import Entry, LabelMap
from isocenter.registry.labelmaps import maps_of

GENERAL = {"mr": "MR", "ct": "CT", "pet": "PET", "ultrasound": "ultrasound", "x-ray": "X-ray"}
NO_LEGEND = LabelMap("no legend", (Entry("*", ()),))


@dataclass(frozen=True, slots=True)
class Legends:
    """Every legend file of a dataset. `own`: names of this dataset that its user or the catalog has explained."""

    found: tuple[tuple[LegendRule, dict[str, str], dict[str, Legend]], ...] = ()
    own: Mapping[str, str] = field(default_factory=dict)

    def tokens_for(self, rules: Iterable[LegendRule], tokens: Mapping[str, str]) -> dict[str, str]:
        """Name of each legend rule -> name of the map for a mask with these tokens, `no legend` when the dataset has no such file."""
        return {rule.name: legend.path if (legend := self._of(rule, tokens)) else NO_LEGEND.name for rule in rules}

    def channels_for(self, tokens: Mapping[str, str]) -> Mapping[str, str]:
        """What the channels of an image with these tokens show."""
        return next((legend.channels for rule, _, _ in self.found if (legend := self._of(rule, tokens)) and legend.channels), {})

    @property
    def maps(self) -> tuple[LabelMap, ...]:
        """The map of every legend, named by the path of its file."""
        return (*(_label_map(legend, self.own) for _, _, several in self.found for legend in several.values()), NO_LEGEND)

    @property
    def all(self) -> tuple[Legend, ...]:
        return tuple(legend for _, _, several in self.found for legend in several.values())

    def strange(self) -> list[str]:
        """Names that no term of the vocabulary has and that nobody has explained."""
        known = vocabulary.load().terms
        return sorted({name for legend in self.all for name, _ in legend.names if term_of(name, self.own) not in known})

    def _of(self, rule: LegendRule, tokens: Mapping[str, str]) -> Legend | None:
        """The legend that agrees in the tokens; of several the one in the deepest folder."""
        key = fill(rule.key, dict(tokens)) if rule.key and set(re.findall(r"\{(\w+)\}", rule.key)) <= tokens.keys() else ""
        fits = [several[key] for other, known, several in self.found
                if other.name == rule.name and key in several and all(tokens[name] == value for name, value in known.items() if name in tokens)]
        return max(fits, key=lambda legend: (legend.path.count("/"), len(legend.path)), default=None)


def read_legends(layout: Layout, root: Path, paths: Sequence[str], own: Mapping[str, str] | None = None) -> Legends:
    """Read every legend file that the layout names. Raises BadInput with the file when one cannot be read."""
    found = [(rule, tokens, _read(rule, root, path)) for rule in layout.legends for path in paths if (tokens := rule.file.match(path)) is not None]
    return Legends(tuple(found), own or {})


def _read(rule: LegendRule, root: Path, path: str) -> dict[str, Legend]:
    try:
        return FORMS[rule.form]((root / path).read_text(encoding="utf-8-sig"), path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{path} does not say what its values mean: {error}", where=str(root / path), hint=f"it should be in the form {rule.form!r}; see docs/how-to/write-a-layout.md") from error


def _label_map(legend: Legend, own: Mapping[str, str]) -> LabelMap:
    """Values with their terms; a value of several regions (whole tumour, tumour core) is each of them."""
    terms: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    for name, values in legend.names:
        for value in values:
            terms.setdefault(value, []).append(term_of(name, own))
            named.setdefault(value, []).append(name)
    entries = [Entry(value, tuple(dict.fromkeys(found)), name=" + ".join(named[value]), rule="many-to-many" if len(found) > 1 else "identity", evidence=legend.path)
               for value, found in terms.items()]
    entries += [Entry(value, (), "uncertain", IGNORE, evidence=legend.path) for value in legend.ignored]
    return LabelMap(legend.path, tuple(entries) or (Entry("*", ()),))


def name_channels(rows: Iterable[SampleRow], legends: Legends) -> None:
    """Fill protocol and modality from the names of the channels: of the token `channel`, else of all when they agree."""
    for row in rows:
        channels = legends.channels_for(row.tokens)
        number = row.tokens.get("channel")
        words = [channels[str(int(number))]] if number is not None and str(int(number)) in channels and (row.values.get("channels") or 1) == 1 else list(channels.values())
        facts = [_channel(word) for word in words]
        for name in ("protocol", "modality"):
            said = {one.get(name) for one in facts}
            if len(said) == 1 and None not in said and row.values.get(name) is None:
                row.values[name] = said.pop()


def _channel(word: str) -> dict[str, str]:
    """protocol and modality that the name of a channel states; the modality is the most general kind that the vocabulary knows."""
    known = vocabulary.load()
    found = known.find(word, "modality")
    if len(found) != 1:
        return {"protocol": word}
    kinds = {found[0], *known.ancestors(found[0])}
    return {"protocol": word, "modality": next((name for kind, name in GENERAL.items() if kind in kinds), found[0])}


def legend_warnings(layout: Layout, legends: Legends, source: Source, unread: int, paths: Sequence[str]) -> Iterator[str]:
    """What the user should know: no legend, names without a term and what to type, counts and endings that the files contradict."""
    if unread:
        files = dict.fromkeys(rule.form for rule in layout.legends)
        yield f"what the values of {unread} masks mean is not known, they are kept and state nothing: the dataset has no {' or '.join(files)} for them"
    if strange := legends.strange():
        shown = ", ".join(repr(name) for name in strange[:8]) + (f" and {len(strange) - 8} more" if len(strange) > 8 else "")
        yield (f"{len(strange)} names are no term of the vocabulary and stay terms of this dataset: {shown}. Say what one means: "
               f"{adopt_again(source, terms=strange[:1])} (terms: isocenter sql \"select term_id from term\")")
    for mapping in legends.maps:
        if strangers := _alone(mapping, source.slug):
            yield f"{mapping.name} is believed, as it lies beside the files; {source.slug} is read otherwise by {', '.join(strangers)}, conversions of other hands that list the same values"
    for legend in legends.all:
        folder = legend.path.rpartition("/")[0]
        inside = [path for path in paths if path.startswith(f"{folder}/" if folder else "")]
        drawn = sum("labelsTr/" in path and not path.rsplit("/", 1)[-1].startswith(".") for path in inside)
        if legend.cases is not None and drawn and drawn != legend.cases:
            yield f"{legend.path} says numTraining = {legend.cases}, labelsTr holds {drawn} files"
        if legend.ending and not any(path.endswith(legend.ending) for path in inside):
            yield f"{legend.path} says file_ending = {legend.ending!r}, and no file ends so"


def _alone(mapping: LabelMap, slug: str) -> list[str]:
    """The catalog's maps of a dataset that list a legend's values, if none was published so and none agrees with it (see `meaning.second_readings` for the rest)."""
    values = [entry.raw for entry in mapping.entries if entry.raw != "*"]
    rivals = [other for other in maps_of(slug) if values and all(other.terms_of(value) for value in values)]
    agree = any(other.encoding == PUBLISHED or not contradictions(mapping, [other]) for other in rivals)
    return [] if agree else [other.name for other in rivals]

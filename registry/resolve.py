"""Entity resolution: which dataset a name means, when it means several, and what an unknown name is close to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from isocenter.registry.names import name_key

NEARLY = 75                            # per cent of letters in common, in order
SHORTEST_START = 4                     # shorter beginnings fit too many names


@dataclass(frozen=True, slots=True)
class Match:
    """One dataset (`slug`), or several candidates of an ambiguous name, or neither."""

    slug: str | None
    candidates: tuple[str, ...] = ()


@dataclass
class Names:
    """Every name of every dataset. A slug means itself; a name resolves if exactly one dataset bears it without being marked ambiguous."""

    slugs: dict[str, str] = field(default_factory=dict)                     # slug → display name
    keys: dict[str, dict[str, bool]] = field(default_factory=dict)          # name key → slug → ambiguous

    @classmethod
    def of(cls, datasets: Iterable[tuple[str, str]], aliases: Iterable[tuple[str, str, bool]]) -> Names:
        """From rows (slug, name) and (alias, slug, ambiguous)."""
        names = cls()
        for slug, name in datasets:
            names.add(slug, name)
        for alias, slug, ambiguous in aliases:
            names.alias(alias, slug, ambiguous)
        return names

    def add(self, slug: str, name: str) -> None:
        self.slugs[slug] = name
        self.alias(slug, slug)
        self.alias(name, slug)

    def alias(self, alias: str, slug: str, ambiguous: bool = False) -> None:
        if key := name_key(alias):
            known = self.keys.setdefault(key, {})
            known[slug] = known.get(slug, False) or ambiguous

    def find(self, text: str) -> Match:
        """The dataset of that slug, name or alias; candidates where the name is ambiguous or belongs to several."""
        if text in self.slugs:
            return Match(text)
        found = self.keys.get(name_key(text), {})
        sure = [slug for slug, ambiguous in found.items() if not ambiguous]
        return Match(sure[0]) if len(sure) == 1 else Match(None, tuple(sorted(found)))

    def also(self, slug: str) -> tuple[str, ...]:
        """Other datasets that some source calls by the very name of this slug."""
        return tuple(sorted(set(self.keys.get(name_key(slug), {})) - {slug}))

    def close(self, text: str, limit: int = 5) -> list[str]:
        """Slugs one of whose names is spelled nearly like the text, or begins with that word ("mimic")."""
        from rapidfuzz import fuzz, process

        key = name_key(text)
        found = [match for match, _, _ in process.extract(key, list(self.keys), scorer=fuzz.ratio, score_cutoff=NEARLY, limit=4 * limit)]
        if len(key) >= SHORTEST_START and " " not in text.strip():
            found += sorted(name for name in self.keys if name.startswith(key))
        return list(dict.fromkeys(slug for match in found for slug in sorted(self.keys[match])))[:limit]

"""Words as the vocabulary compares them: lower case, no accents, American spelling, singular."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

FACTS = Path(__file__).parent / "facts"
_WORD = re.compile(r"[a-z0-9µ]+")
_APOSTROPHE = re.compile(r"[’'`´]s?\b")
_KEEP_S = ("ss", "us", "is", "as")
_SHORTEST_PLURAL = 5                   # "MRS" and "DSS" are no plurals


@lru_cache(maxsize=32768)
def words(text: str) -> tuple[str, ...]:
    """The comparable words of a text: `words("Oesophageal tumours, X-ray")` is `("esophageal", "tumor", "x", "ray")`."""
    return tuple(comparable(word) for word in _WORD.findall(plain(text)))


def plain(text: str) -> str:
    """Lower case without accents and possessives; hyphens of every kind become "-"."""
    text = _APOSTROPHE.sub("", text.lower())
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.replace("µ", "\0"))
    return "".join("-" if unicodedata.category(char) == "Pd" else char for char in decomposed
                   if not unicodedata.combining(char)).replace("\0", "µ")


@cache
def stopwords() -> frozenset[str]:
    """Comparable words that say nothing about a dataset ("the", "images", "collection")."""
    return frozenset(comparable(word) for word in _table("vocabulary_stopwords.csv", "word", "word"))


@cache
def common_words() -> frozenset[str]:
    """Comparable words of everyday English that are right as they stand, though no term has them ("position" is no "positron")."""
    return frozenset(comparable(word) for word in _table("vocabulary_common.csv", "word", "word"))


@lru_cache(maxsize=65536)
def comparable(word: str) -> str:
    """One lower-case word in American spelling and singular."""
    irregular = _table("vocabulary_plural.csv", "plural", "singular")
    if word in irregular:
        return irregular[word]
    word = _singular(word)
    pattern, american = _spelling()
    return pattern.sub(lambda match: american[match.group()], word)


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or word.endswith(_KEEP_S):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "sses", "ches", "shes")):
        return word[:-2]
    return word[:-1]


@cache
def _spelling() -> tuple[re.Pattern[str], dict[str, str]]:
    """One pattern over all British word parts (the longest first); -ise counts at the end of a word only."""
    table = _table("vocabulary_spelling.csv", "british", "american")
    parts = [part + "$" if part in ("ise", "ising", "isation") else part for part in sorted(table, key=len, reverse=True)]
    return re.compile("|".join(rf"(?<=[a-z]{{3}}){part}" if part.startswith("is") and part.endswith("$") else part for part in parts)), table


@cache
def _table(name: str, key: str, value: str) -> dict[str, str]:
    with (FACTS / name).open(encoding="utf-8", newline="") as stream:
        return {row[key]: row[value] for row in csv.DictReader(stream)}

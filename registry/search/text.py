"""Full text of the datasets in a tantivy index (BM25): names, organisations, notes, addresses and what their terms are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from isocenter.registry.search.entries import Catalog, Entry
from isocenter.registry.search.evidence import Weights, name_words
from isocenter.registry.vocabulary import Vocabulary
from isocenter.registry.vocabulary_text import words

NAME_BOOST = 3.0
MOST_HITS = 1_000
HEAP_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class TextIndex:
    """A tantivy searcher over the datasets, by number."""

    schema: Any
    searcher: Any
    size: int
    vocabulary: frozenset[str]

    def scores(self, found: Iterable[str], phrases: Iterable[tuple[str, ...]] = (), *, name_boost: float = NAME_BOOST) -> Weights:
        """BM25 of each dataset for any of these comparable words and all of these phrases, scaled to at most 1; words of a name count `name_boost` times."""
        import tantivy

        def anywhere(make: Any) -> Any:
            return tantivy.Query.boolean_query([(tantivy.Occur.Should, tantivy.Query.boost_query(make("name"), name_boost)), (tantivy.Occur.Should, make("text"))])

        clauses = [(tantivy.Occur.Should, anywhere(lambda field, word=word: tantivy.Query.term_query(self.schema, field, word))) for word in found]
        clauses += [(tantivy.Occur.Must, anywhere(lambda field, phrase=phrase: _phrase(self.schema, field, phrase))) for phrase in phrases if phrase]
        scores = np.zeros(self.size, np.float32)
        if clauses:
            hits = self.searcher.search(tantivy.Query.boolean_query(clauses), limit=MOST_HITS, count=False).hits
            if hits:
                scores[self.searcher.fast_field_values("number", [address for _, address in hits])] = [score for score, _ in hits]
        top = float(scores.max(initial=0.0))
        return scores / top if top > 0 else scores


def index_text(catalog: Catalog, folder: Path | None = None) -> TextIndex:
    """Index the text of a catalog, in an empty folder or in memory."""
    import tantivy

    texts = [_texts(entry, catalog.vocabulary) for entry in catalog.entries]
    index = _filled(tantivy.Index(_schema(), path=None if folder is None else str(folder)), texts)
    return TextIndex(index.schema, index.searcher(), len(texts), frozenset(word for _, text in texts for word in text))


def open_text(folder: Path, vocabulary: frozenset[str], size: int) -> TextIndex:
    """An index that `index_text` left in a folder."""
    import tantivy

    index = tantivy.Index.open(str(folder))
    return TextIndex(index.schema, index.searcher(), size, vocabulary)


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", fast=True)
    builder.add_text_field("name", tokenizer_name="whitespace")
    builder.add_text_field("text", tokenizer_name="whitespace")
    return builder.build()


def _filled(index: Any, texts: Sequence[tuple[list[str], list[str]]]) -> Any:
    import tantivy

    writer = index.writer(heap_size=HEAP_BYTES, num_threads=1)
    for number, (name, text) in enumerate(texts):
        writer.add_document(tantivy.Document(number=number, name=" ".join(name), text=" ".join(text)))
    writer.commit()
    index.reload()
    return index


def _texts(entry: Entry, vocabulary: Vocabulary) -> tuple[list[str], list[str]]:
    """Comparable words of the name, and of everything that is said about a dataset."""
    name = [word for text in (entry.name, *entry.aliases) for word in (*words(text), *name_words(text))]
    address = urlsplit(entry.homepage or "")
    terms = [vocabulary.terms[term].name for term in sorted(entry.terms) if term in vocabulary.terms]
    said = [entry.organisation or "", entry.note or "", entry.family or "", address.netloc, address.path, *entry.license.ids, *terms]
    return name, [*name, *(word for text in said for word in words(text))]


def _phrase(schema: Any, field: str, phrase: tuple[str, ...]) -> Any:
    import tantivy

    if len(phrase) == 1:
        return tantivy.Query.term_query(schema, field, phrase[0])
    return tantivy.Query.phrase_query(schema, field, list(phrase))

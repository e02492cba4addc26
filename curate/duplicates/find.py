"""Find duplicates: pictures go in; judged pairs, groups with their keepers, and the line that was learnt come out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isocenter.curate.duplicates import groups, nets
from isocenter.curate.duplicates.alone import LOWEST, weigh
from isocenter.curate.duplicates.contradictions import Key, nearest_sides, weaker_links
from isocenter.curate.duplicates.judge import prove_all
from isocenter.curate.duplicates.line import CLEAR, SURELY_TWO, Line, learn, shipped, thin
from isocenter.curate.duplicates.picture import Candidate, Evidence, Member, Net, Pair, Picture, Verdict
from isocenter.curate.duplicates.planted import SAMPLE, plant
from isocenter.curate.duplicates.prepare import prepare
from isocenter.curate.duplicates.resume import kept
from isocenter.curate.duplicates.workers import Pool, pool
from isocenter.embeddings.local_features import VARIANTS

LOCAL_UP_TO = 50_000               # pictures up to which local features are cast as a net without being asked
LISTED = -6.0                      # log-odds below which a pair is not worth a row
ROUNDS = 2                         # times that neighbours found by contradiction move the line
CERTAIN = float("inf")


@dataclass(frozen=True, slots=True)
class Found:
    """pairs: same, unsettled, and different ones that came near. groups: one row per member. failed: id -> why it was not looked at."""

    pairs: list[Pair]
    groups: list[Member]
    line: Line
    failed: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def find(pictures: Sequence[Picture], *, local: bool | None = None, seed: int = 0, workers: int | None = None,
         keep: Path | None = None, proof: bool = True) -> Found:
    """All duplicates among the pictures.

    local: cast the local-feature net (None: up to 50,000 pictures). proof: without it only equal bytes and pixels are judged and
    the thumbnails' candidates are listed as unsettled. keep: a folder for about 0.5 MB per picture in which a search
    that was cut goes on, and which is removed when it ends; it belongs to this search alone (`resume.home`). None: a temporary one.
    The same pictures, seed and library versions give the same result, whatever the number of workers.
    """
    with kept(keep) as folder, pool(workers, folder if keep else None) as crew:
        return _Search(pictures, folder, crew, seed).run(len(pictures) <= LOCAL_UP_TO if local is None else local, proof)


class _Search:
    """One run: each step reads what the steps before it left here."""

    def __init__(self, pictures: Sequence[Picture], folder: Path, crew: Pool, seed: int) -> None:
        self.pictures, self.folder, self.crew, self.seed = pictures, folder, crew, seed
        self.seconds: dict[str, float] = {}
        self.clock = time.perf_counter()
        self.line = shipped()
        self.weak: set[Key] = set()

    def run(self, local: bool, proof: bool) -> Found:
        self.facts = prepare(self.pictures, self.folder, self.crew, points=local and proof)
        self.done("decode")
        self.equal = nets.equal(self.pictures, self.facts)
        single = self.representatives()
        flat = np.array([i for i in single if not self.facts[i].volume], np.int64)
        candidates = nets.merge(nets.thumbnails(self.facts, flat))
        self.done("hashes and thumbnails")
        if local and proof:
            candidates = nets.merge((c for some in candidates for c in some), nets.local(self.folder, flat, self.crew, seed=self.seed))
            self.done("local features")
        candidates = [some for some in candidates if not self.apart(some[0].a, some[0].b)]
        self.evidence: dict[Key, Evidence | None] = {}
        self.net = {(some[0].a, some[0].b): some[0].net for some in candidates}
        if proof:
            self.prove(candidates, flat)
        self.odds: dict[Key, float] = self.weighed() if proof else dict.fromkeys(self.net, 0.0)
        solid = self.volumes([i for i in single if self.facts[i].volume])
        return self.report(solid, len(candidates))

    def representatives(self) -> list[int]:
        """One position per set of equal pictures; blank and failed ones are not looked at further."""
        repeated = {c.b for c in self.equal}
        return [i for i, fact in enumerate(self.facts) if not fact.error and not fact.blank and i not in repeated]

    def apart(self, a: int, b: int) -> bool:
        """Two places of one series are two pictures, however alike."""
        one, two = self.pictures[a], self.pictures[b]
        return (one.series is not None and (one.dataset, one.series) == (two.dataset, two.series)
                and one.position is not None and two.position is not None and one.position != two.position)

    def prove(self, candidates: list[list[Candidate]], flat: NDArray[np.int64]) -> None:
        for some, found in zip(candidates, prove_all(candidates, self.folder, self.crew)):
            self.evidence[(some[0].a, some[0].b)] = found
        self.complete()
        self.done("proof")
        if all(value < LISTED for value in self.log_odds().values()):
            return                                                 # nothing came near: there is no line to draw
        neighbours = self.neighbours()
        origins = np.random.default_rng(self.seed).permutation(flat)[:SAMPLE]
        self.plants = plant([int(i) for i in origins], neighbours, self.folder, self.crew, seed=self.seed)
        self.learn_line()
        self.done("line")

    def complete(self) -> None:
        """Prove the pairs that could contradict a likely link and that no net proposed."""
        odds = self.log_odds()
        wanted = nearest_sides({pair: value for pair, value in odds.items() if value > LOWEST}) - set(self.evidence)
        more = [[Candidate(a, b, Net.LOCAL, variant) for variant in VARIANTS] for a, b in sorted(wanted) if not self.apart(a, b)]
        for some, found in zip(more, prove_all(more, self.folder, self.crew)):
            pair = (some[0].a, some[0].b)
            self.evidence[pair], self.net[pair] = found, Net.LOCAL

    def neighbours(self) -> dict[int, list[int]]:
        """For each picture those that came nearest, best matched first."""
        near: dict[int, list[tuple[int, int]]] = {}
        for (a, b), found in self.evidence.items():
            if found:
                near.setdefault(a, []).append((-found.fine, b))
                near.setdefault(b, []).append((-found.fine, a))
        return {i: [other for _, other in sorted(others)] for i, others in near.items()}

    def learn_line(self) -> None:
        """Planted copies against neighbours: pairs that clearly are, or by a contradiction must be, two pictures."""
        copies = [e for p in self.plants for e in p.copies if e]
        for _ in range(ROUNDS):
            odds = self.log_odds()
            weak = weaker_links(odds, self.evidence)
            two = {pair for pair, value in odds.items() if value < SURELY_TWO} | weak
            near = [e for p in self.plants for other, e in p.others if (min(p.origin, other), max(p.origin, other)) in two]
            self.line = learn(copies, near + [found for pair in sorted(two) if (found := self.evidence[pair])], len(weak))

    def log_odds(self) -> dict[Key, float]:
        proved = [(pair, found) for pair, found in sorted(self.evidence.items()) if found]
        return dict(zip([pair for pair, _ in proved], (float(v) for v in self.line.log_odds([found for _, found in proved]))))

    def weighed(self) -> dict[Key, float]:
        odds = self.log_odds()
        self.weak = weaker_links(odds, self.evidence)
        return weigh(odds, {pair for pair in odds if self.is_thin(pair)}, len(self.pictures)).odds

    def volumes(self, positions: list[int]) -> list[Pair]:
        if len(positions) < 2:
            return []
        from isocenter.curate.duplicates.volumes import compare_all

        pairs = compare_all([self.pictures[i] for i in positions], [self.folder / f"{i}.npz" for i in positions], self.crew)
        self.done("volumes")
        place = {self.pictures[i].id: i for i in positions}
        for pair in pairs:
            self.odds[(min(place[pair.a], place[pair.b]), max(place[pair.a], place[pair.b]))] = _odds(pair.score)
        return pairs

    def report(self, solid: list[Pair], proposed: int) -> Found:
        place = {picture.id: i for i, picture in enumerate(self.pictures)}
        certain = {(c.a, c.b): CERTAIN for c in self.equal if not self.apart(c.a, c.b)}
        weak = self.weak
        links = certain | {pair: value for pair, value in self.odds.items() if value >= CLEAR and pair not in weak and pair in self.net and not self.is_thin(pair)}
        links |= {(place[p.a], place[p.b]): _odds(p.score) for p in solid if p.verdict is Verdict.SAME}
        kept, refused = groups.join(links, self.odds, groups.rank(self.pictures, [fact.size for fact in self.facts]), CLEAR)
        pairs = [self.equal_pair(c) for c in self.equal if (c.a, c.b) in certain] + solid
        pairs += [self.pair(k, value, k in weak or k in refused) for k, value in sorted(self.odds.items()) if k in self.net and value > LISTED]
        members = [Member(number, self.pictures[i].id, self.pictures[i].dataset, self.pictures[i].uri, i == group[0], self.why(i, group, links))
                   for number, group in enumerate(kept) for i in group]
        failed = {picture.id: fact.error for picture, fact in zip(self.pictures, self.facts) if fact.error}
        counts = {"pictures": len(self.pictures), "candidates": proposed, "groups": len(kept), "failed": len(failed)}
        return Found(pairs, members, self.line, failed, self.seconds, counts | _verdicts(pairs))

    def equal_pair(self, c: Candidate) -> Pair:
        what = "equal bytes" if c.net is Net.FILE else "equal pixels"
        return Pair(self.pictures[c.a].id, self.pictures[c.b].id, c.net, 1.0, Verdict.SAME, what, json.dumps({"kind": "identity"}))

    def pair(self, k: Key, odds: float, doubted: bool) -> Pair:
        found = self.evidence.get(k)
        verdict = Verdict.UNSETTLED if abs(odds) < CLEAR or (odds > 0 and (doubted or self.is_thin(k))) else Verdict.SAME if odds > 0 else Verdict.DIFFERENT
        reason = _reason(found, doubted and odds > 0)
        return Pair(self.pictures[k[0]].id, self.pictures[k[1]].id, self.net[k], float(1 / (1 + np.exp(-odds))), verdict, reason,
                    self.transform(k, found), found)

    def is_thin(self, k: Key) -> bool:
        found = self.evidence.get(k)
        return found is not None and thin(found)

    def transform(self, k: Key, found: Evidence | None) -> str:
        """The alignment in pixels of the originals, which were shrunk to their prepared images."""
        if found is None:
            return json.dumps({"kind": "unknown"})
        from isocenter.curate.duplicates.transform import in_originals

        return in_originals(found, *(self.facts[i].size for i in k))

    def why(self, i: int, group: list[int], links: Mapping[Key, float]) -> str:
        best = max((pair for pair in links if i in pair and (pair[0] in group and pair[1] in group)), key=lambda pair: links[pair], default=None)
        if best is None:
            return ""
        other = self.pictures[best[0] if best[1] == i else best[1]].id
        found = self.evidence.get(best)
        return f"equal to {other}" if found is None else f"{_reason(found, False)}, to {other}"

    def done(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step], self.clock = now - self.clock, now


def _reason(found: Evidence | None, doubted: bool) -> str:
    if found is None:
        return "not proved"
    text = f"{found.fine} points match to a pixel ({found.share:.0%}), fine detail {found.detail_middle:.2f}"
    return text + "; contradicted by a stronger link" if doubted else text


def _odds(probability: float) -> float:
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(p / (1 - p)))


def _verdicts(pairs: Sequence[Pair]) -> dict[str, int]:
    return {verdict.value: sum(pair.verdict is verdict for pair in pairs) for verdict in Verdict}

"""The offline labeller: findings of English chest X-ray reports by patterns, with negation, doubt and their reach.

Per sentence: every pattern of `rules.toml` that matches is a mention; the cue words before and behind it, up to the end of
their reach, make it present, absent or uncertain. Denied beats doubted ("no evidence to suggest"), except where a phrase
refuses to deny ("cannot be excluded"). History, indications and recommendations say nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from isocenter.harmonize.reports._mention import Certainty, Mention, State
from isocenter.harmonize.reports._sentences import sentences

version = "1"
NORMAL = "no finding"
NOT_DISEASE = frozenset({"support devices", NORMAL})


def label(text: str) -> list[Mention]:
    """Mentions of all findings, in no particular order; `no finding` only where the report says so and nothing speaks against it."""
    lowered = text.lower()
    mentions: list[Mention] = []
    normal: list[Mention] = []
    for start, end in sentences(text):
        sentence = _sentence(lowered, start, end)
        mentions += _longest(sentence.mentions())
        normal += [Mention(NORMAL, "present", *sentence.span(m)) for pattern in _rules().normal for m in pattern.finditer(sentence.text)]
    ill = any(mention.state != "absent" and mention.term not in NOT_DISEASE for mention in mentions)
    return mentions if ill else mentions + normal[:1]


@dataclass(frozen=True)
class _Rules:
    findings: Sequence[tuple[str, re.Pattern[str]]]
    stated: Sequence[tuple[str, re.Pattern[str]]]
    normal: Sequence[re.Pattern[str]]
    cues: dict[str, re.Pattern[str]]


@dataclass(frozen=True)
class _Sentence:
    """Text with single spaces, and where each of its characters stands in the report."""

    text: str
    at: Sequence[int]

    def span(self, found: re.Match[str]) -> tuple[int, int]:
        return self.at[found.start()], self.at[found.end() - 1] + 1

    def mentions(self) -> Iterator[Mention]:
        rules = _rules()
        masked = _blank(self.text, rules.cues["not_a_cue"])
        settled = [(term, found) for term, pattern in rules.stated for found in pattern.finditer(self.text)]
        for term, found in settled:
            yield Mention(term, "absent", *self.span(found), cue=found.group())
        for term, pattern in rules.findings:
            for found in pattern.finditer(self.text):
                if any(other.start() <= found.start() and found.end() <= other.end() for _, other in settled):
                    continue
                verdict = self._judge(masked, found.start(), found.end())
                if verdict is not None:
                    state, certainty, cue = verdict
                    yield Mention(term, state, *self.span(found), certainty, cue.strip())

    def _judge(self, masked: str, start: int, end: int) -> tuple[State, Certainty, str] | None:
        cues = _rules().cues
        before, behind = _reach_back(masked[:start]), _reach_ahead(masked[end:])
        inner = masked[start:end]
        if _last(cues["silences"], before.rsplit(" with ", 1)[-1]) and not _last(cues["opens_behind"], behind):
            return None
        kept_open = _last(cues["opens_behind"], behind)
        doubt = _last(cues["opens_ahead"], before) or _last(cues["probable_ahead"], before)
        refusal = doubt if doubt and re.search(r"exclude|rule", doubt) else ""
        denial = _last(cues["denies_ahead"], before) or ("not" if re.search(r"\bnot\b", inner) else "")
        if refusal or (kept_open and not denial):
            return "uncertain", _strength(refusal or kept_open), refusal or kept_open
        if denial:
            return "absent", "probable" if re.search(r"definite|convincing|obvious|gross|large|clear", before[before.rfind(denial) :]) else "definite", denial
        if after := _last(cues["denies_behind"], behind):
            return "absent", "definite", after
        if doubt:
            return "uncertain", _strength(doubt), doubt
        return "present", "definite", ""


def _sentence(text: str, start: int, end: int) -> _Sentence:
    kept = [k for k in range(start, end) if not text[k].isspace() or (k > start and not text[k - 1].isspace())]
    return _Sentence("".join(" " if text[k].isspace() else text[k] for k in kept), kept)


def _reach_back(before: str) -> str:
    """What stands before the mention, back to the last word that ends a cue's reach."""
    cues = _rules().cues
    ends = [found.end() for found in cues["scope_ends"].finditer(before)]
    rest = before[max(ends, default=0) :]
    commas = [found.end() for found in re.finditer(r",", rest)]
    for at in reversed(commas):
        following = rest[at:].strip()
        if re.match(r"and (?:the|an?|there|it) ", following):
            return rest[at:]
        listing = re.match(r"(?:and |or |nor )", following) or re.search(r"\b(?:or|nor)\b", rest[at:])
        if not listing and cues["restart"].match(following):
            return rest[at:]
    return rest


def _reach_ahead(behind: str) -> str:
    """What stands behind the mention, up to a word that ends a cue's reach, a comma, or the start of another statement."""
    stop = re.search(r",(?! (?:which|if any|and/or))| but |however|although| though | and (?:the|a|there|no|mild|small|moderate|left|right)\b|\bno\b(?! longer)|without", behind)
    return behind[: stop.start()] if stop else behind


def _strength(cue: str) -> Certainty:
    return "probable" if re.search(r"probab|likely|favor|presum|suspected", cue) and "unlikely" not in cue else "possible"


def _last(pattern: re.Pattern[str], text: str) -> str:
    found = ""
    for match in pattern.finditer(text):
        found = match.group()
    return found


def _blank(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: "#" * len(found.group()), text)


def _longest(mentions: Iterable[Mention]) -> list[Mention]:
    """Of overlapping mentions of one term, the longest."""
    kept: list[Mention] = []
    for mention in sorted(mentions, key=lambda m: m.start - m.end):
        if not any(k.term == mention.term and mention.start < k.end and k.start < mention.end for k in kept):
            kept.append(mention)
    return kept


@cache
def _rules() -> _Rules:
    body = tomllib.loads(Path(__file__).with_name("rules.toml").read_text(encoding="utf-8"))
    return _Rules(
        [(term, _any(patterns, r"\b{}\b")) for term, patterns in body["findings"].items()],
        [(term, _any([pattern], r"\b{}\b")) for term, pattern in body["stated"]["absent"]],
        [_any([pattern], r"\b{}") for pattern in body["stated"]["normal"]],
        {name: _any(patterns, r"\b{}\b" if name == "restart" else "{}") for name, patterns in body["cues"].items()},
    )


def _any(patterns: Sequence[str], frame: str) -> re.Pattern[str]:
    return re.compile(frame.format("(?:" + "|".join(patterns) + ")"))

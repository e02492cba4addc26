"""Path patterns with named parts: `imagesTr/{patient}_{channel:\\d{4}}.nii.gz` matches a POSIX path and yields its tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from isocenter.core.errors import BadInput

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Pattern:
    """`{token}` is a piece of one path part, `{token:regex}` what the regex matches, `*` anything inside a part, `**/` any folders, `[…]` may be missing.

    A token used twice must have one value. Matching ignores nothing: case and extension count.
    """

    text: str

    @cached_property
    def regex(self) -> re.Pattern[str]:
        try:
            return re.compile(_translate(self.text))
        except re.error as error:
            raise BadInput(f"pattern {self.text!r} is not valid: {error}", hint="write {token}, {token:regex}, * or **/") from error

    @property
    def tokens(self) -> tuple[str, ...]:
        return tuple(self.regex.groupindex)

    def match(self, path: str) -> dict[str, str] | None:
        """Tokens of a path, or None when it does not match whole; a token of a missing `[…]` is left out."""
        found = self.regex.fullmatch(path)
        return {name: value for name, value in found.groupdict().items() if value is not None} if found else None

    @cached_property
    def literals(self) -> int:
        """How many characters of a path this pattern fixes: the more, the less likely it matches by chance."""
        return len(re.sub(r"\*|[\[\]]|\{(?:[^{}]|\{[^{}]*\})*\}", "", self.text))

    def expression(self, token: str) -> str | None:
        """The regex that the pattern states for a token, None for a plain `{token}`."""
        found = re.search(r"\{" + token + r":((?:[^{}]|\{[^{}]*\})*)\}", self.text)
        return found.group(1) if found else None

    def path(self, tokens: dict[str, str], star: str = "x") -> str:
        """A path that this pattern matches: tokens filled, `[…]` there, `**/` no folder and `*` the text `star`."""
        plain = re.sub(r"\{([A-Za-z_]\w*):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", self.text)
        return fill(re.sub(r"[\[\]]", "", plain), tokens).replace("**/", "").replace("*", star)


def fill(template: str, values: dict[str, str]) -> str:
    """Replace `{token}` in a template. Raises BadInput naming the token that has no value."""
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise BadInput(f"{{{name}}} in {template!r} has no value", hint=f"known here: {', '.join(sorted(values))}")
        return values[name]

    return re.sub(r"\{([^{}:]+)\}", value, template)


def _translate(text: str) -> str:
    out, i, seen = [], 0, set()
    while i < len(text):
        if text.startswith("**/", i):
            out.append("(?:[^/]+/)*")
            i += 3
        elif text[i] == "*":
            out.append("[^/]*")
            i += 1
        elif text[i] in "[]":
            out.append("(?:" if text[i] == "[" else ")?")
            i += 1
        elif text[i] == "{":
            name, expression, i = _token(text, i)
            out.append(f"(?P={name})" if name in seen else f"(?P<{name}>{expression})")
            seen.add(name)
        else:
            out.append(re.escape(text[i]))
            i += 1
    return "".join(out)


def _token(text: str, start: int) -> tuple[str, str, int]:
    """Name, regex and end of the token that opens at `start`; braces of the regex may nest."""
    depth, end = 0, start
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            break
    if depth:
        raise BadInput(f"pattern {text!r} has an open brace")
    name, _, expression = text[start + 1:end].partition(":")
    if not NAME.fullmatch(name):
        raise BadInput(f"pattern {text!r}: {name!r} is no token name", hint="letters, digits and _")
    return name, expression or "[^/]+?", end + 1

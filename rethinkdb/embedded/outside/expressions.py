"""Regular expressions with the syntax of RE2, which a real server uses.

If google-re2 cannot be installed (on PyPy, or where it has no wheel), the library `regex` replaces
it, or Python's `re`. This module then refuses patterns that RE2 refuses, and translates syntax that
those read differently. Two differences remain. Patterns such as `(a|aa)+$` may take very long:
`regex` gives up after some seconds, `re` does not. And some patterns of RE2 are refused (Unicode
classes such as `\\p{Greek}`, single bytes, repeated flags).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from rethinkdb.embedded import limits
from rethinkdb.embedded.failures import resource
from rethinkdb.embedded.outside import extras

_KEPT_PATTERNS = 1000
_LARGEST_REPEAT = 1000


class BadPattern(ValueError):
    """The pattern is not a regular expression. The text is that of RE2."""


class Found(NamedTuple):
    """The places of a match, in bytes of UTF-8.

    Attributes:
        spans: of the whole, then of each group; None for a group that took no part.
    """

    spans: Sequence[tuple[int, int] | None]


class Pattern(Protocol):
    """A compiled regular expression."""

    def search(self, text: str) -> Found | None:
        """The first match."""


@lru_cache(_KEPT_PATTERNS)
def compiled(pattern: str) -> Pattern:
    """The pattern. Raises `BadPattern`."""
    module = extras.available("re2")
    return Substitute(pattern) if module is None else _RE2(module, pattern)


class _RE2:
    def __init__(self, module: Any, pattern: str) -> None:
        options = module.Options()
        options.log_errors = False
        try:
            # As bytes, so that places count bytes.
            self._pattern = module.compile(pattern.encode(), options=options)
        except module.error as error:
            raise BadPattern(error.args[0].decode(errors="replace")) from error

    def search(self, text: str) -> Found | None:
        found = self._pattern.search(text.encode())
        if found is None:
            return None
        groups = range(self._pattern.groups + 1)
        return Found([found.span(group) if found.start(group) >= 0 else None for group in groups])


class Substitute:
    """The same with `regex`, or with `re`."""

    def __init__(self, pattern: str) -> None:
        regex = extras.available("regex")
        module: Any = re if regex is None else regex
        # Other clients are served meanwhile, as the library then lets go of Python's lock.
        self._limits: dict[str, Any] = (
            {} if regex is None else {"timeout": limits.MATCH_SECONDS, "concurrent": True}
        )
        translated = _Translator(pattern).translated()
        try:
            self._pattern = module.compile(translated, module.ASCII)
        except (module.error, OverflowError, RecursionError) as error:
            raise BadPattern(f"bad regular expression: {pattern}") from error

    def search(self, text: str) -> Found | None:
        """See `Pattern`. Raises the resource error if it takes too long."""
        try:
            found = self._pattern.search(text, **self._limits)
        except TimeoutError as error:
            raise resource(
                f"Searching took longer than {limits.MATCH_SECONDS} seconds.  This server has no"
                " google-re2, which would take the same time for all patterns."
            ) from error
        if found is None:
            return None
        spans: list[tuple[int, int] | None] = []
        for group in range(self._pattern.groups + 1):
            if found[group] is None:
                spans.append(None)
                continue
            start = len(text[: found.start(group)].encode())
            spans.append((start, start + len(found[group].encode())))
        return Found(spans)


_SPACE = r"\t\n\f\r "
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
# In groups, as RE2 lets all of them be repeated.
_SPECIAL = {
    "z": r"(?:\Z)",
    "A": r"(?:\A)",
    "b": r"(?:\b)",
    "B": r"(?:(?!\b))",
}
_PLAIN_ESCAPES = frozenset("dDwWaftnrv")
_REPEAT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_HEX = re.compile(r"x(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))")
_NAME = re.compile(r"\?(?:P?)<([A-Za-z0-9_]+)>")
_FLAGS = re.compile(r"\?([ims]*)(?:-([ims]+))?([:)])")
_POSIX_CLASS = re.compile(r"\[:(\^?)([a-z]+):\]")


class _Translator:
    """Goes through a pattern once."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._open: list[bool] = []
        """For each open group whether `$` and `^` mean lines around it."""
        self._wrappers: list[list[str]] = [[]]
        """For the whole and each open group, what its flags such as `(?i)` have opened in it."""
        self._lines = False
        self._repeatable = False
        self._repeated_at: int | None = None

    def translated(self) -> str:
        handlers: dict[str, Callable[[], None]] = {
            "\\": self._escape,
            "[": self._set,
            "(": self._group,
            ")": self._end_group,
            "*": self._repeat,
            "+": self._repeat,
            "?": self._repeat,
            "{": self._braces,
            "|": self._alternative,
            "^": lambda: self._put("(?:^)" if self._lines else r"(?:\A)"),
            "$": lambda: self._put("(?:$)" if self._lines else r"(?:\Z)"),
        }
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            handlers.get(character, lambda: self._put(self._pattern[self._at]))()
        if self._open:
            raise BadPattern(f"missing ): {self._pattern}")
        return "".join(self._out) + ")" * len(self._wrappers[-1])

    def _put(self, text: str, length: int = 1, *, repeatable: bool = True) -> None:
        self._out.append(text)
        self._at += length
        self._repeatable = repeatable
        self._repeated_at = None

    # -- groups

    def _group(self) -> None:
        rest = self._pattern[self._at + 1 :]
        named, flags = _NAME.match(rest), _FLAGS.match(rest)
        if named is not None:
            self._enter(self._lines)
            self._put(f"(?P<{named[1]}>", 1 + named.end(), repeatable=False)
        elif flags is not None:
            self._flags(flags)
        elif rest.startswith("?"):
            length = 4 if rest.startswith(("?<=", "?<!")) else 3
            operator = self._pattern[self._at : self._at + length]
            raise BadPattern(f"invalid perl operator: {operator}")
        else:
            self._enter(self._lines)
            self._put("(", repeatable=False)

    def _enter(self, lines: bool) -> None:
        self._open.append(lines)
        self._wrappers.append([])

    def _flags(self, flags: re.Match[str]) -> None:
        on, off, end = flags[1], flags[2] or "", flags[3]
        around = self._lines
        self._lines = ("m" in on or self._lines) and "m" not in off
        # `re` takes flags for a part only in a group of its own, which then lasts as long.
        marks = on + (f"-{off}" if off else "")
        if end == ":":
            self._enter(around)
            self._put(f"(?{marks}:", 1 + flags.end(), repeatable=False)
            return
        # They hold up to the end of the enclosing group, also after a `|` in it.
        self._wrappers[-1].append(f"(?{marks}:")
        self._put(f"(?{marks}:", 1 + flags.end(), repeatable=False)

    def _alternative(self) -> None:
        wrappers = self._wrappers[-1]
        self._put(")" * len(wrappers) + "|" + "".join(wrappers), repeatable=False)

    def _end_of_set(self, at: int) -> int:
        end = at + 1 + self._pattern.startswith("^", at + 1)
        end += self._pattern.startswith("]", end)
        while end < len(self._pattern) and self._pattern[end] != "]":
            posix = _POSIX_CLASS.match(self._pattern, end)
            end = posix.end() if posix else end + 1 + (self._pattern[end] == "\\")
        return end

    def _end_group(self) -> None:
        if not self._open:
            raise BadPattern(f"unexpected ): {self._pattern}")
        self._lines = self._open.pop()
        self._put(")" * len(self._wrappers.pop()) + ")")

    # -- repetition

    def _repeat(self) -> None:
        operator = self._pattern[self._at]
        lazy = self._pattern.startswith("?", self._at + 1)
        self._repeated(operator + "?" * lazy)

    def _braces(self) -> None:
        found = _REPEAT.match(self._pattern, self._at)
        if found is None:
            self._put(r"\{")
            return
        least, most = int(found[1]), int(found[3] or found[1])
        if max(least, most) > _LARGEST_REPEAT or most < least:
            raise BadPattern(f"invalid repetition size: {found[0]}")
        self._repeated(found[0] + "?" * self._pattern.startswith("?", found.end()))

    def _repeated(self, operator: str) -> None:
        if self._repeated_at is not None:
            text = self._pattern[self._repeated_at : self._at + len(operator)]
            raise BadPattern(f"bad repetition operator: {text}")
        if not self._repeatable:
            raise BadPattern(f"no argument for repetition operator: {operator}")
        start = self._at
        self._put(operator, len(operator))
        self._repeated_at = start

    # -- escapes

    def _escape(self) -> None:
        following = self._pattern[self._at + 1 : self._at + 2]
        if not following:
            raise BadPattern("trailing \\")
        if following == "Q":
            end = self._pattern.find("\\E", self._at + 2)
            end = len(self._pattern) if end < 0 else end
            quoted = self._pattern[self._at + 2 : end]
            self._put(re.escape(quoted), end - self._at + 2, repeatable=bool(quoted))
            return
        special = _SPECIAL.get(following)
        if special is not None:
            self._put(special, 2)
            return
        if following in "sS":
            self._put(f"[{'^' if following == 'S' else ''}{_SPACE}]", 2)
            return
        text, length = self._escaped_character()
        self._put(text, length)

    def _escaped_character(self) -> tuple[str, int]:
        """The meaning of a backslash and what follows, in a set or outside, and its length."""
        following = self._pattern[self._at + 1 : self._at + 2]
        code = _HEX.match(self._pattern, self._at + 1)
        if code is not None and int(code[1] or code[2], 16) <= 0x10FFFF:
            return re.escape(chr(int(code[1] or code[2], 16))), 1 + code.end() - code.start()
        if following in _PLAIN_ESCAPES:
            return f"\\{following}", 2
        octal = re.compile("0[0-7]{0,2}|[1-7][0-7]{2}").match(self._pattern, self._at + 1)
        if octal is not None:
            return re.escape(chr(int(octal[0], 8))), 1 + len(octal[0])
        if following and (following.isascii() and not following.isalnum()):
            return re.escape(following), 2
        if following in ("p", "P"):
            name = re.compile(r"[pP](\{[^}]*\}|.)?").match(self._pattern, self._at + 1)
            shown = "" if name is None else name[0]
            raise BadPattern(f"invalid character class range: \\{shown}")
        raise BadPattern(f"invalid escape sequence: \\{following}")

    # -- sets

    def _set(self) -> None:
        start = self._at
        end = self._end_of_set(start)
        if end >= len(self._pattern):
            raise BadPattern(f"missing ]: {self._pattern[start:]}")
        self._at = start + 1
        inverted = self._pattern[self._at] == "^"
        self._at += inverted
        items: list[str] = []
        first = True
        while first or self._at < end:
            first = False
            items.append(self._set_item(end))
        self._at = start
        self._put(f"[{'^' if inverted else ''}{''.join(items)}]", end + 1 - start)

    def _set_item(self, end: int) -> str:
        posix = _POSIX_CLASS.match(self._pattern, self._at)
        if posix is not None:
            return self._posix(posix)
        low_at = self._at
        low, single = self._set_character()
        if not (self._pattern.startswith("-", self._at) and self._at + 1 < end and single):
            return low
        self._at += 1
        high, high_single = self._set_character()
        if not high_single or _code(low) > _code(high):
            shown = self._pattern[low_at : self._at]
            raise BadPattern(f"invalid character class range: {shown}")
        return f"{low}-{high}"

    def _posix(self, posix: re.Match[str]) -> str:
        members = _POSIX.get(posix[2])
        if members is None:
            raise BadPattern(f"invalid character class range: {posix[0]}")
        self._at = posix.end()
        if not posix[1]:
            return members
        kept = [chr(code) for code in range(128) if not re.match(f"[{members}]", chr(code))]
        return "".join(map(re.escape, kept)) + "\\x80-\U0010ffff"

    def _set_character(self) -> tuple[str, bool]:
        """The next member of a set, and whether it is a single character."""
        character = self._pattern[self._at]
        if character != "\\":
            self._at += 1
            return re.escape(character), True
        following = self._pattern[self._at + 1 : self._at + 2]
        if following in ("s", "S"):
            self._at += 2
            return (_SPACE if following == "s" else r"\S\v"), False
        text, length = self._escaped_character()
        self._at += length
        return text, following not in ("d", "D", "w", "W")


def _code(escaped: str) -> int:
    special = {r"\a": 7, r"\f": 12, r"\t": 9, r"\n": 10, r"\r": 13, r"\v": 11}
    return special.get(escaped) or ord(escaped[-1])

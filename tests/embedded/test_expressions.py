"""Regular expressions without RE2: `re` or `regex` in its place says the same, or refuses."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.embedded import Server, limits
from rethinkdb.embedded.failures import QueryFailure
from rethinkdb.embedded.outside import expressions, extras
from rethinkdb.embedded.outside.expressions import BadPattern, Found, Substitute
from rethinkdb.errors import ReqlQueryLogicError

from .support import Failure, embedded_only, outcome

MATCHES: list[tuple[str, str, list[tuple[int, int] | None] | None]] = [
    ("b", "abc", [(1, 2)]),
    ("x", "abc", None),
    ("(a)|(b)", "b", [(0, 1), None, (0, 1)]),
    ("é.", "aé😀", [(1, 7)]),
    ("c$", "abc\n", None),
    ("(?m)b$", "ab\ncd", [(1, 2)]),
    ("(?m)^c", "ab\ncd", [(3, 4)]),
    (r"\s", "a\vb c", [(3, 4)]),
    (r"[\S]+", "a\vb c", [(0, 3)]),
    (r"\d", "٣1", [(2, 3)]),
    (r"\w+", "éa_1", [(2, 5)]),
    ("(?i)ABC", "xabc", [(1, 4)]),
    ("(?i:A)b", "Ab", [(0, 2)]),
    ("(?i:A)b", "AB", None),
    ("a(?i)b|c", "aB", [(0, 2)]),
    ("(a(?i)b)c", "aBC", None),
    ("a(?i)b|c", "C", [(0, 1)]),
    ("(a(?i)|b)c", "Bc", [(0, 2), (0, 1)]),
    ("(a(?i)|b(?-i)|c)", "C", None),
    ("a(?m)^|^b", "a\nb", [(2, 3)]),
    ("(?s)a.b", "a\nb", [(0, 3)]),
    ("(?P<name>a)", "a", [(0, 1), (0, 1)]),
    (r"\Qa.b\E.", "xa.bc", [(1, 5)]),
    (r"[[:alpha:]]+", "1ab2", [(1, 3)]),
    (r"[[:^alpha:]x]+", "ax1a", [(1, 3)]),
    ("[]a]+", "b]a", [(1, 3)]),
    ("[^]a]", "]ab", [(2, 3)]),
    (r"\x{1F600}\x41", "😀A", [(0, 5)]),
    (r"\101\0", "A\0", [(0, 2)]),
    ("{,2}", "{,2}", [(0, 4)]),
    ("a{2}?", "aaa", [(0, 2)]),
    ("a*?", "aa", [(0, 0)]),
    (r"\z", "a", [(1, 1)]),
    (r"\B", "", [(0, 0)]),
    ("^*a", "a", [(0, 1)]),
    ("", "a", [(0, 0)]),
]


@pytest.fixture(params=["re", "regex"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What replaces google-re2."""
    found = pytest.importorskip(request.param)
    imported = extras.available
    others = {"regex": None if request.param == "re" else found}
    monkeypatch.setattr(
        extras, "available", lambda name: others[name] if name in others else imported(name)
    )
    return found


@pytest.mark.parametrize(("pattern", "text", "spans"), MATCHES)
def test_matches(pattern: str, text: str, spans: Any) -> None:
    found = Substitute(pattern).search(text)
    assert (None if found is None else list(found.spans)) == spans


REFUSED = {
    "(?=a)": "invalid perl operator: (?=",
    "(?!a)": "invalid perl operator: (?!",
    "(?<=a)": "invalid perl operator: (?<=",
    "(?<!a)": "invalid perl operator: (?<!",
    "(?>a)": "invalid perl operator: (?>",
    "(?#a)": "invalid perl operator: (?#",
    r"(a)\1": r"invalid escape sequence: \1",
    r"\Z": r"invalid escape sequence: \Z",
    r"\e": r"invalid escape sequence: \e",
    "a++": "bad repetition operator: ++",
    "a**": "bad repetition operator: **",
    "*": "no argument for repetition operator: *",
    "a|*": "no argument for repetition operator: *",
    "a{1001}": "invalid repetition size: {1001}",
    "a{2,1}": "invalid repetition size: {2,1}",
    "(": "missing ): (",
    ")": "unexpected ): )",
    "a[b": "missing ]: [b",
    "[z-a]": "invalid character class range: z-a",
    "[[:foo:]]": "invalid character class range: [:foo:]",
    "\\": "trailing \\",
}


@pytest.mark.parametrize(("pattern", "message"), REFUSED.items())
def test_what_is_refused(pattern: str, message: str) -> None:
    with pytest.raises(BadPattern) as caught:
        Substitute(pattern)
    assert str(caught.value) == message


def test_unicode_classes_and_bytes_are_refused() -> None:
    for pattern in (r"\pL", r"\p{Greek}", r"\C"):
        with pytest.raises(BadPattern, match="invalid"):
            Substitute(pattern)


PIECES = [
    *("a", "b", "ab", r"\d", r"\w", r"\s", r"\S", ".", "[a-c]", "[^a]", "[[:alpha:]]", "(a)"),
    *("(?:b)", "(?P<n>a)", "(?i:A)", "(?i)", "(?m)^", "^", "$", "|", "*", "+", "?", "{2}"),
    *("{1,2}", "{,2}", "{2,}", "??", r"\b", r"\B", r"\1", "(?=a)", r"\z", r"\x41", r"\Qa.b\E"),
    *(r"\.", r"\_", "é", "😀", "[é-ü]", "[z-a]", "(", ")", "]", "{", "}", "-", "(?s).", "a++"),
    *(r"\07", r"\123", r"\n", r"[\n\t]", r"[\s]", r"[a\]b]", " ", "()", "(|a)"),
]
FLAGS_REPEATED = re.compile(r"\(\?[ims]\)[*+?{]")
"""RE2 repeats what stands before the flags. We refuse it."""

TEXTS = ["", "a", "ab", "aab b\nab", "ABC", "1 2\t3", "é😀a", "x-y_z", "a.b", "\n", "Z]", "\v a"]


@pytest.mark.skipif(extras.available("re2") is None, reason="compares with google-re2")
def test_the_same_as_re2() -> None:
    """Random patterns: both refuse them, or both find the same."""
    source = random.Random(5)
    for _ in range(500):
        pattern = "".join(source.choice(PIECES) for _ in range(source.randrange(1, 5)))
        if pattern.count("<n>") > 1 or FLAGS_REPEATED.search(pattern):
            continue
        real, ours = tried(expressions.compiled, pattern), tried(Substitute, pattern)
        assert (real is None) == (ours is None), pattern
        for text in TEXTS if real else []:
            assert spans(real.search(text)) == spans(ours.search(text)), (pattern, text)


def tried(compile: Any, pattern: str) -> Any:
    try:
        return compile(pattern)
    except BadPattern:
        return None


def spans(found: Found | None) -> Any:
    return found and list(found.spans)


@pytest.mark.parametrize("library", ["regex"], indirect=True)
def test_a_search_that_takes_too_long(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MATCH_SECONDS", 0.05)
    with pytest.raises(QueryFailure, match=r"Searching took longer than 0\.05 seconds"):
        Substitute("(a|aa)+$").search("a" * 60 + "b")


@embedded_only
def test_a_server_without_re2(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = None if library is re else library
    monkeypatch.setattr(extras, "available", lambda name: found if name == "regex" else None)
    expressions.compiled.cache_clear()
    with Server() as server, r.connect(host=server.host, port=server.port) as conn:
        assert r.expr("xéb").match("(é)b|(c)").run(conn) == {
            "str": "éb",
            "start": 1,
            "end": 4,
            "groups": [{"str": "é", "start": 1, "end": 3}, None],
        }
        assert r.expr("x").match("y").run(conn) is None
        message = "Error in regexp `(?=a)` (portion `(?=`): invalid perl operator: (?="
        failure = outcome(conn, r.expr("x").match("(?=a)"))
        assert failure == Failure(ReqlQueryLogicError, message)
    expressions.compiled.cache_clear()

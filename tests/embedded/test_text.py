"""Strings."""

from __future__ import annotations

from typing import Any

from rethinkdb import r

from .cases import Cases, missing, parametrize, wrong
from .support import outcome

MATCH: Cases = {
    "found": (
        r.expr("aéb").match("b"),
        {"str": "b", "start": 3, "end": 4, "groups": []},
    ),
    "groups": (
        r.expr("ab").match("(a)(?:(x)|(b))"),
        {
            "str": "ab",
            "start": 0,
            "end": 2,
            "groups": [
                {"str": "a", "start": 0, "end": 1},
                None,
                {"str": "b", "start": 1, "end": 2},
            ],
        },
    ),
    "not found": (r.expr("ab").match("^b"), None),
    "flags": (r.expr("AB").match("(?i)b")["str"], "B"),
    "no expression": (
        r.expr("a").match("a**"),
        wrong("Error in regexp `a**` (portion `**`): bad repetition operator: **"),
    ),
    "no string": (r.expr("a").match(1), wrong("Expected type STRING but found NUMBER.", 1)),
}

SPLIT: Cases = {
    "words": (r.expr("  a  b ").split(), ["a", "b"]),
    "wide spaces": (r.expr("a\u2003b\u0085c").split(), ["a", "b", "c"]),
    "first word": (r.expr("  a  b ").split(None, 1), ["a", "b "]),
    "no word": (r.expr(" ").split(None, 0), []),
    "separator": (r.expr("a,,b").split(","), ["a", "", "b"]),
    "separator, limited": (r.expr("a,b,c").split(",", 1), ["a", "b,c"]),
    "nothing by a separator": (r.expr("").split(","), [""]),
    "characters": (r.expr("abc").split(""), ["a", "b", "c"]),
    "characters, limited": (r.expr("abc").split("", 1), ["a", "bc"]),
    "no characters": (r.expr("").split("", 0), []),
    "combining marks": (r.expr("e\u0301a").split(""), ["e\u0301", "a"]),
    "below every number": (
        r.expr("a").split(" ", -2),
        wrong("Error: `split` size argument must be in range [-1, 99999]."),
    ),
}

CASE: Cases = {
    "up": (r.expr("aé").upcase(), "Aé"),
    "down": (r.expr("AÉ").downcase(), "aÉ"),
    "null": (r.expr(None).upcase(), missing("Expected type STRING but found NULL.", 0)),
}


@parametrize({**MATCH, **SPLIT, **CASE})
def test_strings(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected

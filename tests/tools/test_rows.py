"""Rows from the text of files: where they are, what is bad, and the same however it is cut."""

from __future__ import annotations

import json
import random

import pytest

from rethinkdb.tools.failures import BadRow
from rethinkdb.tools.rows import JsonRows, Limits

ROWS = [
    {"id": 1, "text": 'a "quoted" },{"b": [1] \\ end'},
    {"id": 2, "nested": [{"x": 1}, {"y": [[], {}]}], "é": "ü"},
    {"id": 3},
    {"id": 4, "text": "},{"},
]


def read(text: bytes, size: int | None = None, limits: Limits | None = None) -> tuple[list, list]:
    """The rows as (value, line, offset), and the bad ones; the text comes in pieces of a size."""
    reader = JsonRows("f", limits)
    found = []
    for at in range(0, len(text), size or len(text) or 1):
        found += reader.feed(text[at : at + (size or len(text))])
    found += reader.finish()
    bad = [item for item in found if isinstance(item, BadRow)]
    groups = [item for item in found if not isinstance(item, BadRow)]
    for group in groups:
        assert json.loads(b"[%b]" % group.text) == [json.loads(row.text) for row in group.rows()]
        assert group.number == len(list(group.rows()))
        assert group.place == next(group.rows()).place
    rows = [row for group in groups for row in group.rows()]
    for row in rows:
        assert text[row.place.offset :].startswith(row.text)
        assert text.count(b"\n", 0, row.place.offset) == row.place.line - 1
    return [json.loads(row.text) for row in rows], bad


def lines(separator: str, ensure_ascii: bool = True) -> str:
    return separator.join(json.dumps(row, ensure_ascii=ensure_ascii) for row in ROWS)


LAYOUTS = {
    "as the official package writes it": f"[\n{lines(',' + chr(10))}\n]\n",
    "one line": f"[{lines(',', False)}]",
    "ndjson": lines("\n"),
    "ndjson, with an end": lines("\n", False) + "\n\n",
    "ndjson of Windows": lines("\r\n") + "\r\n",
    "on one line without commas": lines(" "),
    "indented": json.dumps(ROWS, indent=2),
    "with a byte order mark": "\ufeff" + lines("\n"),
    "two on a line": lines(",\n").join("[]").replace("},\n{", "},{", 1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [None, 1, 7, 64])
def test_layouts(layout: str, size: int | None) -> None:
    assert read(LAYOUTS[layout].encode(), size) == (ROWS, [])


@pytest.mark.parametrize("text", [b"", b"[\n]\n", b"[]", b" \n"])
def test_no_rows(text: bytes) -> None:
    assert read(text) == ([], [])


BAD = {
    b'[\n{"id":1},\n{"id":2 "x"},\n{"id":3}\n]\n': (3, 12, "no JSON"),
    b'{"id":1}\n{"id":"\n{"id":3}\n': (2, 9, "not closed on its line"),
    b'{"id":1}\n{"id":[2}\n{"id":3}\n': (2, 9, "closes what was opened"),
    b'{"id":1}\n{"id":"\xff"}\n{"id":3}\n': (2, 9, "0xff, is no UTF-8"),
    b'{"id":1}\n17\n{"id":3}\n': (2, 9, "a row is an object"),
    b'{"id":1}\n{"id":[[[[2]]]]}\n{"id":3}\n': (2, 9, "nested deeper than 4 levels"),
    b'{"id":1}\n{"id":"' + b"x" * 100 + b'"}\n{"id":3}\n': (2, 9, "more than 90 bytes"),
    b'[{"id":1}\n{"id":2},\n{"id":3}]': (2, 10, "a comma is missing"),
    b'{"id":1}\n{"id":NaN}\n{"id":3}': (2, 9, "no JSON"),
    b'{"id":1}\n{"id":"\\ud800"}\n{"id":3}': (2, 9, "no JSON"),
}


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("size", [None, 1, 5, 16])
def test_bad_rows_are_told_and_left_out(text: bytes, size: int | None) -> None:
    line, offset, reason = BAD[text]
    rows, bad = read(text, size, Limits(size=90, depth=4))
    assert [(row.place.line, row.place.offset) for row in bad] == [(line, offset)]
    assert reason in bad[0].reason
    assert rows in ([{"id": 1}, {"id": 3}], [{"id": 1}])
    assert text.startswith(b"[{") or len(rows) == 2
    assert bad[0].text in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'[\n{"id":1},\n{"id":2}', "] is missing"),
        (b'[\n{"id":1},\n{"id":2', "ends in the middle of this row"),
        (b'{"id":1}\n{"id":"2', "ends in the middle of this row"),
        (b'[{"id":1}]\n{"id":2}', "text after the end of the array"),
        (b'[{"id":1},', "] is missing"),
    ],
)
@pytest.mark.parametrize("size", [None, 1])
def test_files_that_end_wrongly(text: bytes, reason: str, size: int | None) -> None:
    _, bad = read(text, size)
    assert reason in bad[0].reason


def test_any_text_in_any_pieces_gives_the_same() -> None:
    random_ = random.Random(4)
    for _ in range(300):
        text = bytearray(random_.choice(list(LAYOUTS.values())).encode())
        for _ in range(random_.randrange(4)):
            text[random_.randrange(len(text))] = random_.choice(b'{}[]",:\\\n1 \xff')
        whole = read(bytes(text))
        rows, bad = read(bytes(text), random_.randrange(1, 40))
        assert rows == whole[0]
        assert [row[:2] for row in bad] == [row[:2] for row in whole[1]]

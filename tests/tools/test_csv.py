"""CSV, read and written."""

from __future__ import annotations

import json

import pytest

from rethinkdb.tools import CsvOptions, ToolError
from rethinkdb.tools.csvrows import CsvRows, csv_line
from rethinkdb.tools.failures import BadRow
from rethinkdb.tools.rows import Limits

TEXT = 'id,name,note\r\n1,"a ""b"", c","two\nlines"\r\n2,é,\r\n\r\n3,,x\n'.encode()
ROWS = [
    {"id": "1", "name": 'a "b", c', "note": "two\nlines"},
    {"id": "2", "name": "é"},
    {"id": "3", "note": "x"},
]


def read(reader: CsvRows, text: bytes, size: int = 1 << 20) -> tuple[list, list]:
    found = []
    for at in range(0, len(text), size):
        found += reader.feed(text[at : at + size])
    found += reader.finish()
    bad = [item for item in found if isinstance(item, BadRow)]
    rows = [row for item in found if not isinstance(item, BadRow) for row in item.rows()]
    return [(json.loads(row.text), row.place.line, row.place.offset) for row in rows], bad


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_values_are_strings_and_empty_ones_are_left_out(size: int) -> None:
    rows, bad = read(CsvRows("f"), TEXT, size)
    assert ([row for row, _, _ in rows], bad) == (ROWS, [])
    places = [[2, TEXT.index(b"1,")], [4, TEXT.index(b"2,")], [6, TEXT.index(b"3,")]]
    assert [place for _, *place in rows] == places


def test_options() -> None:
    text = b"1\t2\n3\t4\n"
    names = ["a", "b"]
    without = CsvRows("f", CsvOptions("\\t", header=False, names=names))
    assert [row for row, *_ in read(without, text)[0]] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
    ]
    instead = CsvRows("f", CsvOptions("\t", names=names), fields=["b"])
    assert [row for row, *_ in read(instead, text)[0]] == [{"b": "4"}]
    assert [row for row, *_ in read(CsvRows("f"), b"\xef\xbb\xbfid\n1\n")[0]] == [{"id": "1"}]


@pytest.mark.parametrize(
    ("delimiter", "header", "names"), [(",,", True, None), ('"', True, None), (",", False, None)]
)
def test_options_that_do_not_fit(delimiter: str, header: bool, names: None) -> None:
    with pytest.raises(ToolError) as caught:
        CsvOptions(delimiter, header=header, names=names)
    assert caught.value.status == 2


BAD = {
    b"id,n\n1,2\n3\n4,5\n": (3, 9, "1 values, and the header 2 names"),
    b"id,n\n1,2\n3,4,5\n4,5\n": (3, 9, "3 values"),
    b"id,n\n1,2\n3,\xff\n4,5\n": (3, 9, "0xff, is no UTF-8"),
    b'id,n\n1,2\n3,"a"b\n4,5\n': (3, 9, "no CSV"),
    b"id,n\n1,2\n3," + b"x" * 100 + b"\n4,5\n": (3, 9, "more than 50 bytes"),
    b'id,n\n1,2\n3,"4\n': (3, 9, "a quote is not closed"),
}


@pytest.mark.parametrize("text", BAD)
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_bad_rows(text: bytes, size: int) -> None:
    line, offset, reason = BAD[text]
    rows, bad = read(CsvRows("f", limits=Limits(size=50)), text, size)
    assert [row.place for row in bad] == [("f", line, offset)]
    assert reason in bad[0].reason
    assert [row["id"] for row, *_ in rows] in (["1", "4"], ["1"])


@pytest.mark.parametrize("text", [b"a,b,a\n", b"a,\n"])
def test_bad_headers(text: bytes) -> None:
    with pytest.raises(ToolError, match="the header"):
        read(CsvRows("f"), text)
    with pytest.raises(ToolError, match="no field 'c'"):
        read(CsvRows("f", fields=["c"]), b"a,b\n")


def test_a_row_as_the_official_package_writes_it() -> None:
    row = {"a": 'x "y"', "b": 1.5, "c": True, "d": None, "e": [1, "é"], "g": "two\nlines"}
    assert (
        csv_line(row, "abcdefg") == '"x ""y""",1.5,True,null,"[1, ""\\u00e9""]",,"two\nlines"\r\n'
    )
    assert csv_line(row, "bc", "\t") == "1.5\tTrue\r\n"

"""The lines of `docs/howto/values.md` that allow a type: each does what the page says."""

from __future__ import annotations

import collections
import dataclasses
import enum
import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from rethinkdb import r

from ..tables import DOCS, rows_of

PAGE = "howto/values.md"


@dataclasses.dataclass
class Point:
    x: int


class Size(enum.Enum):
    LARGE = "L"


class Model:
    """As one of pydantic's: it can be iterated, which gives pairs."""

    def model_dump(self) -> Any:
        return {"x": 1}

    def __iter__(self) -> Any:
        return iter([("x", 1)])


class Scalar:
    """As one of numpy's numbers."""

    def item(self) -> Any:
        return 1


class Array:
    """As one of numpy's arrays."""

    def tolist(self) -> Any:
        return [1, 2]


class Attrs:
    """As of a class of attrs'."""


class Anything:
    def __str__(self) -> str:
        return "text"


Pair = collections.namedtuple("Pair", "a b")  # as programs write it

NAMES = {
    "r": r,
    "Decimal": Decimal,
    "UUID": UUID,
    "Enum": enum.Enum,
    "dataclasses": dataclasses,
    "Point": Point,
    "Pair": Pair,
    "BaseModel": Model,
    "date": date,
    "datetime": datetime,
    "timedelta": timedelta,
    "PurePath": PurePath,
    "numpy": SimpleNamespace(generic=Scalar, ndarray=Array),
    "attrs": SimpleNamespace(has=lambda cls: cls is Attrs, asdict=lambda value: {"x": 1}),
    "as_utc": lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc),
}

NAIVE = datetime(2024, 5, 1, 12)

# What the first cell of a row is about, and what is sent of it.
EXAMPLES: dict[str, tuple[Any, Any]] = {
    "`Decimal`, exactly": (Decimal("9.90"), "9.90"),
    "`Decimal`, to compute with on the server": (Decimal("9.90"), 9.9),
    "`UUID`": (UUID(int=7), str(UUID(int=7))),
    "enumerations": (Size.LARGE, "L"),
    "dataclasses": (Point(1), {"x": 1}),
    "one class of dataclasses": (Point(1), {"x": 1}),
    "named tuples of a class": (Pair(1, 2), {"a": 1, "b": 2}),
    "classes of attrs": (Attrs(), {"x": 1}),
    "pydantic models": (Model(), {"x": 1}),
    "numpy's numbers": (Scalar(), 1),
    "numpy's arrays": (Array(), [2, [1, 2]]),
    "`date`": (date(2024, 5, 1), "2024-05-01"),
    "`datetime` without a timezone, as local time": (
        NAIVE,
        [99, [NAIVE.astimezone().isoformat()]],
    ),
    "the same as UTC": (NAIVE, [99, ["2024-05-01T12:00:00+00:00"]]),
    "`timedelta`": (timedelta(hours=1), 3600.0),
    "`set`, in an order": ({2, 1}, [2, [1, 2]]),
    "paths": (PurePath("a/b"), "a/b"),
    "anything else": (Anything(), "text"),
}

ROWS = list(rows_of(PAGE, "| values | line | is sent as |"))


def test_all_rows_have_an_example() -> None:
    assert [row[0] for row in ROWS] == list(EXAMPLES)


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_line_does_what_it_says(row: list[str]) -> None:
    value, sent = EXAMPLES[row[0]]
    (line,) = re.findall(r"`(r\.convert\(.*?\))`", row[1])
    eval(line, NAMES)
    assert r.expr([value]).build() == [2, [sent]]
    assert (DOCS / PAGE).exists()

"""Arithmetic, rounding, bits."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rethinkdb import r
from rethinkdb.embedded import terms  # noqa: F401 - fills the table
from rethinkdb.embedded.data import temporal
from rethinkdb.embedded.language import compiler
from rethinkdb.embedded.language.evaluation import Environment, Scope
from rethinkdb.errors import ReqlResourceLimitError

from .cases import Cases, missing, parametrize, wrong
from .support import Failure, outcome

NOT_A_NUMBER = wrong("Expected type NUMBER but found STRING.")

ARITHMETIC: Cases = {
    "sum": (r.add(1, 2, 0.5), 3.5),
    "alone": (r.add("a"), "a"),
    "strings": (r.expr("a") + "b", "ab"),
    "arrays": (r.add([1], [2]), [1, 2]),
    "string and number": (
        r.expr("a") + 1,
        wrong("Expected type STRING but found NUMBER."),
    ),
    "number and string": (r.expr(1) + "a", NOT_A_NUMBER),
    "object": (r.expr({}) + {}, wrong("Expected type NUMBER but found OBJECT.")),
    "null": (r.expr(None) + 1, missing("Expected type NUMBER but found NULL.")),
    "difference": (r.sub(5, 2, 1), 2),
    "product": (r.mul(2, 3, 4), 24),
    "array repeated": (r.expr([1, 2]) * 2, [1, 2, 1, 2]),
    "repeated array": (r.expr(0) * [1], []),
    "array repeated less than never": (
        r.expr([1]) * -1,
        wrong("Cannot multiply an ARRAY by a negative number."),
    ),
    "array by half": (r.expr([1]) * 0.5, wrong("Number not an integer: 0.5")),
    "array too long": (
        r.expr([1]) * 100001,
        Failure(
            ReqlResourceLimitError,
            "Array over size limit `100000`.  To raise the number of allowed elements, modify the"
            " `array_limit` option to `.run` (not available in the Data Explorer), or use an"
            " index.",
        ),
    ),
    "quotient": (r.div(9, 2), 4.5),
    "quotient is whole": (r.div(9, 3), 3),
    "by zero": (r.expr(1) / 0, wrong("Cannot divide by zero.")),
    "too large": (r.expr(1e308) * 10, wrong("Non-finite number: inf")),
    "remainder has the sign of the first": (r.expr([r.expr(-7) % 3, r.expr(7) % -3]), [-1, 1]),
    "remainder by zero": (r.expr(1) % 0, wrong("Cannot take a number modulo 0.")),
    "remainder of a fraction": (
        r.expr(0.1) % 2,
        wrong("Number not an integer: 0.10000000000000000555", 0),
    ),
    "remainder of too much": (r.expr(1) % 1e20, wrong("Number not an integer (>2^53): 1e+20", 1)),
}


@parametrize(ARITHMETIC)
def test_arithmetic(conn: Any, term: Any, expected: Any) -> None:
    found = outcome(conn, term)
    assert found == expected
    assert type(found) is type(expected)


def test_zero_keeps_its_sign(conn: Any) -> None:
    for term in (r.expr(0) * -1, r.ceil(-0.5), r.round(-0.4)):
        assert math.copysign(1, term.run(conn)) == -1


ROUNDING: Cases = {
    "floor": (r.expr([r.floor(1.5), r.floor(-1.5)]), [1, -2]),
    "ceil": (r.expr([r.ceil(1.5), r.ceil(-1.5)]), [2, -1]),
    "halves away from zero": (r.expr([r.round(2.5), r.round(-2.5), r.round(2.4)]), [3, -3, 2]),
    "huge": (r.round(1e300), 1e300),
    "string": (r.round("a"), wrong("Expected type NUMBER but found STRING.", 0)),
}


@parametrize(ROUNDING)
def test_rounding(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


BITS: Cases = {
    "and": (r.bit_and(12, 10, 9), 8),
    "or": (r.bit_or(12, 10), 14),
    "xor": (r.bit_xor(12, 10), 6),
    "not": (r.bit_not(5), -6),
    "left": (r.bit_sal(-3, 4), -48),
    "left beyond integers": (r.bit_sal(1, 1023), 2.0**1023),
    "left beyond numbers": (r.bit_sal(1, 1024), wrong("Non-finite number: inf")),
    "left far beyond": (r.bit_sal(1, 2**40), wrong("Non-finite number: inf")),
    "zero left": (r.bit_sal(0, 2**40), 0),
    "right": (r.bit_sar(-9, 1), -5),
    "right to the end": (r.expr([r.bit_sar(-9, 2**40), r.bit_sar(9, 2**40)]), [-1, 0]),
    "the wrong way": (r.bit_sar(1, -1), wrong("Cannot bit-shift by a negative value")),
    "largest": (r.bit_and(2**53 - 1, -1), 2**53 - 1),
    "too large": (r.bit_and(2**53, 1), wrong("Integer too large: 9007199254740992")),
    "fraction": (r.bit_not(5.5), wrong("Number not an integer: 5.5", 0)),
}


@parametrize(BITS)
def test_bits(conn: Any, term: Any, expected: Any) -> None:
    assert outcome(conn, term) == expected


whole = st.integers(-(2**53), 2**53 - 1)


@given(whole, whole)
def test_bits_are_those_of_twos_complement(a: int, b: int) -> None:
    wire = [2, [[191, [a, b]], [192, [a, b]], [193, [a, b]], [194, [a]]]]
    scope = Scope(Environment(None, now=temporal.now()))  # type: ignore[arg-type]  # needs no store
    assert compiler.compile_query(wire).evaluate(scope) == [a & b, a | b, a ^ b, ~a]

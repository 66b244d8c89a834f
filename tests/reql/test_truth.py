"""Conditions that Python decides: a warning where the tested term is then thrown away."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import r
from rethinkdb.errors import ReqlRunOptionWarning, ReqlTruthWarning
from rethinkdb.reql import truth

v = r.row["v"]


def told(action: Callable[[], Any]) -> list[Any]:
    """The warnings of an action, what it returns being used until they are counted."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = action()
        gc.collect()
        found = [warning for warning in caught if warning.category is ReqlTruthWarning]
    del result
    return found


MISTAKES = {
    "and": lambda: r.table("t").filter(v > 1 and v < 3),
    "chain": lambda: r.table("t").filter(1 < v < 3),
    "not": lambda: r.table("t").filter(not (v == 3)),  # noqa: SIM201
    "in": lambda: r.table("t").filter(v in [1, 2]),
    "if": lambda: 1 if r.table("t").count() == 5 else 2,
    "bool": lambda: bool(~(v == 1)),
    "any": lambda: any([v == 1, v == 2]) and None,
    "and_": lambda: bool(r.and_(v, 1)),
    "assert": lambda: (lambda term: None if term else 1)(r.expr(1).eq(2)),
    "while": lambda: [1 for _ in (1,) if v >= 1],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_condition_that_is_tested_and_thrown_away_is_told(mistake: str) -> None:
    assert told(MISTAKES[mistake])


USES = {
    "chosen": lambda term: r.table("t").filter(term) if term else None,
    "and None": lambda term: term and r.table("t").filter(term),
    "in a list": lambda term: r.expr([term]) if term else None,
    "in an object": lambda term: r.table("t").map({"a": {"b": [term]}}) if term else None,
    "in a function": lambda term: r.table("t").filter(lambda row: term) if term else None,
    "as an option": lambda term: r.table("t").filter({}, default=term) if term else None,
    "as an operand": lambda term: (term & v) if term else None,
    "as a subject": lambda term: term.not_() if term else None,
    "tested twice": lambda term: r.table("t").filter(term) if term and term else None,
    "run": lambda term: term.start_body({}, None) if term else None,
    "pickled": lambda term: pickle.dumps(term) if term else None,
    "copied": lambda term: copy.deepcopy(term) if term else None,
}


@pytest.mark.parametrize("use", USES)
def test_a_condition_that_is_tested_and_used_is_not_told(use: str) -> None:
    assert not told(lambda: USES[use]((v > 1) & (v < 3)))


def test_a_condition_that_became_part_of_a_query_before_it_was_tested_is_not_told() -> None:
    def action() -> Any:
        term = v > 1
        query = r.table("t").filter(term)
        bool(term)
        return query.start_body({}, None)

    assert not told(action)


@pytest.mark.parametrize(
    "term", [r.table("t"), r.expr(1), r.expr(True), v, r.row, v + 1, v.contains(1), r.minval]
)
def test_other_terms_may_be_tested(term: Any) -> None:
    assert not told(lambda: bool(copy.copy(term)))


def test_every_condition_is_true() -> None:
    conditions = [v == 1, v != 1, v < 1, v <= 1, v > 1, v >= 1, ~v, v & v, v | v, v.not_()]
    assert not told(lambda: [r.expr([term]) for term in conditions if term])
    assert len([term for term in conditions if term]) == len(conditions)
    assert r.expr(conditions)


def test_the_warning_names_the_line_the_term_and_what_to_write() -> None:
    (warning,) = told(lambda: r.table("t").filter(v > 1 and v < 3))
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    assert (warning.filename, warning.lineno) == (__file__, line)
    text = str(warning.message)
    for expected in ("(r.row['v'] > r.expr(1))", "`&`", "`|`", "`~`", ".contains(", ".run(conn)"):
        assert expected in text


def test_warnings_of_different_functions_are_not_confused() -> None:
    first, second = told(lambda: bool(v == 1)), told(lambda: bool(v == 2))
    assert "r.expr(1)" in str(first[0].message)
    assert "r.expr(2)" in str(second[0].message)


def test_a_long_term_is_cut() -> None:
    (warning,) = told(lambda: bool(v == "x" * 10_000))
    assert len(str(warning.message)) < 1000


def test_a_term_tested_twice_is_told_once() -> None:
    def action() -> None:
        term = v == 1
        bool(term)
        bool(term)

    assert len(told(action)) == 1


def test_nothing_is_remembered() -> None:
    told(lambda: [bool(v == n) for n in range(100)])
    told(lambda: [r.table("t").filter(term) for term in [v == n for n in range(100)] if term])
    assert not truth.tests


def test_threads_test_terms_of_their_own() -> None:
    found: list[int] = []

    def work(n: int) -> None:
        terms = [term for term in [v == i for i in range(200)] if term]
        found.append(len([r.table("t").filter(term) for term in terms]))

    def action() -> None:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert not told(action)
    assert found == [200] * 4
    assert not truth.tests


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True
    )


def test_where_warnings_are_errors_it_is_printed_at_least() -> None:
    code = "from rethinkdb import r\nq = r.table('t').filter(r.row['v'] > 1 and r.row['v'] < 3)"
    assert "ReqlTruthWarning" in python(code, "-Werror").stderr


def test_the_same_line_is_told_once() -> None:
    code = "from rethinkdb import r\nfor n in range(3): not (r.row['v'] == n)"
    assert python(code).stderr.count("ReqlTruthWarning") == 1


def test_the_end_of_the_interpreter_is_silent() -> None:
    code = "from rethinkdb import r\nterm = r.row['v'] == 1\nbool(term)"
    assert python(code).stderr == ""


# The run option `timeout` is one of three commands.


@pytest.mark.parametrize(
    "query", [r.table("t"), r.expr(1), r.table("t").filter(lambda row: row["a"].eq(1))]
)
def test_a_timeout_that_limits_nothing_is_told_where_the_query_is_run(query: Any) -> None:
    with pytest.warns(ReqlRunOptionWarning, match="`deadline`") as caught:
        assert query.start_body({"timeout": 1}, None)[2] == {"timeout": 1}
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "query",
    [
        r.js("1"),
        r.http("http://localhost").merge({}),
        r.table("t").wait(),
        r.expr([1]).map(lambda x: r.do(r.js("x"), x)),
    ],
)
def test_a_timeout_that_has_a_command_is_not_told(query: Any) -> None:
    query.start_body({"timeout": 1}, None)

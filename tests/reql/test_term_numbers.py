"""The enumeration of terms is made when it is first asked for."""

from __future__ import annotations

import pickle
import subprocess
import sys
from enum import IntEnum

import pytest

from rethinkdb import ql2


def test_the_enumeration_has_the_plain_numbers() -> None:
    assert issubclass(ql2.TermType, IntEnum)
    assert {term.value: term.name for term in ql2.TermType} == ql2.TERM_NAMES
    assert ql2.TermType.FILTER == ql2.TermNumber.FILTER == ql2.TermType(39) == 39
    assert type(ql2.TermNumber.FILTER) is int
    assert ql2.TermType.__doc__


def test_it_is_one_class_that_can_be_pickled() -> None:
    assert ql2.TermType is ql2.TermType
    assert pickle.loads(pickle.dumps(ql2.TermType.GET)) is ql2.TermType.GET
    assert "TermType" in dir(ql2)


def test_other_names_are_missing() -> None:
    with pytest.raises(AttributeError, match=r"'rethinkdb\.ql2' has no attribute 'TermTypes'"):
        _ = ql2.TermTypes


def test_a_query_needs_none() -> None:
    program = (
        "from rethinkdb import ql2, r\n"
        "query = r.table('t').filter(r.row['a'] > 1).build()\n"
        "assert 'TermType' not in vars(ql2)\n"
        "import sys\n"
        "assert 'rethinkdb.reql.row_types' not in sys.modules\n"
        "from rethinkdb.ql2 import TermType\n"
        "assert query[0] == TermType.FILTER and 'TermType' in vars(ql2)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

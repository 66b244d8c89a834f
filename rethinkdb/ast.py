"""The classes of terms, under the name by which programs and pickled terms know them.

They are made in `rethinkdb.reql`, those such as `GetAll` when a program first uses them.
"""

from __future__ import annotations

from typing import Any

from rethinkdb.pseudotypes import RqlBinary, RqlTzinfo
from rethinkdb.reql.classes import class_names, constant, term_class
from rethinkdb.reql.conversion import NESTING_DEPTH, binary, expr
from rethinkdb.reql.inserts import Documents
from rethinkdb.reql.literals import (
    DB,
    Binary,
    Constant,
    Datum,
    Func,
    ImplicitVar,
    MakeArray,
    MakeObj,
    Table,
    Var,
)
from rethinkdb.reql.pickling import unpickled
from rethinkdb.reql.run_options import build_db, build_options
from rethinkdb.reql.term import RqlQuery

__all__ = [
    "DB",
    "NESTING_DEPTH",
    "Binary",
    "Constant",
    "Datum",
    "Documents",
    "Func",
    "ImplicitVar",
    "MakeArray",
    "MakeObj",
    "RqlBinary",
    "RqlQuery",
    "RqlTzinfo",
    "Table",
    "Var",
    "binary",
    "build_db",
    "build_options",
    "constant",
    "expr",
    "unpickled",
]


def __getattr__(name: str) -> Any:
    return term_class(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *class_names()})

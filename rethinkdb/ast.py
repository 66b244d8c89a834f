"""The classes of terms, under the name by which programs and pickled terms know them.

They are made in `rethinkdb.reql`, those such as `GetAll` when a program first uses them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from rethinkdb.errors import QueryPrinter
from rethinkdb.pseudotypes import RqlBinary, RqlTzinfo
from rethinkdb.repl import Repl
from rethinkdb.reql import functions  # noqa: F401  # declares the commands that only `r` has
from rethinkdb.reql.classes import class_names, constant, term_class
from rethinkdb.reql.conversion import NESTING_DEPTH, binary, expr
from rethinkdb.reql.inserts import Documents
from rethinkdb.reql.literals import (
    DB,
    Binary,
    Constant,
    Datum,
    Foreign,
    Func,
    FunCall,
    ImplicitVar,
    MakeArray,
    MakeObj,
    Table,
    Var,
)
from rethinkdb.reql.pickling import unpickled
from rethinkdb.reql.rows import holds_row
from rethinkdb.reql.run_options import build_db, build_options
from rethinkdb.reql.term import RqlQuery
from rethinkdb.reql.typed_terms import Array, Single, Stream, TypedTable

__all__ = [
    "DB",
    "NESTING_DEPTH",
    "Array",
    "Binary",
    "Constant",
    "Datum",
    "Documents",
    "Foreign",
    "FunCall",
    "Func",
    "ImplicitVar",
    "MakeArray",
    "MakeObj",
    "QueryPrinter",
    "Repl",
    "RqlBinary",
    "RqlQuery",
    "RqlTzinfo",
    "Single",
    "Stream",
    "Table",
    "TypedTable",
    "Var",
    "binary",
    "build_db",
    "build_options",
    "constant",
    "expr",
    "unpickled",
]

#: Names of the official package; whoever needs none of them shall not load what they need.
_ELSEWHERE = {"ReQLDecoder": "rethinkdb.codec", "ReQLEncoder": "rethinkdb.codec"}

# Old names of the official package. They are from the time of Python 2.
dict_items = dict.items
dict_keys = dict.keys
_ivar_scan = holds_row


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    return term_class(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *class_names(), *_ELSEWHERE})

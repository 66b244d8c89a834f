"""Databases, tables, and selecting rows by key."""

from __future__ import annotations

import re
from collections.abc import Callable

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import MAXVAL, MINVAL, Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import Database, Selection, SingleSelection, Table, TableSlice
from rethinkdb.embedded.failures import QueryFailure, about_user, logic, non_existence
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.evaluation import located as located_at
from rethinkdb.embedded.language.registry import MANY, term
from rethinkdb.embedded.storage import access
from rethinkdb.ql2 import TermType

DEFAULT_DATABASE = "test"
READ_MODES = frozenset(("majority", "single", "outdated", "_debug_direct"))
IDENTIFIER_FORMATS = frozenset(("name", "uuid"))
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


# -- names


def check_name(name: str, kind: str) -> str:
    """Checks a name of a database, table or server tag. Raises if a character is not allowed."""
    if not _NAME.fullmatch(name):
        raise logic(f"{kind} name `{name}` invalid (Use A-Z, a-z, 0-9, _ and - only).")
    return name


def name_argument(call: Call, index: int, kind: str) -> str:
    """An argument as a valid name. Raises if it is none."""
    return located(call, index, lambda: check_name(call.string(index), kind))


def located(call: Call, index: int, check: Callable[[], str]) -> str:
    """Runs a check of an argument. If it fails, the error points at the argument."""
    try:
        return check()
    except QueryFailure as failure:
        if failure.backtrace is None:
            failure.backtrace = call.backtrace(index)
        raise


def database_and_name(call: Call, kind: str = "Table") -> tuple[Database, str]:
    """The arguments of `r.table...(name)` and `r.db(...).table...(name)`."""
    if call.count == 1:
        return default_database(call), name_argument(call, 0, kind)
    return call.database(0), name_argument(call, 1, kind)


def default_database(call: Call) -> Database:
    """The database of the run options, or `test` if they name none."""
    environment = call.environment
    if "db" in environment.options:
        # An error about a run option points at the whole query.
        return located_at(values.as_database, environment.option("db"), ())
    return environment.store.open_database(DEFAULT_DATABASE)


# -- databases and tables


@term(TermType.DB, 1, determinism=Determinism.NEVER)
def db(call: Call) -> Database:
    """`r.db(name)`."""
    return call.environment.store.open_database(name_argument(call, 0, "Database"))


@term(
    TermType.TABLE,
    1,
    2,
    options=("read_mode", "use_outdated", "identifier_format"),
    determinism=Determinism.NEVER,
)
def table(call: Call) -> Table:
    """`r.table(name)`, `r.db(...).table(name)`."""
    if call.has_option("use_outdated"):
        call.option("use_outdated")
        raise logic(
            "The `use_outdated` optarg is no longer supported.  Use the `read_mode` optarg instead."
        )
    read_mode = _choice(call, "read_mode", "Read mode", READ_MODES, "single")
    identifier_format = _choice(
        call, "identifier_format", "Identifier format", IDENTIFIER_FORMATS, "name"
    )
    database, name = database_and_name(call)
    data = call.environment.store.table_data(database, name, identifier_format)
    return Table(database, name, data, read_mode, call.place)


_CHOICES = {
    "read_mode": '"majority", "single", and "outdated"',
    "identifier_format": '"name" and "uuid"',
}


def _choice(call: Call, option: str, title: str, known: frozenset[str], default: str) -> str:
    chosen: str = call.option_as(option, datum.as_string, default)
    if chosen not in known:
        raise logic(f"{title} `{chosen}` unrecognized (options are {_CHOICES[option]}).")
    return chosen


# -- rows


@term(TermType.GET, 2)
def get(call: Call) -> SingleSelection:
    """`table.get(key)`."""
    call.value(0)
    key = call.datum(1)
    table = call.table(0)

    def read() -> Datum:
        access.require_read(call.environment, table, (key,))
        try:
            return table.data.get(key)
        except QueryFailure as failure:  # it cannot be a key
            raise about_user(failure) from None

    return SingleSelection(table, key, read)


@term(TermType.GET_ALL, 1, MANY, options=("index",))
def get_all(call: Call) -> Selection:
    """`table.get_all(key, ...)`."""
    table = call.table(0)
    index = call.option_as("index", datum.as_string)
    keys = tuple(_lookup_key(call, place) for place in range(1, call.count))
    part = TableSlice(table, index, keys=keys)
    return Selection(table, call.environment.read(part))


def _lookup_key(call: Call, place: int) -> Datum:
    key = call.datum(place)
    if datum.is_geometry(key):
        raise logic(
            "Cannot use a geospatial index with `get_all`. Use `get_intersecting` instead.",
            call.backtrace(place),
        )
    if key is None:
        raise non_existence("Keys cannot be NULL.", call.backtrace(place))
    return key


@term(TermType.BETWEEN, 3, options=("index", "left_bound", "right_bound"))
def between(call: Call) -> TableSlice:
    """`table.between(lower, upper)`."""
    return _between(call, null_is_unbounded=False)


@term(TermType.BETWEEN_DEPRECATED, 3, options=("index", "left_bound", "right_bound"))
def between_deprecated(call: Call) -> TableSlice:
    """The `between` of old drivers. For it, null means: no bound."""
    return _between(call, null_is_unbounded=True)


def _between(call: Call, *, null_is_unbounded: bool) -> TableSlice:
    part = call.table_slice(0)
    left_closed = not is_open(call, "left_bound", default="closed")
    right_closed = not is_open(call, "right_bound", default="open")
    left, right = (
        _bound(call, place, unbounded if null_is_unbounded else None)
        for place, unbounded in ((1, MINVAL), (2, MAXVAL))
    )
    chosen = call.option_as("index", datum.as_string)
    known = part.table.data.primary_key if part.index is None else part.index
    index = known if chosen is None else chosen
    if part.bounded:
        raise logic("Cannot perform multiple BETWEENs on the same table.", part.table.backtrace)
    if part.index not in (None, index):
        raise logic(
            f"Cannot call BETWEEN on index `{index}` after ordering on index `{part.index}`.",
            part.table.backtrace,
        )
    return part.narrowed(
        index=index,
        left=left,
        left_closed=left_closed,
        right=right,
        right_closed=right_closed,
        bounded=True,
    )


def _bound(call: Call, place: int, unbounded: Datum) -> Datum:
    found = call.datum(place)
    if found is not None:
        return found
    if unbounded is None:
        raise logic(
            "Cannot use `null` in BETWEEN, use `r.minval` or `r.maxval` to denote unboundedness.",
            call.backtrace(place),
        )
    return unbounded


def is_open(call: Call, option: str, default: str) -> bool:
    """Whether a bound is "open", not "closed"."""
    chosen = call.option_as(option, datum.as_string, default)
    if chosen not in ("open", "closed"):
        raise logic(
            f"Expected `open` or `closed` for optarg `{option}` (got `{datum.truncated(chosen)}`)."
        )
    return bool(chosen == "open")

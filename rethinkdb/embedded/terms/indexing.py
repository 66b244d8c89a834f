"""Secondary indexes and write hooks."""

from __future__ import annotations

from typing import Any

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import Function, Table
from rethinkdb.embedded.failures import QueryFailure, logic, op_failed
from rethinkdb.embedded.language import stored_functions
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, term
from rethinkdb.embedded.language.stored_functions import (
    INDEX_PREFIX,
    WRITE_HOOK_PREFIX,
    NotStoredFunction,
    StoredFunction,
)
from rethinkdb.embedded.storage import access, permissions
from rethinkdb.embedded.storage.indexes import Index, IndexDefinition
from rethinkdb.embedded.storage.tables import StoredTable, WriteHook, build_index
from rethinkdb.embedded.system.configuration import special
from rethinkdb.ql2 import TermType

SECONDS_BETWEEN_LOOKS = 0.05

_FIELD_PARAMETER = -19
"""What a real server names the row in the function of an index on a field."""


# -- making and dropping indexes


@term(TermType.INDEX_CREATE, 2, 3, options=("multi", "geo"), writes=True)
def index_create(call: Call) -> Datum:
    """`table.index_create(name)`, with a function, or with one as `index_status` shows it."""
    table, name = call.table(0), datum.as_string(call.datum(1))
    _check_not_primary(table, name)
    function, multi, geo = _index_function(call, name)
    multi = bool(call.option_as("multi", datum.truth, multi))
    geo = bool(call.option_as("geo", datum.truth, geo))
    if table.data.is_system:
        raise special("you can't create secondary indexes on the tables in it.")
    store = call.environment.store
    with store.lock:
        permissions.require_config(call.environment, table.database.id, table.data.id)
        _require_majority(table, name, "created")
        if name in table.data.indexes:
            raise op_failed(f"Index `{name}` already exists on table `{table.display_name}`.")
        index = Index(name, IndexDefinition(function, multi, geo, function))
        assert isinstance(table.data, StoredTable)
        build_index(table.data, index)
        store.configuration_changed()
    return {"created": 1}


def _require_majority(table: Table, index: str, done: str) -> None:
    # A real server puts the name of the index where the name of the table belongs.
    name = f"{table.database.name}.{index}"
    access.require_majority(table.data, name, f"The secondary index was not {done}.")


def _check_not_primary(table: Table, name: str) -> None:
    if name == table.data.primary_key:
        raise logic(f"Index name conflict: `{name}` is the name of the primary key.")


def _index_function(call: Call, name: str) -> tuple[StoredFunction, bool, bool]:
    """The function of a new index. Also whether it is multi and geo, if its stored form says so."""
    store = call.environment.store
    if call.count == 2:
        return StoredFunction.field(name, _FIELD_PARAMETER, store), False, False
    given = call.value(2)
    if values.is_datum(given) and isinstance(call.datum(2), bytes):
        function, kept = _loaded(call, given)
        return function, kept["multi"], kept["geo"]
    return _deterministic(call, 2, "Index functions must be deterministic."), False, False


def _loaded(call: Call, given: bytes) -> tuple[StoredFunction, dict[str, Any]]:
    if not given.startswith(INDEX_PREFIX.encode()):
        raise logic(
            "Cannot create an sindex except from a reql_index_function returned from"
            " `index_status` in the field `function`.",
            call.backtrace(2),
        )
    try:
        return stored_functions.load(given, INDEX_PREFIX, call.environment.store)
    except NotStoredFunction as problem:
        raise logic(
            "Binary blob passed to index create could not be interpreted as a reql_index_function"
            f" ({problem}).",
            call.backtrace(2),
        ) from problem


def _deterministic(call: Call, place: int, rule: str) -> StoredFunction:
    function = call.function(place)
    backtrace = function.body.backtrace if isinstance(function, Function) else None
    if not isinstance(function, Function) or not call.determinism(place).holds():
        raise logic(
            f"Could not prove function deterministic.  {rule}", backtrace or call.backtrace(place)
        )
    return StoredFunction.of(function, call.environment.store)


@term(TermType.INDEX_DROP, 2, writes=True)
def index_drop(call: Call) -> Datum:
    """`table.index_drop(name)`."""
    table, name = call.table(0), datum.as_string(call.datum(1))
    store = call.environment.store
    with store.lock:
        permissions.require_config(call.environment, table.database.id, table.data.id)
        _require_majority(table, name, "dropped")
        if name not in table.data.indexes:
            raise _missing(name, table)
        del table.data.indexes[name]
        store.configuration_changed()
    return {"dropped": 1}


def _missing(name: str, table: Table) -> QueryFailure:
    return op_failed(f"Index `{name}` does not exist on table `{table.display_name}`.")


@term(TermType.INDEX_RENAME, 3, options=("overwrite",), writes=True)
def index_rename(call: Call) -> Datum:
    """`table.index_rename(old, new)`."""
    table, old, new = call.table(0), call.string(1), call.string(2)
    for name in (old, new):
        _check_not_primary(table, name)
    overwrite = bool(call.option_as("overwrite", datum.truth, False))
    store = call.environment.store
    with store.lock:
        permissions.require_config(call.environment, table.database.id, table.data.id)
        _require_majority(table, old, "renamed")
        indexes = table.data.indexes
        if old not in indexes and (overwrite or table.data.is_system):
            raise _missing(old, table)
        if old not in indexes or (new in indexes and new != old and not overwrite):
            raise op_failed(
                f"Index `{old}` does not exist or index `{new}` already exists"
                f" on table `{table.display_name}`."
            )
        index = indexes[new] = indexes.pop(old)
        index.name = new
        store.configuration_changed()
    return {"renamed": int(old != new)}


# -- looking at indexes


@term(TermType.INDEX_LIST, 1)
def index_list(call: Call) -> Datum:
    """`table.index_list()`."""
    table = call.table(0)
    _require_reachable(table)
    return sorted(table.data.indexes)


def _require_reachable(table: Table) -> None:
    failing = "Failed to retrieve all secondary indexes."
    access.require_reachable(table.data, table.display_name, failing)


@term(TermType.INDEX_STATUS, 1, MANY)
def index_status(call: Call) -> Datum:
    """`table.index_status(name, ...)`: all indexes if none is named."""
    return _statuses(call)


@term(TermType.INDEX_WAIT, 1, MANY, writes=True)
def index_wait(call: Call) -> Datum:
    """`table.index_wait(name, ...)`: waits until they are built."""
    while not all(index.wait(SECONDS_BETWEEN_LOOKS) for index in _chosen(call)):
        call.environment.check_interrupted()
    return _statuses(call)


def _statuses(call: Call) -> list[Datum]:
    return [_status(index) for index in _chosen(call)]


def _chosen(call: Call) -> list[Index]:
    table = call.table(0)
    wanted = {call.string(place) for place in range(1, call.count)}
    _require_reachable(table)
    with call.environment.store.lock:
        indexes = dict(table.data.indexes)
    for name in sorted(wanted):
        if name not in indexes:
            raise op_failed(f"Index `{name}` was not found on table `{table.display_name}`.")
    return [indexes[name] for name in sorted(wanted or indexes)]


def _status(index: Index) -> dict[str, Datum]:
    function: StoredFunction = index.definition.source
    flags = [f"{name}: true" for name in ("multi", "geo") if getattr(index, name)]
    options = f", {{{', '.join(flags)}}}" if flags else ""
    progress = {} if index.ready else {"progress": index.progress}
    return {
        **progress,
        "function": function.dumped(INDEX_PREFIX, multi=index.multi, geo=index.geo),
        "geo": index.geo,
        "index": index.name,
        "multi": index.multi,
        "outdated": False,
        "query": f"indexCreate('{index.name}', {function.source()}{options})",
        "ready": index.ready,
    }


# -- write hooks


@term(TermType.SET_WRITE_HOOK, 2, determinism=Determinism.NEVER, writes=True)
def set_write_hook(call: Call) -> Datum:
    """`table.set_write_hook(function)`. Null removes the hook."""
    table = call.table(0)
    existed = table.data.write_hook is not None
    hook = _write_hook(call)
    if table.data.is_system:
        raise special("you can't set a write hook on the tables in it.")
    store = call.environment.store
    with store.lock:
        permissions.require_config(call.environment, table.database.id, table.data.id)
        table.data.write_hook = hook
        store.configuration_changed()
    if hook is None:
        return {"deleted": 1}
    return {"replaced" if existed else "created": 1}


def _write_hook(call: Call) -> WriteHook | None:
    given = call.value(1)
    if values.is_datum(given) and call.datum(1) is None:
        return None
    if values.is_datum(given) and isinstance(given, bytes):
        function = _loaded_hook(call, given)
    else:
        function = _deterministic(call, 1, "Write hook functions must be deterministic.")
    if function.arity != 3:
        raise logic("Write hook functions must expect 3 arguments.")
    source = {
        "function": function.dumped(WRITE_HOOK_PREFIX),
        "query": f"setWriteHook({function.source()})",
    }
    return WriteHook(function, source)


def _loaded_hook(call: Call, given: bytes) -> StoredFunction:
    problem: Exception | None = None
    if given.startswith(WRITE_HOOK_PREFIX.encode()):
        try:
            return stored_functions.load(given, WRITE_HOOK_PREFIX, call.environment.store)[0]
        except NotStoredFunction as exc:
            problem = exc
    raise logic(
        "Cannot create a write hook except from a reql_write_hook_function returned from"
        " `get_write_hook`."
    ) from problem


@term(TermType.GET_WRITE_HOOK, 1, determinism=Determinism.NEVER, writes=True)
def get_write_hook(call: Call) -> Datum:
    """`table.get_write_hook()`: null if there is none."""
    table = call.table(0)
    if table.data.is_system:
        return None
    permissions.require_config(call.environment, table.database.id, table.data.id)
    access.require_write_hook(table.data)
    hook = table.data.write_hook
    return None if hook is None else hook.source

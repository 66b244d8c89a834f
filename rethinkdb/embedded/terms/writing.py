"""Writing to tables: insert, update, replace, delete, for_each, sync."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from rethinkdb.embedded.data import datum, merging, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.pseudotypes import STRAY_LITERAL
from rethinkdb.embedded.data.streams import Stream
from rethinkdb.embedded.data.values import AnyFunction, Function, SingleSelection, Table, Value
from rethinkdb.embedded.failures import QueryFailure, logic, op_failed
from rethinkdb.embedded.language.evaluation import Call, as_function
from rethinkdb.embedded.language.registry import Shortcut, term
from rethinkdb.embedded.storage import access, permissions
from rethinkdb.embedded.storage.tables import StoredTable
from rethinkdb.embedded.storage.write_results import ReturnChanges, Tally, Total
from rethinkdb.embedded.storage.writes import Conflict, Replacement, Writer
from rethinkdb.ql2 import TermType

WRITE_OPTIONS = ("durability", "return_vals", "return_changes", "ignore_write_hook")
INSERT_OPTIONS = (*WRITE_OPTIONS, "conflict")
REPLACE_OPTIONS = (*WRITE_OPTIONS, "non_atomic")


# -- options


def check_durability(call: Call, default: str = "hard") -> str:
    """Checks the option `durability`: in memory it changes nothing, but must be a valid value."""
    chosen: str = call.option_as("durability", datum.as_string, default)
    if chosen not in ("hard", "soft"):
        raise logic(
            f'Durability option `{chosen}` unrecognized (options are "hard" and "soft").',
            call.option_backtrace("durability"),
        )
    return chosen


def _note_durability(call: Call, table: Table) -> None:
    """Makes the query's answer wait for the disk, if data is kept there and the write is hard."""
    usual = table.data.durability if isinstance(table.data, StoredTable) else "soft"
    if check_durability(call, usual) == "hard":
        call.environment.hard_writes = True


def _return_changes(call: Call) -> ReturnChanges:
    if call.has_option("return_vals"):
        raise logic(
            "Error: encountered obsolete optarg `return_vals`.  Use `return_changes` instead."
        )
    chosen = call.option("return_changes")
    if not isinstance(chosen, str):
        wanted = call.option_as("return_changes", datum.truth, False)
        return ReturnChanges.CHANGED if wanted else ReturnChanges.NO
    if chosen != "always":
        raise logic(
            f"Invalid return_changes value `{chosen}`"
            " (options are `true`, `false`, and `'always'`.)"
        )
    return ReturnChanges.ALWAYS


def _flag(call: Call, option: str) -> bool:
    return bool(call.option_as(option, datum.truth, False))


def _writer(call: Call, table: Table, tally: Tally) -> Writer:
    ignore = _flag(call, "ignore_write_hook")
    if ignore:
        permissions.require_config(call.environment, table.database.id, table.data.id)
    return Writer(table, call.environment, tally, ignore_write_hook=ignore)


# -- insert


@term(TermType.INSERT, 2, options=INSERT_OPTIONS, writes=True, forbids_writes=True)
def insert(call: Call) -> Datum:
    """`table.insert(document or sequence)`."""
    table = call.table(0)
    tally = Tally(_return_changes(call), call.array_limit)
    conflict = _conflict(call, table)
    _note_durability(call, table)
    _check_conflict_arity(call)
    writer = _writer(call, table, tally)
    for documents in _batches(call, _documents(call)):
        writer.insert(documents, conflict)
    return tally.as_datum()


def _batches(call: Call, documents: Iterable[Datum]) -> Iterable[Iterable[Datum]]:
    """The documents that a real server writes together: this shows in what it reports first."""
    if isinstance(documents, Stream) and call.environment.batch_limits.rows < math.inf:
        return documents.batches(call.environment.portions())
    return [documents]


def _documents(call: Call) -> Iterable[Datum]:
    given = call.value(1)
    if values.is_datum(given):
        document = call.datum(1)
        if isinstance(document, dict):
            return [document]
    if values.kind_name(given) != "DATUM":
        return call.stream(1)
    documents = values.as_stream(
        given, call.environment
    )  # if it is not an array, the error points at the insert
    _ = call.environment.batch_limits  # checks the batch options
    return documents


def _conflict(call: Call, table: Table) -> Conflict:
    chosen = call.option("conflict")
    if isinstance(chosen, (Function, values.NativeFunction)):
        return _conflict_function(call, chosen, table.data.primary_key)
    name = call.option_as("conflict", datum.as_string, "error")
    if name not in _CONFLICTS:
        raise logic(
            f'Conflict option `{name}` unrecognized (options are "error", "replace" and "update").',
            call.option_backtrace("conflict"),
        )
    return _CONFLICTS[name](table.data.primary_key)


def _conflict_function(call: Call, function: AnyFunction, primary_key: str) -> Conflict:
    node = call.option_node("conflict")
    if node is not None and not node.determinism.holds(within_one_query=True):
        raise logic("The conflict function passed to `insert` must be deterministic.")
    # A real server passes the name of the primary key, not its value.
    return lambda old, new: function(primary_key, old, new)


def _check_conflict_arity(call: Call) -> None:
    """Checked after the durability, as on a real server."""
    chosen = call.option("conflict")
    if not isinstance(chosen, (Function, values.NativeFunction)):
        return
    if chosen.arity not in (0, 3):
        raise logic("The conflict function passed to `insert` should expect 3 arguments.")


def _refuse_conflict(primary_key: str) -> Conflict:
    def refuse(old: Datum, new: Datum) -> Datum:
        raise op_failed(
            f"Duplicate primary key `{primary_key}`:\n{datum.pretty(old)}\n{datum.pretty(new)}"
        )

    return refuse


_CONFLICTS: dict[str, Callable[[str], Conflict]] = {
    "error": _refuse_conflict,
    "replace": lambda _: lambda old, new: new,
    "update": lambda _: lambda old, new: merging.merge(old, new),
}


# -- update, replace, delete


@term(TermType.UPDATE, 2, options=REPLACE_OPTIONS, writes=True, forbids_writes=True, rewritten=True)
def update(call: Call) -> Datum:
    """`selection.update(object or function)`."""
    return _write_rows(call, _updating, call.determinism(1))


def _updating(call: Call) -> Replacement:
    # A real server rewrites `update` to a `replace` by a function. So the new fields are computed
    # for each row, and a failure in that is a failure of the row, not of the query.
    once = call.determinism(1).holds(within_one_query=True)
    evaluate = call.value if once else call.evaluated

    def replacement(old: Datum) -> Datum:
        if old is None:
            return None
        change = as_function(evaluate(1, literal_ok=True), Shortcut.CONSTANT)
        new = values.as_datum(change.call(old, literal_ok=True))
        if new is None:
            return old
        if merging.is_literal(new):
            raise logic(STRAY_LITERAL)
        if isinstance(new, dict) and datum.reql_type(new) is not None:
            raise logic(f"Cannot merge objects of type `{datum.type_name(new)}`.")
        return merging.merge(old, new) if isinstance(new, dict) else new

    return replacement


@term(TermType.REPLACE, 2, options=REPLACE_OPTIONS, writes=True, forbids_writes=True)
def replace(call: Call) -> Datum:
    """`selection.replace(object or function)`."""
    return _write_rows(call, _replacing, call.determinism(1))


def _replacing(call: Call) -> Replacement:
    function = call.function(1, Shortcut.CONSTANT)
    return lambda old: values.as_datum(function.call(old, literal_ok=True))


@term(TermType.DELETE, 1, options=REPLACE_OPTIONS, writes=True, forbids_writes=True, rewritten=True)
def delete(call: Call) -> Datum:
    """`selection.delete()`."""
    return _write_rows(call, lambda call: lambda old: None, Determinism.ALWAYS)


def _write_rows(
    call: Call, make_replacement: Callable[[Call], Replacement], determinism: Determinism
) -> Datum:
    """Writes the rows of the first argument. It checks the options first, and the rows last."""
    non_atomic = _flag(call, "non_atomic")
    tally = Tally(_return_changes(call), call.array_limit)
    check_durability(call)
    deterministic = determinism.holds(within_one_query=True)
    if not deterministic and not non_atomic:
        raise logic(
            "Could not prove argument deterministic.  Maybe you want to use the non_atomic flag?"
        )
    replacement = make_replacement(call)
    subject = call.value(0)
    if isinstance(subject, SingleSelection):
        _note_durability(call, subject.table)
        writer = _writer(call, subject.table, tally)
        if deterministic:
            writer.replace([subject.key], replacement)
        else:
            writer.replace_with_results([(subject.key, subject.row())], replacement)
        return tally.as_datum()
    selection = call.selection(0)
    access.require_read(call.environment, selection.table)
    key_of = selection.table.data.key_of
    _note_durability(call, selection.table)
    writer = _writer(call, selection.table, tally)
    for batch in selection.stream.batches(call.environment.portions()):
        if deterministic:
            writer.replace(map(key_of, batch), replacement)
        else:
            writer.replace_with_results([(key_of(row), row) for row in batch], replacement)
    return tally.as_datum()


# -- several writes


@term(TermType.FOR_EACH, 2)
def for_each(call: Call) -> Datum:
    """`sequence.for_each(function)`: runs the writes of the function for each element."""
    rows, function = call.stream(0), call.function(1, Shortcut.CONSTANT)
    total = Total(call.array_limit)
    for row in rows.all_rows():
        call.environment.check_interrupted()
        result = function.call(row)
        try:
            _add_results(total, result)
        except QueryFailure as failure:
            raise _not_writes(call, function, result, failure) from failure
    return total.as_datum()


def _add_results(total: Total, result: Value) -> None:
    found = values.as_datum(result)
    for item in [found] if isinstance(found, dict) else datum.as_array(found):
        total.add(datum.as_object(item))


def _not_writes(
    call: Call, function: AnyFunction, result: Value, failure: QueryFailure
) -> QueryFailure:
    said = "FOR_EACH expects one or more basic write queries."
    if values.is_datum(result):  # the error does not even name the type of other values
        said = f"{said}  {failure.message}"
    backtrace = function.body.backtrace if isinstance(function, Function) else call.backtrace(1)
    return QueryFailure(failure.kind, said, backtrace)


@term(TermType.SYNC, 1, determinism=Determinism.NEVER, writes=True)
def sync(call: Call) -> Datum:
    """`table.sync()`: waits until all writes are on disk, if data is kept there."""
    table = call.table(0)
    permissions.require_write(call.environment, table)
    if table.data.is_system:
        raise op_failed("Artificial tables don't support `sync()`.")
    with access.writing(call.environment, table):
        call.environment.hard_writes = True
    return {"synced": 1}

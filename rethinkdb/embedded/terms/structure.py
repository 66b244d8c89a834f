"""Array literals, `r.args`, function calls, `r.minval` and `r.maxval`."""

from __future__ import annotations

from rethinkdb.embedded.data import datum, values
from rethinkdb.embedded.data.datum import Datum, Extremum
from rethinkdb.embedded.data.grouped_streams import GroupedStream
from rethinkdb.embedded.data.values import GroupedData, Value
from rethinkdb.embedded.language import results
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, Grouping, Shortcut, term
from rethinkdb.ql2 import TermType


@term(TermType.MAKE_ARRAY, 0, MANY)
def make_array(call: Call) -> list[Datum]:
    return datum.array((call.datum(index) for index in range(call.count)), call.array_limit)


@term(TermType.ARGS, 1)
def args(call: Call) -> Value:
    """Returns its array. If it is an argument of another term, the evaluation of that term inserts
    the elements as arguments.
    """
    datum.as_array(call.datum(0))
    return call.value(0)


@term(TermType.FUNCALL, 1, MANY, options=("_SHORTCUT_", "_EVAL_FLAGS_"), grouping=Grouping.WHOLE)
def funcall(call: Call) -> Value:
    """`do`. The function is the first argument on the wire. If the second argument is grouped data,
    the function is called for each group.
    """
    if call.count == 1:
        groups = results.ungrouped(call.value(0))
        if groups is not None:
            return groups
    function = call.function(0, Shortcut.CONSTANT)
    if call.count == 1:
        return function.call()
    subject = call.value(1)
    rest = [call.datum(index) for index in range(2, call.count)]
    if isinstance(subject, GroupedStream):
        subject = results.collected(subject)
    if isinstance(subject, GroupedData):
        return subject.transformed(
            lambda value: values.as_datum(function.call(values.as_datum(value), *rest))
        )
    return function.call(call.datum(1), *rest)


@term(TermType.MINVAL, 0)
def minval(call: Call) -> Extremum:
    return datum.MINVAL


@term(TermType.MAXVAL, 0)
def maxval(call: Call) -> Extremum:
    return datum.MAXVAL

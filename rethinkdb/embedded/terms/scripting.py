"""JavaScript."""

from __future__ import annotations

from collections.abc import Sequence

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import NativeFunction, Value
from rethinkdb.embedded.failures import QueryFailure, logic
from rethinkdb.embedded.language.evaluation import Call, located
from rethinkdb.embedded.language.registry import term
from rethinkdb.embedded.outside import javascript
from rethinkdb.ql2 import TermType

_DEFAULT_TIMEOUT = 5.0


@term(TermType.JAVASCRIPT, 1, options=("timeout",), determinism=Determinism.NEVER)
def javascript_(call: Call) -> Value:
    """The result of a script: a datum, or a function that can be used where one is expected."""
    timeout = call.option_as("timeout", datum.as_number, _DEFAULT_TIMEOUT)
    source = datum.as_string(call.datum(0))
    interruption = call.environment.interruption
    given = javascript.evaluate(source, timeout, interruption)
    limit = call.array_limit
    if not given.is_function:
        return _checked(given.value, limit)
    place = call.place

    def result(arguments: Sequence[Datum]) -> Datum:
        return _checked(javascript.call(source, arguments, timeout, interruption), limit)

    def function(*arguments: Datum) -> Datum:
        # The error points at the script, wherever the function is called.
        return located(result, arguments, place)

    milliseconds = int(timeout * 1000)
    return NativeFunction(
        function,
        determinism=Determinism.NEVER,
        source=f"javascript timeout={milliseconds}ms, source={source}",
    )


def _checked(value: Datum, limit: int) -> Datum:
    """The result of a script. Raises if one of its arrays is too large.

    An array of a query that is too large is a resource error. For an array of a script, a real
    server reports a logic error with the same text.
    """
    try:
        datum.check_all_arrays(value, limit)
    except QueryFailure as failure:
        raise logic(failure.message) from failure
    return value

"""What fits no other area: branch, default, error, json, to_json_string, binary, uuid, random."""

from __future__ import annotations

import math
import uuid as uuids

from rethinkdb.embedded.data import datum, jsonparsing, values
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.determinism import Determinism
from rethinkdb.embedded.data.values import Function, NativeFunction, Value
from rethinkdb.embedded.failures import FailureKind, QueryFailure, logic
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import MANY, Grouping, term
from rethinkdb.ql2 import TermType

# -- choices


@term(TermType.BRANCH, 3, MANY)
def branch(call: Call) -> Value:
    """The value after the first true test, else the last value. The others are not evaluated."""
    if call.count % 2 == 0:
        raise logic("Cannot call `branch` term with an even number of arguments.")
    for index in range(0, call.count - 1, 2):
        if call.boolean(index):
            return call.value(index + 1)
    return call.value(call.count - 1)


# -- errors


@term(TermType.ERROR, 0, 1)
def error(call: Call) -> Value:
    if call.count == 0:
        raise QueryFailure(FailureKind.EMPTY_USER, "Empty ERROR term outside a default block.")
    # For a real server the message is a C string, so it ends at the first NUL.
    raise QueryFailure(FailureKind.USER, call.string(0).partition("\0")[0])


@term(TermType.DEFAULT, 2, grouping=Grouping.WHOLE)
def default(call: Call) -> Value:
    """The first argument. If it is null, or fails because something is missing, the second.

    If the second argument is a function, it gets the message of the failure. `r.error()` without a
    message raises that failure again.
    """
    failure, reason = None, None
    try:
        value = call.value(0)
        if not values.is_datum(value) or values.as_datum(value) is not None:
            return value
    except QueryFailure as caught:
        if caught.kind is not FailureKind.NON_EXISTENCE:
            raise
        failure, reason = caught, caught.message
    try:
        replacement = call.value(1)
        if isinstance(replacement, (Function, NativeFunction)):
            return replacement.call(reason)
        return replacement
    except QueryFailure as caught:
        if caught.kind is not FailureKind.EMPTY_USER:
            raise
    if failure is not None:
        raise failure
    return None


# -- JSON, bytes


@term(TermType.JSON, 1)
def json(call: Call) -> Datum:
    text = call.string(0)
    value = jsonparsing.parse(text)
    # Most texts are too short to hold an array over the limit. Their values are not searched.
    if text.count(",") >= call.array_limit:
        datum.check_all_arrays(value, call.array_limit)
    return value


@term(TermType.TO_JSON_STRING, 1)
def to_json_string(call: Call) -> str:
    return datum.compact(call.datum(0))


@term(TermType.BINARY, 1)
def binary(call: Call) -> bytes:
    """A string as its bytes in UTF-8. Binary data is returned as it is."""
    value = call.datum(0)
    return value if isinstance(value, bytes) else datum.as_string(value).encode()


# -- chance

_NAMESPACE = uuids.UUID("91461c99-f89d-49d2-af96-d8e2e14e9b58")


@term(TermType.UUID, 0, 1, determinism=Determinism.NEVER, depends_on_arguments=True)
def uuid(call: Call) -> str:
    """A random identifier. For a string, an identifier that is always the same for that string."""
    if call.count == 0:
        return call.environment.store.chance.new_uuid()
    return str(uuids.uuid5(_NAMESPACE, call.string(0)))


@term(TermType.RANDOM, 0, 2, options=("float",), determinism=Determinism.NEVER)
def random(call: Call) -> float:
    """A number from the first bound up to the second, but never the second itself.

    With bounds it is an integer, unless the option `float` is set.
    """
    wants_float = call.option_as("float", datum.truth, call.count == 0)
    return _random_float(call) if wants_float else _random_integer(call)


def _random_float(call: Call) -> float:
    upper = call.number(call.count - 1) if call.count else 1.0
    lower = call.number(0) if call.count == 2 else 0.0
    # The bounds are halved, because the distance between two large doubles may be infinite.
    result = 2 * (
        lower / 2 + call.environment.store.chance.random.random() * (upper / 2 - lower / 2)
    )
    beyond = result >= upper if upper > lower else result <= upper
    return datum.number(lower if beyond else result)


def _random_integer(call: Call) -> int:
    if call.count == 0:
        raise logic("Generating a random integer requires one or two bounds.")
    lower = _bound("Lower", call.number(0)) if call.count == 2 else 0
    upper = _bound("Upper", call.number(call.count - 1))
    if lower >= upper:
        raise logic(f"Lower bound ({lower}) is not less than upper bound ({upper}).")
    return call.environment.store.chance.random.randrange(lower, upper)


def _bound(name: str, value: float) -> int:
    if not math.isfinite(value) or int(value) != value or abs(value) > datum.LARGEST_INTEGER:
        raise logic(
            f"{name} bound ({datum.print_double(value)}) could not be safely"
            " converted to an integer."
        )
    return int(value)

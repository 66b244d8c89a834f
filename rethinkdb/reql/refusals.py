"""Values that cannot be part of a query: what is wrong, where the value is, and what to write.

The error is made where the value is found. On its way up it learns where that is: each list and
object adds a step of the path, the command adds its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rethinkdb.errors import ReqlDriverCompileError, ReqlDriverError, ReqlTypeError

if TYPE_CHECKING:
    from rethinkdb.reql.types import RqlQuery

__all__ = [
    "foreign",
    "mistake",
    "named",
    "no_connection",
    "not_awaited",
    "place_of",
    "placed",
    "refused",
    "shown",
    "where",
    "within",
]

E = TypeVar("E", bound=ReqlDriverCompileError)

_LONGEST = 80

_MOST_STEPS = 12


class _Refusal:
    """What the text of an error is made of.

    Attributes:
        what: what is wrong.
        advice: what to write.
        path: the steps to the value, from the argument that holds it.
    """

    __slots__ = ("advice", "path", "what")

    def __init__(self, what: str, advice: str) -> None:
        self.what = what
        self.advice = advice
        self.path: tuple[Any, ...] = ()

    def text(self, place: str = "") -> str:
        """The text; `place` is what the path begins at."""
        return f"{self.what}{where(self.path, place)}. {self.advice}"


def where(path: Sequence[Any], place: str) -> str:
    """The place of a value, as the end of a sentence.

    Args:
        path: the steps to it, from the argument that holds it.
        place: what that argument is called.
    """
    parts = [f"at {_path_text(path)}"] if path else []
    parts += [place] if place else []
    return f", {' in '.join(parts)}" if parts else ""


def refused(error: type[E], what: str, advice: str) -> E:
    """An error about a value. It is told where the value is with `within` and `placed`.

    Args:
        error: its class.
        what: what is wrong, without a full stop.
        advice: what to write, as sentences.
    """
    refusal = _Refusal(what, advice)
    made = error(refusal.text())
    vars(made)["_refusal"] = refusal  # for `within` and `placed`
    return made


def within(error: ReqlDriverCompileError, key: Any) -> None:
    """The value is in a list or object, at this position or key."""
    refusal = vars(error).get("_refusal")
    if refusal is not None:
        refusal.path = (key, *refusal.path)
        _say(error, refusal.text())


def placed(error: ReqlDriverCompileError, place: str) -> None:
    """The value is in this argument or option, and nothing more is to be said of it."""
    refusal = vars(error).pop("_refusal", None)
    if refusal is not None:
        _say(error, refusal.text(place))


def place_of(cls: type[RqlQuery], key: int | str) -> str:
    """What an argument, or an option, of terms of a class is called."""
    if not cls.statement:  # a function, or an array or object that a program made of its class
        return ""
    call = "[...]" if cls.statement.startswith("_") else f"{cls.statement}()"
    return f"an argument of {call}" if isinstance(key, int) else f"the option `{key}` of {call}"


def _say(error: ReqlDriverCompileError, text: str) -> None:
    error.message = text
    error.args = (text,)


def _path_text(path: Sequence[Any]) -> str:
    steps = [f"[{key!r}]" for key in path]
    if len(steps) > _MOST_STEPS:
        steps[_MOST_STEPS // 2 : -_MOST_STEPS // 2] = ["..."]
    return "".join(steps)


def named(value: object) -> str:
    """The type of a value with its article."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def shown(value: object) -> str:
    """A value in an error's text: not too long, and whatever its `repr` does."""
    try:
        text = repr(value)
    except Exception:  # a mistake in that would hide the one to tell of
        return named(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


# --- types that ReQL does not have ---------------------------------------------------------------


# What to do with values of a class: what to write in place of `value`; the class, as
# programs know it, or "" for the value's own; and what to give to `r.convert` beside it.
_Way: TypeAlias = "tuple[str, str, str]"

_WAYS: dict[str, _Way] = {
    "datetime.time": ("value.isoformat()", "time", "time.isoformat"),
    "datetime.timedelta": ("value.total_seconds()", "timedelta", "timedelta.total_seconds"),
    "decimal.Decimal": ("str(value) or float(value)", "Decimal", "str"),
    "enum.Enum": ("value.value", "Enum", "lambda member: member.value"),
    "fractions.Fraction": ("str(value) or float(value)", "Fraction", "str"),
    "ipaddress._IPAddressBase": ("str(value)", "", "str"),
    "numpy.generic": ("value.item()", "numpy.generic", "numpy.generic.item"),
    "numpy.ndarray": ("value.tolist()", "numpy.ndarray", "numpy.ndarray.tolist"),
    "pathlib.PurePath": ("str(value)", "PurePath", "str"),
    "pathlib._local.PurePath": ("str(value)", "PurePath", "str"),  # in Python 3.13
    "re.Pattern": ("value.pattern", "re.Pattern", "lambda pattern: pattern.pattern"),
    "uuid.UUID": ("str(value)", "UUID", "str"),
}


# The same for classes that are known by an attribute: that, what to write, and the converter.
_WAYS_BY_MARK = {
    "model_dump": ("value.model_dump()", "{}.model_dump"),
    "__dataclass_fields__": ("dataclasses.asdict(value)", "dataclasses.asdict"),
    "__attrs_attrs__": ("attrs.asdict(value)", "attrs.asdict"),
    "__struct_fields__": ("msgspec.to_builtins(value)", "msgspec.to_builtins"),
}


def _way(kind: type) -> _Way:
    for cls in kind.__mro__:
        way = _WAYS.get(f"{cls.__module__}.{cls.__qualname__}")
        if way is not None:
            return way
    for mark, (expression, converter) in _WAYS_BY_MARK.items():
        if hasattr(kind, mark):
            return (expression, "", converter.format(kind.__name__))
    return ("a value that ReQL has", "", "function")


def foreign(value: object) -> ReqlTypeError:
    """The refusal of a value whose type ReQL does not have."""
    kind = type(value)
    expression, known_as, converter = _way(kind)
    known_as = known_as or kind.__name__
    return refused(
        ReqlTypeError,
        f"Object of type {kind.__name__} is not JSON serializable: {shown(value)}",
        f"Write {expression} in its place, or allow such values once:"
        f" r.convert({known_as}, {converter}) for the process,"
        f" r.connect(..., converters={{{known_as}: {converter}}}) for a connection.",
    )


# --- mistakes ------------------------------------------------------------------------------------


def _is_awaitable(value: object) -> bool:
    return hasattr(type(value), "__await__")


def mistake(value: object) -> ReqlTypeError | None:
    """The refusal of what is a value by mistake: a connection, a cursor, what was not awaited."""
    # The driver's own objects say it themselves, as there are layers above this one.
    told = getattr(type(value), "_instead_of_value", None)
    advice = told(value) if told is not None else None
    if advice is not None:
        return refused(ReqlTypeError, f"Not a value of a query: {named(value)}", advice)
    if _is_awaitable(value):
        return refused(
            ReqlTypeError,
            f"Not a value of a query: {named(value)} that has not been awaited",
            "Write `await` before it, as in `row = await query.run(conn)`, and use what that gives."
            " Or leave out `.run(conn)` and put the query itself here: the server then does both.",
        )
    return None


def not_awaited(given: object, method: str = "run") -> ReqlDriverError | None:
    """The refusal of a connection that has not been awaited. None: `given` is something else."""
    if not _is_awaitable(given):
        return None
    call = "query.run(conn)" if method == "run" else f"query.{method}(..., conn)"
    return ReqlDriverError(
        f"{method}() was given {named(given)} that has not been awaited. Write `conn = await"
        f" r.connect(...)` (in Twisted's inlineCallbacks `yield`), then {call}."
    )


def no_connection(given: object) -> ReqlDriverError:
    """The refusal of what `run` was given in place of a connection."""
    pending = not_awaited(given)
    if pending is not None:
        return pending
    if callable(given):
        return ReqlDriverError(
            "run() takes a connection. For a function use query.run_with(function, conn)."
        )
    return ReqlDriverError(
        f"run() takes a connection, which r.connect(...) makes, or a pool, not"
        f" {named(given)}: {shown(given)}."
    )

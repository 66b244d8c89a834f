"""Converters for Python values whose types ReQL does not have: `r.convert` and `converters=`.

A converter is a function that turns such a value into one that ReQL has. The process has one table
of converters, which `r.convert` changes. Each connection made with `converters=...` has its own
table.

The process's table is used when a query is built. A connection's table is used when the query is
run, and it comes first: if any connection's table has a converter for a value, the value stays in
the query unchanged until the query is run.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable, Mapping
from datetime import date, datetime
from threading import Lock
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeAlias

from rethinkdb.errors import ReqlDriverError

if TYPE_CHECKING:
    import weakref

__all__ = [
    "JSON_TYPES",
    "NO_CONVERTERS",
    "Converter",
    "Converters",
    "Kind",
    "Values",
    "convert",
    "state",
]

#: A class, or a function that returns whether a value is to be converted.
Kind: TypeAlias = "type | Callable[[Any], bool]"

#: Turns a value into one that ReQL has.
Converter: TypeAlias = Callable[[Any], Any]

#: Values of exactly these types are JSON. Most values are, so no converter is looked up for them.
JSON_TYPES = frozenset({str, int, float, bool, type(None), dict, list, tuple})


class Converters:
    """A table of converters. It never changes.

    Args:
        converters: a dict from kind to converter; see `convert` for both.

    Raises:
        ReqlDriverError: a kind or a converter is not allowed.
    """

    __slots__ = ("__weakref__", "_by_class", "_by_test", "items", "otherwise")

    def __init__(self, converters: Mapping[Any, Converter]) -> None:
        for kind, converter in converters.items():
            _check(kind, converter)
        self.items = dict(converters)
        self.otherwise = self.items.get(object)
        self._by_class: dict[type, Converter] = {
            kind: made
            for kind, made in self.items.items()
            if isinstance(kind, type) and kind is not object
        }
        # A class may count as a subclass of an abstract class without inheriting from it.
        self._by_test: list[tuple[Callable[[Any], bool], Converter]] = [
            (_test(kind), made)
            for kind, made in self.items.items()
            if not isinstance(kind, type) or isinstance(kind, ABCMeta)
        ]

    def find(self, value: object) -> Converter | None:
        """The converter for a value, if there is one. The one of `object` does not count."""
        by_class = self._by_class
        for cls in type(value).__mro__:
            # In Python a datetime is also a date, but a converter of dates would drop its time.
            if cls in by_class and not (cls is date and isinstance(value, datetime)):
                return by_class[cls]
        # Do not test classes and functions. A test such as `is_dataclass` accepts classes as well.
        if self._by_test and not isinstance(value, type | FunctionType):
            for test, converter in self._by_test:
                if test(value):
                    return converter
        return None


def _test(kind: Any) -> Callable[[Any], bool]:
    return (lambda value: isinstance(value, kind)) if isinstance(kind, type) else kind


def _check(kind: Any, converter: Any) -> None:
    """Raises unless this can be an entry of a table."""
    if not callable(kind):
        raise ReqlDriverError(
            "Converters are for a class, or for a function that tells whether a value is to be"
            f" converted, not for {kind!r}."
        )
    if kind in JSON_TYPES:
        raise ReqlDriverError(
            f"Values of type {kind.__name__} are never converted, as JSON has them. A converter"
            " may be for a subclass of it."
        )
    if not callable(converter):
        raise ReqlDriverError(
            f"The converter for {_name(kind)} must be a function, not {converter!r}."
        )


def _name(kind: Any) -> str:
    return getattr(kind, "__qualname__", None) or repr(kind)


NO_CONVERTERS = Converters({})


class Values:  # not a NamedTuple: making one would take 1 ms of the time that importing `r` takes
    """How a connection converts values that ReQL does not have.

    Attributes:
        converters: its own table.
        own_encoder: whether the program gave it an encoder, which gets values without a converter.
    """

    __slots__ = ("converters", "own_encoder")

    def __init__(self, converters: Converters, own_encoder: bool) -> None:
        self.converters = converters
        self.own_encoder = own_encoder


class State:
    """All converters of this process.

    Attributes:
        active: whether there are any. If not, converters cost only this check.
        process: the process's table.
        keeps_the_rest: whether some connection may be able to convert any value at all.
    """

    def __init__(self) -> None:
        self.active = False
        self.process = NO_CONVERTERS
        self.keeps_the_rest = False
        self._encoders = False
        # The tables of connections. Weak references, so that unused tables are freed.
        self._tables: tuple[weakref.ref[Converters], ...] = ()
        # For writers only. Attributes are replaced, never changed in place, so readers need none.
        self._lock = Lock()

    def convert(self, kind: Kind, converter: Converter | None) -> None:
        """Changes the process's table."""
        with self._lock:
            items = {key: made for key, made in self.process.items.items() if key != kind}
            if converter is not None:
                items[kind] = converter
            self.process = Converters(items)
            self._update()

    def table(self, converters: Mapping[Any, Converter]) -> Converters:
        """Make a connection's table. Equal tables are shared."""
        import weakref  # imported here, since most programs have no converters

        made = Converters(converters)
        with self._lock:
            living = [table for table in (ref() for ref in self._tables) if table is not None]
            for table in living:
                if table.items == made.items:
                    return table
            self._tables = tuple(weakref.ref(table) for table in [*living, made])
            self._update()
        return made

    def expect_encoders(self) -> None:
        """From now on, a value without a converter may be for an encoder of the program."""
        with self._lock:
            self._encoders = True
            self._update()

    def is_kept(self, value: object) -> bool:
        """Whether a connection's table has a converter for a value.

        If so, the value stays in the query until it is run.
        """
        for ref in self._tables:
            table = ref()
            if table is not None and table.find(value) is not None:
                return True
        return False

    def _update(self) -> None:
        tables = [table for table in (ref() for ref in self._tables) if table is not None]
        others = any(table.otherwise is not None for table in tables)
        self.keeps_the_rest = self._encoders or others
        self.active = bool(self.process.items or tables)


#: The state of this process.
state = State()


def convert(kind: Kind, converter: Converter | None) -> None:
    """Sets how the driver converts Python values that ReQL does not have, for the whole process.

    It applies to queries that are built afterwards. A connection's own converters
    (`r.connect(..., converters={kind: converter})`) come first.

    Args:
        kind: a class, or a function that returns whether a value is to be converted. A class
            includes its subclasses; if several classes fit, the nearest one counts. A datetime does
            not count as a date. `object` means: all values that could otherwise not be part of a
            query.
        converter: a function that gets the value and returns what to send instead. That may be
            anything a query can hold, including values that need another converter. None: remove
            the converter of this kind.

    Raises:
        ReqlDriverError: `kind` is neither a class nor a function, or is a type that JSON has
            (`str`, `int`, `float`, `bool`, `None`, `dict`, `list`, `tuple`); or `converter` is not
            a function.

    Example:
        r.convert(Decimal, str)
        r.table("prices").insert({"price": Decimal("9.99")}).run(conn)
    """
    if converter is None:
        _check(kind, str)  # removing a kind that is never allowed is also a mistake
    state.convert(kind, converter)

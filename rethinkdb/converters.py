"""What becomes of Python values whose types ReQL does not have: `r.convert` and `converters=`.

A converter is a function that makes of such a value one that ReQL has. There is a table of them for
the process, which `r.convert` changes, and one for each connection made with `converters=...`.

The process's table counts when a query is built. A connection's table counts when a query is run,
and before the process's. So a value that some connection's table knows stays in the query as it is
until the query is run.
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

#: A class, or a function that tells whether a value is to be converted.
Kind: TypeAlias = "type | Callable[[Any], bool]"

#: Makes of a value one that ReQL has.
Converter: TypeAlias = Callable[[Any], Any]

#: Values of exactly these types are JSON. They are most values, so no converter is asked for them.
JSON_TYPES = frozenset({str, int, float, bool, type(None), dict, list, tuple})


class Converters:
    """A table of converters. It never changes.

    Args:
        converters: what converts which values, as `convert` takes it.

    Raises:
        ReqlDriverError: an entry of it will not do.
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
        # Classes can be instances of abstract ones without inheriting from them.
        self._by_test: list[tuple[Callable[[Any], bool], Converter]] = [
            (_test(kind), made)
            for kind, made in self.items.items()
            if not isinstance(kind, type) or isinstance(kind, ABCMeta)
        ]

    def find(self, value: object) -> Converter | None:
        """The converter for a value, if there is one but that of `object`."""
        by_class = self._by_class
        for cls in type(value).__mro__:
            # To Python a datetime is a date, but a converter of dates would drop its time.
            if cls in by_class and not (cls is date and isinstance(value, datetime)):
                return by_class[cls]
        # What holds for some objects may hold for their class, too: `is_dataclass` does.
        if self._by_test and not isinstance(value, type | FunctionType):
            for test, converter in self._by_test:
                if test(value):
                    return converter
        return None


def _test(kind: Any) -> Callable[[Any], bool]:
    return (lambda value: isinstance(value, kind)) if isinstance(kind, type) else kind


def _check(kind: Any, converter: Any) -> None:
    """Refuses what cannot be an entry of a table."""
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
    """What a connection makes of values that ReQL does not have.

    Attributes:
        converters: its own table.
        own_encoder: whether its encoder is the program's, and gets what nobody converts.
    """

    __slots__ = ("converters", "own_encoder")

    def __init__(self, converters: Converters, own_encoder: bool) -> None:
        self.converters = converters
        self.own_encoder = own_encoder


class State:
    """What the process knows of converters.

    Attributes:
        active: whether there are any. While there are none, all this costs one look here.
        process: the process's table.
        keeps_the_rest: whether some connection may know any value whatever.
    """

    def __init__(self) -> None:
        self.active = False
        self.process = NO_CONVERTERS
        self.keeps_the_rest = False
        self._encoders = False
        # Those of connections. Tables that nobody uses any more are let go.
        self._tables: tuple[weakref.ref[Converters], ...] = ()
        # All attributes are replaced, not changed, so readers need no lock.
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
        """A connection's table. Equal ones are one."""
        import weakref  # here, as most programs have no converters

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
        """From now on values that nobody else knows may be known to a program's encoder."""
        with self._lock:
            self._encoders = True
            self._update()

    def is_kept(self, value: object) -> bool:
        """Whether some connection's table knows a value, so that it has to wait for the run."""
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
    """Tells the driver, for the whole process, what to make of values that ReQL does not have.

    It counts for queries that are built from then on. Converters of a connection
    (`r.connect(..., converters={kind: converter})`) are asked first.

    Args:
        kind: a class, or a function that tells whether a value is to be converted. Subclasses
            count too; the converter of the nearest class is asked. A datetime is not taken for a
            date. `object` stands for all values that could otherwise not be part of a query.
        converter: a function that is called with the value, and returns what to send in its place.
            That may be anything a query can hold, also values that are converted in turn. None:
            such values are no longer converted.

    Raises:
        ReqlDriverError: `kind` is neither a class nor a function, or a type that JSON has (`str`,
            `int`, `float`, `bool`, `None`, `dict`, `list`, `tuple`); or `converter` is no function.

    Example:
        r.convert(Decimal, str)
        r.table("prices").insert({"price": Decimal("9.99")}).run(conn)
    """
    if converter is None:
        _check(kind, str)  # a kind that can never be there is a mistake here, too
    state.convert(kind, converter)

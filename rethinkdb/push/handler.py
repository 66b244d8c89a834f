"""`Handler`: the methods that a query's results come to, and what stands in for those it lacks."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rethinkdb.errors import ReqlDriverError

from .methods import Invoke, bind, parameters_of
from .rules import RULES, Rule, subscribed

if TYPE_CHECKING:
    from .handle import QueryHandle

__all__ = ["FEED_METHODS", "Attachment", "Handler", "attach", "from_callable"]


def _overridable(method: Callable[..., Any]) -> Callable[..., Any]:
    """To type checkers: overriding methods may have any parameters. `bind` checks them."""
    return method


class Handler:
    """Base of the classes whose methods get what queries give. Define those that matter.

    ===================================  ==========================================================
    `on_open()`                          the first reply of a query has come
    `on_close()`                         last of all, once
    `on_error(error)`                    the query failed, or the connection went
    `on_val(value)`                      any value that no other method takes
    `on_atom(value)`                     a single value that is no array; else `on_val`
    `on_array(array)`                    an array; else `on_atom` gets it, if you have one; else its
                                         elements go to `on_stream_val`
    `on_stream_val(row)`                 a row of a stream; else `on_val`
    `on_change(old, new)`                a row of a changefeed with both
    `on_initial_val(new)`                one with `new_val` only
    `on_uninitial_val(old)`              one with `old_val` only
    `on_change_error(message)`           one with an `error`: rows were dropped, the feed lives on
    `on_state(text)`                     one with a `state`; having the method asks for these rows
    `on_gap(since, until, cause)`        a feed run with `resume="restart"` was lost and goes on:
                                         changes in between are missing; else `on_state("gap")`
    `on_unhandled_change(row)`           one that no other method takes; else `on_stream_val`
    `on_wait_complete()`                 the reply of `noreply_wait_with`
    ===================================  ==========================================================

    A method that takes one parameter more gets the `QueryHandle` too, one that takes none gets
    nothing; see `rethinkdb.push.methods`. On loops that await, methods may be asynchronous: the
    next one is called when it has returned, and the server sends no further batch meanwhile.

    An error that a method raises stops the handler, and all its queries; it is raised where the
    query's handle is awaited. So is a query's error if there is no `on_error`.

    Example::

        class Printer(r.Handler):
            def on_open(self): print("open")
            def on_val(self, row): print(row)
            def on_close(self): print("closed")

        r.table("heroes").run_with(Printer, conn)
    """

    # On the class: subclasses may forget to call __init__.
    _stopped = False
    _handles: frozenset[QueryHandle] | set[QueryHandle] = frozenset()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called, or a method raised."""
        return self._stopped

    def stop(self) -> None:
        """From now on call none of its methods, and stop all its queries on the server."""
        self._stopped = True
        for handle in tuple(self._handles):
            handle._quit()

    def _start(*_: Any, **__: Any) -> None:
        """What `query.run(handler)` comes to, for handlers and their classes."""
        raise ReqlDriverError(
            "run() takes a connection. For a handler use query.run_with(handler, conn)."
        )

    @_overridable
    def on_open(self) -> Any:
        """Does nothing."""

    @_overridable
    def on_close(self) -> Any:
        """Does nothing."""

    @_overridable
    def on_error(self, error: Exception) -> Any:
        """Raises it: so it stops the handler, and shows where the handle is awaited."""
        raise error

    @_overridable
    def on_val(self, value: Any) -> Any:
        """Does nothing."""

    @_overridable
    def on_atom(self, value: Any, handle: QueryHandle | None = None) -> Any:
        """Gives it to `on_val`."""
        return self._fall_back("on_val", value, handle)

    @_overridable
    def on_array(self, array: list[Any], handle: QueryHandle | None = None) -> Any:
        """Gives it to `on_atom` if there is one, else its elements to `on_stream_val`."""
        if is_own(self, "on_atom"):
            return self._fall_back("on_atom", array, handle)
        return self._each(iter(array), handle)

    @_overridable
    def on_stream_val(self, row: Any, handle: QueryHandle | None = None) -> Any:
        """Gives it to `on_val`."""
        return self._fall_back("on_val", row, handle)

    @_overridable
    def on_unhandled_change(self, row: Any, handle: QueryHandle | None = None) -> Any:
        """Gives it to `on_stream_val`."""
        return self._fall_back("on_stream_val", row, handle)

    @_overridable
    def on_wait_complete(self) -> Any:
        """Does nothing."""

    def _fall_back(self, name: str, value: Any, handle: QueryHandle | None) -> Any:
        """What overriding methods reach by `super()`."""
        invoke = _bound(self, name)
        if invoke is None or self.stopped:
            return None
        return invoke(handle, value, (value,))

    def _each(self, elements: Iterator[Any], handle: QueryHandle | None) -> Any:
        for element in elements:
            result = self._fall_back("on_stream_val", element, handle)
            if inspect.isawaitable(result):
                return self._each_later(result, elements, handle)
        return None

    async def _each_later(
        self, first: Awaitable[Any], elements: Iterator[Any], handle: QueryHandle | None
    ) -> None:
        await first
        for element in elements:
            result = self._fall_back("on_stream_val", element, handle)
            if inspect.isawaitable(result):
                await result


class _Method(NamedTuple):
    """One method of a handler.

    Attributes:
        values: how many its event has.
        fallback: the method that is called for it if there is no own one.
        has_row: whether its event has a row.
    """

    values: int
    fallback: str | None = None
    has_row: bool = False


#: By the events of `rethinkdb.push.rules`. The base class has none of these: to have one is to
#: subscribe.
FEED_METHODS = {
    "change": "on_change",
    "initial": "on_initial_val",
    "uninitial": "on_uninitial_val",
    "change_error": "on_change_error",
    "state": "on_state",
    "gap": "on_gap",
    "unhandled": "on_unhandled_change",
}

_METHODS = {
    "on_open": _Method(0),
    "on_close": _Method(0),
    "on_error": _Method(1),
    "on_val": _Method(1, has_row=True),
    "on_atom": _Method(1, "on_val", has_row=True),
    "on_array": _Method(1, "on_atom", has_row=True),
    "on_stream_val": _Method(1, "on_val", has_row=True),
    "on_unhandled_change": _Method(1, "on_stream_val", has_row=True),
    "on_wait_complete": _Method(0),
    **{FEED_METHODS[rule.event]: _Method(len(rule.keys), has_row=True) for rule in RULES},
}


def is_own(handler: Handler, name: str) -> bool:
    """Whether a handler has a method of its own, found elsewhere than on the base class."""
    if name in vars(handler):
        return True
    for kind in type(handler).__mro__:
        if name in vars(kind):
            return kind is not Handler
    return False


class Attachment(NamedTuple):
    """A handler, read: what to call for each event.

    Attributes:
        methods: by name, fall-backs included; what is missing is not to be called.
        rules: those of changefeed rows that it wants.
        whole_arrays: an array is for `on_array`; else its elements are for `on_stream_val`.
        own: its own methods.
    """

    methods: Mapping[str, Invoke]
    rules: tuple[Rule, ...]
    whole_arrays: bool
    own: tuple[Callable[..., Any], ...]


def attach(handler: Handler) -> Attachment:
    """Read a handler's methods.

    Raises:
        ReqlDriverError: one of them cannot be called with its event's values.
    """
    own = [name for name in _METHODS if is_own(handler, name)]
    bound = {name: _bound(handler, name) for name in _METHODS}
    events = [rule.event for rule in RULES if FEED_METHODS[rule.event] in own]
    return Attachment(
        methods=MappingProxyType({name: invoke for name, invoke in bound.items() if invoke}),
        rules=subscribed(events),
        whole_arrays="on_array" in own or "on_atom" in own,
        own=tuple(getattr(handler, name) for name in own),
    )


def _bound(handler: Handler, name: str) -> Invoke | None:
    """What to call for a method, own or by fall-back; None: nothing."""
    while not is_own(handler, name):
        fallback = _METHODS[name].fallback
        if fallback is None:
            return _raise if name == "on_error" else None
        name = fallback
    label = f"{type(handler).__name__}.{name}"
    function = getattr(handler, name)
    if not callable(function):
        raise ReqlDriverError(f"{label} is no method, but {function!r}.")
    method = _METHODS[name]
    return bind(function, label, method.values, method.has_row)


def _raise(_: object, __: object, values: tuple[Any, ...]) -> None:
    raise values[0]


def from_callable(function: Callable[..., Any]) -> Handler:
    """A handler that gives all values to a callable of 0, 1 or 2 parameters.

    With 2 it gets None and the value, or in the end the error and None.

    Raises:
        ReqlDriverError: it needs more, or others.
    """
    label = getattr(function, "__qualname__", None) or repr(function)
    parameters = parameters_of(function, 1)
    missing = [name for name, must in parameters.keywords.items() if must]
    if parameters.required > 2 or missing:
        wanted = f"{parameters.required} parameters" if not missing else ", ".join(missing)
        raise ReqlDriverError(
            f"{label} must take the value, or an error and the value, or nothing; not {wanted}."
        )
    count = 0 if parameters.most == 0 else max(1, parameters.required)
    return _Callable(function, count)


class _Callable(Handler):
    """Methods of a handler, made of a plain callable."""

    def __init__(self, function: Callable[..., Any], count: int) -> None:
        vars(self)["on_val"] = {
            0: lambda: function(),
            1: lambda value: function(value),
            2: lambda value: function(None, value),
        }[count]
        if count == 2:
            vars(self)["on_error"] = lambda error: function(error, None)

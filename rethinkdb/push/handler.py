"""`Handler`: methods that get a query's results, and what is called if one is not defined."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rethinkdb.errors import ReqlDriverError

from .methods import Invoke, bind, parameters_of
from .misspelling import warn_if_misspelt
from .rules import RULES, Rule, subscribed

if TYPE_CHECKING:
    from .handle import QueryHandle

__all__ = ["FEED_METHODS", "Attachment", "Handler", "attach", "from_callable"]


def _overridable(method: Callable[..., Any]) -> Callable[..., Any]:
    """Tells type checkers that an overriding method may have any parameters. `bind` checks them."""
    return method


class Handler:
    """Base class of handlers. Its methods get the results of queries. Define those that you need.

    ===================================  ==========================================================
    `on_open()`                          the first reply of a query has arrived
    `on_close()`                         called once, after all others
    `on_error(error)`                    the query failed, or the connection was lost; or a row does
                                         not fit its type: then the next row follows
    `on_val(value)`                      a value for which no other method is defined
    `on_atom(value)`                     a single value that is no array. Not defined: `on_val`
    `on_array(array)`                    an array. Not defined: `on_atom` gets the array; if that is
                                         not defined either, `on_stream_val` gets each element
    `on_stream_val(row)`                 a row of a stream. Not defined: `on_val`
    `on_change(old, new)`                a changefeed row with `old_val` and `new_val`
    `on_initial_val(new)`                a changefeed row with `new_val` only
    `on_uninitial_val(old)`              a changefeed row with `old_val` only
    `on_change_error(message)`           a changefeed row with `error`: the server dropped changes;
                                         the feed goes on
    `on_state(text)`                     a changefeed row with `state`. Defining this method turns
                                         on `include_states`
    `on_gap(since, until, cause)`        a feed run with `resume="restart"` was lost and runs again:
                                         changes may be missing. Not defined: `on_state("gap")`
    `on_unhandled_change(row)`           a changefeed row for which no method above is defined. Not
                                         defined: `on_stream_val`
    `on_wait_complete()`                 the server has answered `noreply_wait_with`
    ===================================  ==========================================================

    A method with one more parameter also gets the `QueryHandle`. A method without parameters gets
    nothing. See `rethinkdb.push.methods` for all forms.

    On asyncio, Tornado, Trio and Twisted, methods may be asynchronous. The next method is called
    when the previous one has finished; until then the driver asks for no further batch.

    If a method raises an error, the handler stops, and with it all its queries. `await handle` or
    `handle.wait()` then raises that error. Without `on_error`, the same happens with the error of a
    query.

    Example::

        class Printer(r.Handler):
            def on_open(self): print("open")
            def on_val(self, row): print(row)
            def on_close(self): print("closed")

        r.table("heroes").run_with(Printer, conn)
    """

    # Defaults on the class, since a subclass may forget to call __init__.
    _stopped = False
    _handles: frozenset[QueryHandle] | set[QueryHandle] = frozenset()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called or a method raised an error."""
        return self._stopped

    def stop(self) -> None:
        """Stop all queries of this handler on the server. No method is called any more.

        That includes `on_close`. A stopped handler cannot be used for another query.
        """
        self._stopped = True
        for handle in tuple(self._handles):
            handle._quit()

    def _start(*_: Any, **__: Any) -> None:
        """`query.run(handler)` ends here, for handlers and handler classes. It is a mistake."""
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
        """Raises the error. That stops the handler, and `await handle` raises the error too."""
        raise error

    @_overridable
    def on_val(self, value: Any) -> Any:
        """Does nothing."""

    @_overridable
    def on_atom(self, value: Any, handle: QueryHandle | None = None) -> Any:
        """Calls `on_val` with the value."""
        return self._fall_back("on_val", value, handle)

    @_overridable
    def on_array(self, array: list[Any], handle: QueryHandle | None = None) -> Any:
        """Calls `on_atom` if that is defined; else `on_stream_val` with each element."""
        if is_own(self, "on_atom"):
            return self._fall_back("on_atom", array, handle)
        return self._each(iter(array), handle)

    @_overridable
    def on_stream_val(self, row: Any, handle: QueryHandle | None = None) -> Any:
        """Calls `on_val` with the row."""
        return self._fall_back("on_val", row, handle)

    @_overridable
    def on_unhandled_change(self, row: Any, handle: QueryHandle | None = None) -> Any:
        """Calls `on_stream_val` with the row."""
        return self._fall_back("on_stream_val", row, handle)

    @_overridable
    def on_wait_complete(self) -> Any:
        """Does nothing."""

    def _fall_back(self, name: str, value: Any, handle: QueryHandle | None) -> Any:
        """Call the method that `name` leads to. An overriding method gets here with `super()`."""
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
        values: how many values its event has.
        fallback: the method that is called if the handler does not define this one.
        has_row: whether its event has a row.
    """

    values: int
    fallback: str | None = None
    has_row: bool = False


#: The method for each event of `rethinkdb.push.rules`. The base class defines only
#: `on_unhandled_change`: a handler gets the other events only if it defines the method.
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
    """Whether a handler defines this method itself, rather than inheriting it from `Handler`."""
    if name in vars(handler):
        return True
    for kind in type(handler).__mro__:
        if name in vars(kind):
            return kind is not Handler
    return False


class Attachment(NamedTuple):
    """What to call for each event, found by looking at a handler's methods once.

    Attributes:
        methods: what to call, by name of the method; fallbacks are included. If a name is missing,
            nothing is called.
        rules: the kinds of changefeed rows that the handler wants.
        whole_arrays: True: an array goes to `on_array`; False: its elements go to `on_stream_val`.
        own: the methods that the handler defines itself.
    """

    methods: Mapping[str, Invoke]
    rules: tuple[Rule, ...]
    whole_arrays: bool
    own: tuple[Callable[..., Any], ...]


def attach(handler: Handler) -> Attachment:
    """Find out what to call for each event.

    Raises:
        ReqlDriverError: a method cannot be called with the values of its event.
    """
    _warn_of_misspelt_methods(type(handler))
    own = [name for name in _METHODS if is_own(handler, name)]
    bound = {name: _bound(handler, name) for name in _METHODS}
    events = [rule.event for rule in RULES if FEED_METHODS[rule.event] in own]
    return Attachment(
        methods=MappingProxyType({name: invoke for name, invoke in bound.items() if invoke}),
        rules=subscribed(events),
        whole_arrays="on_array" in own or "on_atom" in own,
        own=tuple(getattr(handler, name) for name in own),
    )


def _warn_of_misspelt_methods(kind: type) -> None:
    for parent in kind.__mro__:
        if issubclass(Handler, parent):
            continue
        for name in vars(parent):
            if name.startswith("on") and name not in _METHODS:
                warn_if_misspelt(name, _METHODS, f"{kind.__name__}'s method")


def _bound(handler: Handler, name: str) -> Invoke | None:
    """What to call for a method: the handler's own, or its fallback. None: call nothing."""
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
    """Make a handler from a callable with 0, 1 or 2 parameters. It is called with every value.

    With one parameter it gets the value. With two it gets None and the value; if the query fails,
    it gets the error and None.

    Raises:
        ReqlDriverError: the callable needs more parameters, or keyword arguments.
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
    """A handler whose methods call a plain callable."""

    def __init__(self, function: Callable[..., Any], count: int) -> None:
        vars(self)["on_val"] = {
            0: lambda: function(),
            1: lambda value: function(value),
            2: lambda value: function(None, value),
        }[count]
        if count == 2:
            vars(self)["on_error"] = lambda error: function(error, None)

"""The listeners of events, called in the order in which they were added.

The library pyee does not serve here: there a function is called once even if it was added several
times, and asynchronous listeners are neither awaited nor run in order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["Calls", "Listeners"]

#: Functions to call, each with its arguments.
Calls = Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]

#: If an event has more listeners than this, some were probably forgotten.
_LIMIT = 10


class _Listener(NamedTuple):
    function: Callable[..., Any]
    once: bool


class Listeners:
    """Keeps the listeners of each event.

    A function that is added several times is called several times. Each `remove` then takes away
    one of them: the one that was added last.
    """

    def __init__(self) -> None:
        self._by_event: dict[str, list[_Listener]] = {}
        self._limit = _LIMIT

    def add(self, event: str, function: Callable[..., Any], once: bool = False) -> None:
        """Add a listener. It is called for each event; with `once`, for the next event only."""
        if not callable(function):
            raise TypeError(f"a listener must be callable, not {type(function).__name__}")
        listeners = self._by_event.setdefault(event, [])
        listeners.append(_Listener(function, once))
        if len(listeners) == self._limit + 1:
            warnings.warn(
                f"{len(listeners)} listeners for {event!r}: are some never removed? "
                "set_max_listeners() allows more.",
                ResourceWarning,
                stacklevel=4,
            )

    def remove(self, event: str, function: Callable[..., Any]) -> None:
        """Remove one listener. If there is none, nothing happens."""
        listeners = self._by_event.get(event, [])
        for position in reversed(range(len(listeners))):
            if listeners[position].function == function:
                del listeners[position]
                return

    def remove_all(self, event: str | None) -> None:
        """Remove all listeners of one event; None: of all events."""
        if event is None:
            self._by_event.clear()
        else:
            self._by_event.pop(event, None)

    def of(self, event: str) -> list[Callable[..., Any]]:
        """The functions that listen to an event now."""
        return [listener.function for listener in self._by_event.get(event, ())]

    def allow(self, count: int) -> None:
        """Set how many listeners an event may have before `add` warns; 0: it never warns."""
        self._limit = count or -2  # no list is 1 longer than that

    def called(self, event: str, *args: Any) -> Calls:
        """The functions to call, one by one. A `once` listener is removed just before its turn."""
        for listener in tuple(self._by_event.get(event, ())):
            if listener.once:
                self.remove(event, listener.function)
            yield listener.function, args

"""Listeners of events, in the order in which they were added.

Not pyee's: there a function is one listener however often it was added, and what asynchronous
listeners return is neither awaited nor kept in order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

__all__ = ["Calls", "Listeners"]

#: Whom to call with what.
Calls = Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]

#: More listeners than this for one event look like a leak.
_LIMIT = 10


class _Listener(NamedTuple):
    function: Callable[..., Any]
    once: bool


class Listeners:
    """Who listens to which event.

    The same function can be added several times; it is then called as often, and each removal
    takes away one, the latest.
    """

    def __init__(self) -> None:
        self._by_event: dict[str, list[_Listener]] = {}
        self._limit = _LIMIT

    def add(self, event: str, function: Callable[..., Any], once: bool = False) -> None:
        """Call a function for each event, or for the next one only."""
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
        """Take away one listener; no effect if there is none."""
        listeners = self._by_event.get(event, [])
        for position in reversed(range(len(listeners))):
            if listeners[position].function == function:
                del listeners[position]
                return

    def remove_all(self, event: str | None) -> None:
        """Take away all listeners of one event, or of all."""
        if event is None:
            self._by_event.clear()
        else:
            self._by_event.pop(event, None)

    def of(self, event: str) -> list[Callable[..., Any]]:
        """The functions that listen to an event now."""
        return [listener.function for listener in self._by_event.get(event, ())]

    def allow(self, count: int) -> None:
        """Warn when an event has more listeners than this; 0: never."""
        self._limit = count or -2

    def called(
        self, event: str, *args: Any
    ) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """Whom to call, one by one; those who listen once are taken away just before."""
        for listener in tuple(self._by_event.get(event, ())):
            if listener.once:
                self.remove(event, listener.function)
            yield listener.function, args

"""Calls listeners. If a listener raises an error, it is logged, and nothing else happens.

An error of any class is meant, a CancelledError of the listener's own too.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rethinkdb.net.signals import raised_by_handler

__all__ = ["Calls", "tell"]

logger = logging.getLogger("rethinkdb.monitoring")

#: The functions to call for a kind of event.
Calls = tuple[Callable[[Any], object], ...]


# What ends a program or a greenlet. It may come while a listener runs, without being its error.
_ENDS = frozenset(
    {
        ("builtins", "KeyboardInterrupt"),
        ("builtins", "SystemExit"),
        ("greenlet", "GreenletExit"),
        ("gevent.timeout", "Timeout"),
    }
)


def tell(calls: Calls, event: Any) -> None:
    """Call the listeners with an event."""
    left = iter(calls)
    for call in left:
        try:
            call(event)
        except BaseException as exc:
            if _is_for_the_program(exc):
                tell(tuple(left), event)  # they get each event all the same
                raise
            logger.exception("a listener failed: %r", call)


def _is_for_the_program(error: BaseException) -> bool:
    """Whether an error is passed on: it ends the program or the greenlet, or it was raised by a
    signal handler (Ctrl-C), not by the listener."""
    kinds = {(kind.__module__, kind.__name__) for kind in type(error).__mro__}
    return not _ENDS.isdisjoint(kinds) or raised_by_handler(error)

"""Calls listeners. If a listener raises an error, it is logged, and nothing else happens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rethinkdb.net.signals import raised_by_handler

__all__ = ["Calls", "tell"]

logger = logging.getLogger("rethinkdb.monitoring")

#: The functions to call for a kind of event.
Calls = tuple[Callable[[Any], object], ...]


def tell(calls: Calls, event: Any) -> None:
    """Call the listeners with an event."""
    for call in calls:
        try:
            call(event)
        except Exception as exc:
            if raised_by_handler(exc):  # raised by a signal handler (Ctrl-C), not by the listener
                raise
            logger.exception("a listener failed: %r", call)

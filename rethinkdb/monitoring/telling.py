"""How listeners are told: what they raise is logged, and harms nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from rethinkdb.net.signals import raised_by_handler

__all__ = ["Calls", "tell"]

logger = logging.getLogger("rethinkdb.monitoring")

#: What is to be called with a kind of event.
Calls = tuple[Callable[[Any], object], ...]


def tell(calls: Calls, event: Any) -> None:
    """Tell of an event."""
    for call in calls:
        try:
            call(event)
        except Exception as exc:
            if raised_by_handler(exc):  # Ctrl-C and its kind are not the listener's
                raise
            logger.exception("a listener failed: %r", call)

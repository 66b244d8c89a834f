"""How the log and the observer are told that a connection has opened or ended.

What becomes of the connections of a pool is logged by the pool, so it is for DEBUG only here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .session import Session

__all__ = ["tell_ended", "tell_opened"]

logger = logging.getLogger("rethinkdb.connection")

# A program that has not set up logging gets the loss as an error, where it uses the connection.
# Python would print the warning on top of that, to a stderr that may be the program's own.
logger.addHandler(logging.NullHandler())


def tell_opened(session: Session) -> None:
    """It is open."""
    level = logging.DEBUG if session.pooled else logging.INFO
    logger.log(level, "connected to %s:%s", session.host, session.port)
    if session.observer is not None:
        session.observer.opened(session)


def tell_ended(session: Session) -> None:
    """One that was open is over."""
    place = session.host, session.port
    if session.cause is None:
        level = logging.DEBUG if session.pooled else logging.INFO
        logger.log(level, "closed the connection to %s:%s", *place)
    else:
        level = logging.DEBUG if session.pooled else logging.WARNING
        logger.log(level, "the connection to %s:%s is lost: %s", *place, session.cause)
    if session.observer is not None:
        session.observer.ended(session)

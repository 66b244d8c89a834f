"""Tells the log and the observer that a connection has opened or ended.

For connections of a pool the level is DEBUG, as the pool itself logs what happens to them.
"""

from __future__ import annotations

import logging

from .observing import Watched

__all__ = ["tell_ended", "tell_failed", "tell_opened"]

logger = logging.getLogger("rethinkdb.connection")

# If a program has not set up logging, Python would print the warning of a lost connection to
# stderr. The program does not need it: it gets an error when it uses the connection.
logger.addHandler(logging.NullHandler())


def tell_opened(session: Watched) -> None:
    """Tell that a session is open."""
    level = logging.DEBUG if session.pooled else logging.INFO
    logger.log(level, "connected to %s:%s", session.host, session.port)
    if session.observer is not None:
        session.observer.opened(session)


def tell_failed(session: Watched, error: Exception) -> None:
    """Tell that a session could not be opened. The log has it with DEBUG, as the caller gets it."""
    logger.debug("cannot connect to %s:%s: %s", session.host, session.port, error)
    if session.observer is not None:
        session.observer.failed(session, error)


def tell_ended(session: Watched) -> None:
    """Tell that a session that was open has ended."""
    place = session.host, session.port
    if session.cause is None:
        level = logging.DEBUG if session.pooled else logging.INFO
        logger.log(level, "closed the connection to %s:%s", *place)
    else:
        level = logging.DEBUG if session.pooled else logging.WARNING
        logger.log(level, "the connection to %s:%s is lost: %s", *place, session.cause)
    if session.observer is not None:
        session.observer.ended(session)

"""Bugs of this server: the error that a client gets, and the text in the log."""

from __future__ import annotations

import logging
from types import TracebackType

from rethinkdb.embedded.failures import Backtrace, FailureKind, QueryFailure
from rethinkdb.embedded.language.nodes import TermNode

logger = logging.getLogger("rethinkdb.embedded")


def fault(exc: Exception) -> QueryFailure:
    """The failure of the query that met the bug, and of no other: it names the term."""
    name, backtrace = _innermost_term(exc.__traceback__)
    logger.error("bug of the embedded server in %s", name, exc_info=exc)
    message = f"Internal error of the embedded server in {name}: {type(exc).__name__}: {exc}"
    return QueryFailure(FailureKind.INTERNAL, message, backtrace)


def _innermost_term(traceback: TracebackType | None) -> tuple[str, Backtrace]:
    found: tuple[str, Backtrace] = ("the query's frame", ())
    while traceback is not None:
        node = traceback.tb_frame.f_locals.get("self")
        if isinstance(node, TermNode):
            found = (node.rules.type.name, node.backtrace)
        traceback = traceback.tb_next
    return found

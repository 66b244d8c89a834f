"""Raises Python's recursion limit, no higher and no longer than needed. All threads share it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rethinkdb.embedded import limits
from rethinkdb.embedded.blocking import threads_are_greenlets


class RecursionLimit:
    """Applies the highest limit that is needed now. A limit set by the program meanwhile stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._needs: list[int] = []
        self._usual = 0
        self._ours = 0

    def need(self, limit: int) -> None:
        """Asks for at least this limit."""
        with self._lock:
            if not self._needs:
                self._usual = self._ours = sys.getrecursionlimit()
            self._needs.append(limit)
            self._set(max(self._usual, *self._needs))

    def need_no_more(self, limit: int) -> None:
        """Takes the request of `need` back."""
        with self._lock:
            self._needs.remove(limit)
            self._set(max([self._usual, *self._needs]))

    def _set(self, limit: int) -> None:
        if limit == self._ours or sys.getrecursionlimit() != self._ours:
            return
        with suppress(RecursionError):  # the caller itself is deeper than that
            sys.setrecursionlimit(limit)
            self._ours = limit

    @contextmanager
    def deep(self) -> Iterator[None]:
        """Raises the limit while a very deeply nested query is evaluated."""
        if threads_are_greenlets():
            yield  # they share the stack of a thread that somebody else has made
            return
        self.need(limits.DEEP_RECURSION)
        try:
            yield
        finally:
            self.need_no_more(limits.DEEP_RECURSION)


RECURSION = RecursionLimit()

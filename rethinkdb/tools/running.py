"""Runs the tools' queries on a connection or a pool. With a pool they outlive their server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, TypeVar

from rethinkdb.errors import (
    ReqlAuthError,
    ReqlAvailabilityError,
    ReqlDriverError,
    ReqlOpIndeterminateError,
)
from rethinkdb.loops.blocking import Connection, ConnectionPool
from rethinkdb.pool import PoolClosedError
from rethinkdb.tools.failures import ToolError

__all__ = ["Runner", "Stopped"]

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds in which a server may come back."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0


class Stopped(Exception):
    """Another thread has failed, so this one has nothing to do any more."""


class Runner:
    """Runs queries.

    Args:
        place: a blocking connection, or a pool of these.

    Attributes:
        lasting: whether a query may be tried again on another connection.
        losses: how often something was lost, and then tried again.

    Raises:
        ToolError: it is neither.
    """

    def __init__(self, place: Any) -> None:
        if not isinstance(place, (Connection, ConnectionPool)):
            raise ToolError(
                "the tools take a blocking connection or a blocking pool, as made by "
                f'r.connect(loop_type="blocking"), not {type(place).__name__}'
            )
        self._place = place
        self.lasting = isinstance(place, ConnectionPool)
        self.losses = 0
        self._stopped = threading.Event()

    def run(self, term: Any, **options: Any) -> Any:
        """Runs a query once. See `run` of a connection."""
        self.check()
        return term.run(self._place, **options)

    def ask(self, term: Any, **options: Any) -> Any:
        """Runs a query that does no harm if it is run twice: again, if its connection is lost."""
        return self.insist(lambda: self.run(term, **options))

    def insist(self, work: Callable[[], T]) -> T:
        """Does something, and again, as long as what it needs is lost and may come back."""
        return self.persist(work, work)

    def persist(self, first: Callable[[], T], again: Callable[[], T]) -> T:
        """The same for something that is not done the same way the second time."""
        patience = Patience(self)
        work = first
        while True:
            try:
                return work()
            except (ReqlDriverError, ReqlAvailabilityError) as error:
                patience.wait(error)
            work = again

    def stop(self) -> None:
        """Ends what other threads do here, soon."""
        self._stopped.set()

    def check(self) -> None:
        """Raises `Stopped` if it has been stopped."""
        if self._stopped.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Waits; raises `Stopped` when it is stopped."""
        if self._stopped.wait(seconds):
            raise Stopped


def _passes(error: Exception) -> bool:
    """Whether what an error tells of may pass."""
    if isinstance(error, ReqlAvailabilityError):
        # Of the same class is that a table exists already, which does not pass.
        said = str(getattr(error, "message", error))
        absent = said.startswith("Cannot perform") or "currently unreachable" in said
        return absent or isinstance(error, ReqlOpIndeterminateError)
    return not isinstance(error, (ReqlAuthError, PoolClosedError))


class Patience:
    """How long to go on after errors. Each success makes it new.

    Args:
        runner: what fails.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.renew()

    def renew(self) -> None:
        """All went well."""
        self._pause = _FIRST_PAUSE
        self._since: float | None = None

    def wait(self, error: Exception) -> None:
        """Waits before the next try.

        Raises:
            Exception: the error, if trying again is of no use, or has been tried for long enough.
        """
        now = monotonic()
        if self._since is None:
            self._since = now
        if not (_passes(error) and self._runner.lasting) or now - self._since > PATIENCE:
            raise error
        self._runner.losses += 1
        self._runner.pause(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

"""Runs the queries of the tools on a connection or a pool. With a pool, they survive a restart."""

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
"""How many seconds to wait for a server to come back."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 3.0


class Stopped(Exception):
    """Another thread has failed, so this one must stop."""


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
        """Runs an idempotent query. Runs it again if the connection is lost."""
        return self.insist(lambda: self.run(term, **options))

    def insist(self, work: Callable[[], T]) -> T:
        """Calls `work`. Calls it again as long as it fails for a reason that may pass."""
        return self.persist(work, work)

    def persist(self, first: Callable[[], T], again: Callable[[], T]) -> T:
        """As `insist`, but calls `first` for the first try and `again` for further tries."""
        patience = Patience(self)
        work = first
        while True:
            try:
                return work()
            except (ReqlDriverError, ReqlAvailabilityError) as error:
                patience.wait(error)
            work = again

    def stop(self) -> None:
        """Makes the other threads stop soon, with `Stopped`."""
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
    """Whether the reason of an error may pass with time."""
    if isinstance(error, ReqlAvailabilityError):
        # "Table exists" has the same class, but does not pass.
        said = str(getattr(error, "message", error))
        absent = said.startswith("Cannot perform") or "currently unreachable" in said
        return absent or isinstance(error, ReqlOpIndeterminateError)
    return not isinstance(error, (ReqlAuthError, PoolClosedError))


class Patience:
    """Limits how long to retry after errors. Each success restarts it.

    Args:
        runner: runs the queries.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.renew()

    def renew(self) -> None:
        """Restarts the limit after a success."""
        self._pause = _FIRST_PAUSE
        self._since: float | None = None

    def wait(self, error: Exception) -> None:
        """Waits before the next try.

        Raises:
            Exception: the error, if it will not pass, or if the time is over.
        """
        now = monotonic()
        if self._since is None:
            self._since = now
        if not (_passes(error) and self._runner.lasting) or now - self._since > PATIENCE:
            raise error
        self._runner.losses += 1
        self._runner.pause(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

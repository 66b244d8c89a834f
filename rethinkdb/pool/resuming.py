"""When a lost feed is run again, and what the program is told about it.

The feed is run again after errors that may pass: a lost connection, a primary that moves, a server
that cannot be reached. It ends for good after errors that would come again: the table does not
exist, the user has no permission, the query is wrong. If a table is dropped, its feed ends with the
same error as if the table moves. Only the next run shows the difference.

The limit of the pauses doubles, with full jitter, so that a thousand feeds of one server do not
come back at the same time. It starts from the beginning after a run that has lasted 10 seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlError

from .backoff import Backoff
from .errors import PoolClosedError, is_final
from .fates import Fate, fate_of
from .retrying import RetryPolicy

__all__ = ["Resumption"]

# Seconds after which a run counts as a success.
_SETTLED = 10.0


class Resumption:
    """The runs of one feed.

    In all methods, `now` is the time of a steady clock, and `wall` the time of day.

    Args:
        policy: how often, and when, to try.
        random: returns a random number from 0 up to, but not including, 1.
        now: the present time.
        wall: the present time.
        closed: returns whether the pool is closed, so that no feed is run again.

    Attributes:
        tries: how many attempts in a row have failed.
        loss: the error that has ended the last successful run. None while a run goes on.
        heard_at: when the present run has given its last batch. The feed sets it.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        random: Callable[[], float],
        now: float,
        wall: datetime,
        closed: Callable[[], bool] = bool,
    ) -> None:
        self._policy = policy
        self._closed = closed
        self._backoff = Backoff(random, policy.first_pause, policy.longest_pause)
        self._begun = now
        self.heard_at = wall
        self._failures = 0
        self.tries = 0
        self.loss: Exception | None = None

    def began(self, now: float, wall: datetime) -> dict[str, Any] | None:
        """A run has its first answer.

        Returns:
            The row that reports the gap since the previous run; None if this is the first run.
        """
        since, self.heard_at = self.heard_at, wall
        self._begun = now
        self.tries = 0
        loss, self.loss = self.loss, None
        if loss is None:
            return None
        return {"state": "gap", "since": since, "until": wall, "cause": _text(loss)}

    def lost(self, error: Exception, now: float) -> bool:
        """A run has ended with an error. Returns whether to run the feed again."""
        if fate_of(error) is Fate.FINAL or self._closed():
            return False
        if now - self._begun >= _SETTLED:
            self._failures = 0
        self.loss = self.loss or error
        return True

    def failed(self, error: Exception) -> Exception | None:
        """An attempt to run the feed has failed.

        Returns:
            The error with which the feed ends; None: try again.
        """
        self.tries += 1
        if isinstance(error, PoolClosedError) and isinstance(self.loss, ReqlConnectionLostError):
            return self.loss  # a plain feed also ends with this error
        attempts = self._policy.feed_attempts
        passes = _may_pass(error) and not isinstance(error, PoolClosedError)
        if passes and (attempts is None or self.tries < attempts):
            return None
        if isinstance(error, ReqlError):
            error.tries = self.tries
        if self.loss is not None and error.__cause__ is None:
            error.__cause__ = self.loss
        return error

    def pause(self) -> float:
        """Seconds to wait before the next run."""
        self._failures += 1
        return self._backoff.pause(self._failures)


def _text(error: Exception) -> str:
    """The text of a loss for the program: the error without the query, and the error's cause."""
    text = getattr(error, "message", "") or str(error) or type(error).__name__
    return text if error.__cause__ is None else f"{text} ({error.__cause__})"


def _may_pass(error: Exception) -> bool:
    """Whether another attempt may succeed after this error."""
    if isinstance(error, ReqlDriverError):
        return not is_final(error)
    return fate_of(error) is not Fate.FINAL

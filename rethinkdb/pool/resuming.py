"""When a feed that was lost is run again, and what its program is told of that.

Whatever may pass is tried again: a lost link, a primary that moves, a server that cannot be
reached. What ends a feed for good are the answers that would come again: no such table, no
permission, a query that is wrong. A dropped table ends a feed like one that moves, so only the next
run tells them apart.

Pauses double, with full jitter, so that a thousand feeds of one server do not come back in one
moment. They begin anew after a run that has lasted a while.
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

    Args:
        policy: how often, and when.
        random: gives a number from 0 up to 1.
        now: the time, by a clock for pauses; also below.
        wall: the time, by the clock on the wall; also below.

    Attributes:
        tries: how many runs have failed, one after the other.
        loss: what has ended the last run that gave anything, until the next one begins.
    """

    def __init__(
        self, policy: RetryPolicy, random: Callable[[], float], now: float, wall: datetime
    ) -> None:
        self._policy = policy
        self._backoff = Backoff(random, policy.first_pause, policy.longest_pause)
        self._begun = now
        self._heard = wall
        self._failures = 0
        self.tries = 0
        self.loss: Exception | None = None

    def began(self, now: float, wall: datetime) -> dict[str, Any] | None:
        """A run has its first answer.

        Returns:
            what to tell of a gap, if there was a run before.
        """
        since, self._heard = self._heard, wall
        self._begun = now
        self.tries = 0
        loss, self.loss = self.loss, None
        if loss is None:
            return None
        return {"state": "gap", "since": since, "until": wall, "cause": _text(loss)}

    def heard(self, wall: datetime) -> None:
        """The run that goes on has brought something."""
        self._heard = wall

    def lost(self, error: Exception, now: float) -> bool:
        """A run has ended that had begun; whether to run the feed again."""
        if fate_of(error) is Fate.FINAL:
            return False
        if now - self._begun >= _SETTLED:
            self._failures = 0
        self.loss = self.loss or error
        return True

    def failed(self, error: Exception) -> Exception | None:
        """A run could not begin.

        Returns:
            what the feed ends with; None: run it again.
        """
        self.tries += 1
        if isinstance(error, PoolClosedError) and isinstance(self.loss, ReqlConnectionLostError):
            return self.loss  # what ends plain feeds then
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
    """What a program is told of a loss: the error without the query, and what is behind it."""
    text = getattr(error, "message", "") or str(error) or type(error).__name__
    return text if error.__cause__ is None else f"{text} ({error.__cause__})"


def _may_pass(error: Exception) -> bool:
    """Whether a run that could not begin may begin another time."""
    if isinstance(error, ReqlDriverError):
        return not is_final(error)
    return fate_of(error) is not Fate.FINAL

"""What a pool tells: events for listeners, and lines for the log. Nothing secret is in either."""

from __future__ import annotations

import logging
from collections import deque

from .effects import Effect, Event
from .hosts import Host
from .line import Line
from .members import Members
from .options import PoolOptions

__all__ = ["Journal"]

logger = logging.getLogger("rethinkdb.pool")


class Journal:
    """Writes down what has happened to a pool.

    Args:
        options: those of the pool.
        members, line: how it stands.
        effects: where events go.
    """

    def __init__(
        self, options: PoolOptions, members: Members, line: Line, effects: deque[Effect]
    ) -> None:
        self.pool = "pool" if options.name is None else f"pool {options.name!r}"
        self._max_size = options.max_size
        self._members = members
        self._line = line
        self._effects = effects
        self._exhausted = False

    @property
    def exhausted(self) -> bool:
        """Whether "exhausted" was told, and "recovered" was not yet."""
        return self._exhausted

    @property
    def numbers(self) -> str:
        """How the pool stands, for errors and log lines."""
        members, dialling = self._members, len(self._members.dialling)
        being_opened = f", {dialling} being opened" if dialling else ""
        return (
            f"{len(members) - dialling} of at most {self._max_size} connections open"
            f"{being_opened}, {members.in_flight} queries in flight, {len(self._line)} waiting"
        )

    def opened(self, host: Host, failures: int) -> None:
        """A connection was opened, after so many failures."""
        if failures:
            logger.info(
                "%s: connected to %s again after %d failed attempts",
                self.pool, host.label, failures,
            )  # fmt: skip
        self._tell("opened", host)

    def failed(self, host: Host, error: BaseException) -> None:
        """Nothing could be opened. The first failure is worth a warning, the same again is not."""
        level = logging.WARNING if host.failures <= 1 else logging.DEBUG
        logger.log(
            level,
            "%s: cannot connect to %s, %d failed: %s",
            self.pool,
            host.label,
            host.failures,
            error,
        )

    def lost(self, host: Host, cause: BaseException | None) -> None:
        """A connection has ended by itself."""
        logger.warning(
            "%s: the connection to %s is lost: %s", self.pool, host.label, cause or "closed"
        )
        self._tell("lost", host, cause)

    def stuck(self, cause: BaseException | None) -> None:
        """Somebody waits, and nothing is being done about it."""
        if not self._exhausted:
            self._exhausted = True
            # No warning: to wait is what a pool is for. Who cannot be served gets an error.
            logger.info("%s: exhausted: %s", self.pool, self.numbers)
            self._tell("exhausted", None, cause)

    def at_ease(self) -> None:
        """Nobody waits, and there is room."""
        if self._exhausted:
            self._exhausted = False
            logger.info("%s: recovered: %s", self.pool, self.numbers)
            self._tell("recovered", None)

    def _tell(self, name: str, host: Host | None, cause: BaseException | None = None) -> None:
        label = None if host is None else host.label
        members = self._members
        self._effects.append(
            Event(name, label, cause, len(members), members.in_flight, len(self._line))
        )

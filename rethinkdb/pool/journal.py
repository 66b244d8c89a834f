"""Events for listeners and lines for the log. Neither contains anything secret."""

from __future__ import annotations

import logging
from collections import deque

from .effects import Effect, Event
from .hosts import Host, Hosts
from .line import Line
from .members import Members
from .options import PoolOptions

__all__ = ["Journal"]

logger = logging.getLogger("rethinkdb.pool")


class Journal:
    """Reports what happens to a pool.

    Args:
        options: the options of the pool.
        members, line: the state of the pool, to be reported.
        effects: events are appended here.
    """

    def __init__(
        self, options: PoolOptions, members: Members, line: Line, effects: deque[Effect]
    ) -> None:
        self.pool = "pool" if options.name is None else f"pool {options.name!r}"
        self._max_size = options.max_size
        self._per_connection = options.per_connection
        self._members = members
        self._line = line
        self._effects = effects
        self._exhausted = False
        self._down: set[Host] = set()

    @property
    def exhausted(self) -> bool:
        """Whether "exhausted" was reported, but not yet "recovered"."""
        return self._exhausted

    @property
    def numbers(self) -> str:
        """The state of the pool as text, for errors and log lines."""
        members, dialling = self._members, len(self._members.dialling)
        borrowed = f", {len(members.lent)} of them borrowed" if members.lent else ""
        being_opened = f", {dialling} being opened" if dialling else ""
        return (
            f"{len(members) - dialling} of at most {self._max_size} connections open"
            f"{borrowed}{being_opened}, {members.in_flight} queries in flight, "
            f"{len(self._line)} waiting"
        )

    def text_when_late(self, seconds: float, hosts: Hosts) -> str:
        """The error text for a query that has waited too long."""
        if self._members.usable:
            if self._members.lent:
                advice = "Raise `max_size`, or give borrowed connections back sooner."
            else:
                advice = "Raise `max_size` or `per_connection`, or send fewer queries at a time."
            return (
                f"No connection of the {self.pool} had room within {seconds:.3g} s: {self.numbers};"
                f" a connection takes {self._per_connection} at a time. {advice}"
            )
        places, cause = ", ".join(host.label for host in hosts), hosts.cause
        why = "There was no answer yet." if cause is None else f"The last attempt failed: {cause}"
        return (
            f"The {self.pool} had no connection to {places} within {seconds:.3g} s: {self.numbers}."
            f" {why}"
        )

    def text_when_full(self, now: float) -> str:
        """The error text for a query that may not wait, since too many others do."""
        line = self._line
        return (
            f"{len(line)} queries wait for a connection of the {self.pool} already "
            f"(`max_waiting`), the first of them for {now - line.first.asked_at:.3g} s: "
            f"{self.numbers}. Send fewer queries at a time, or raise `max_size`."
        )

    def opened(self, host: Host, failures: int) -> None:
        """A connection was opened, after so many failures."""
        if failures:
            logger.info(
                "%s: connected to %s again after %d failed attempts",
                self.pool, host.label, failures,
            )  # fmt: skip
        self._tell("opened", host)
        if host in self._down:
            self._down.discard(host)
            self._tell("up", host)

    def failed(self, host: Host, error: BaseException) -> None:
        """A dial has failed. The first failure is a warning, further ones are DEBUG lines.

        A dial that was cancelled, as the loop ends, says nothing about the host.
        """
        if not isinstance(error, Exception):
            logger.debug("%s: connecting to %s was cancelled", self.pool, host.label)
            return
        level = logging.WARNING if host.failures <= 1 else logging.DEBUG
        logger.log(
            level,
            "%s: cannot connect to %s, %d failed: %s",
            self.pool,
            host.label,
            host.failures,
            str(error) or type(error).__name__,
        )
        self._note_fall(host)

    def lost(self, host: Host, cause: BaseException | None) -> None:
        """A connection was lost."""
        logger.warning(
            "%s: the connection to %s is lost: %s", self.pool, host.label, cause or "closed"
        )
        self._tell("lost", host, cause)
        self._note_fall(host)

    def undiscovered(self, error: BaseException | None, final: bool) -> None:
        """The table `server_status` cannot be read; `final`: and never will be."""
        if final:
            logger.warning(
                "%s: stays with the hosts that it was given, as its user may not read"
                " `rethinkdb.server_status`: %s",
                self.pool,
                error,
            )
        else:
            logger.debug("%s: `rethinkdb.server_status` cannot be read now: %s", self.pool, error)

    def stuck(self, cause: BaseException | None) -> None:
        """Queries wait, no connection has room, and none is being opened."""
        if not self._exhausted:
            self._exhausted = True
            # Not a warning: waiting is normal in a pool. A query that waits too long gets an error.
            logger.info("%s: exhausted: %s", self.pool, self.numbers)
            self._tell("exhausted", None, cause)

    def at_ease(self) -> None:
        """Nobody waits, and connections have room."""
        if self._exhausted:
            self._exhausted = False
            logger.info("%s: recovered: %s", self.pool, self.numbers)
            self._tell("recovered", None)

    def _note_fall(self, host: Host) -> None:
        """Report a host as down if dials fail, or if its connections end right after opening."""
        if host.cause is not None and host not in self._down:
            self._down.add(host)
            self._tell("down", host, host.cause)

    def _tell(self, name: str, host: Host | None, cause: BaseException | None = None) -> None:
        label = None if host is None else host.label
        members = self._members
        self._effects.append(
            Event(name, label, cause, len(members), members.in_flight, len(self._line))
        )

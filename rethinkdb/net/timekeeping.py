"""What of a session has to do with time. Time is told, never taken: there is no clock here."""

from __future__ import annotations

from typing import Any, cast

from .client import ClientProtocol
from .deadlines import Deadlines
from .exchange import Exchange
from .reception import Reception
from .waiter import Waiter

__all__ = ["Timekeeping"]


class Timekeeping(Reception):
    """The part of a `Session` to which an adapter tells the time.

    Args:
        protocol, host, port: as for `Reception`.
    """

    def __init__(self, protocol: ClientProtocol, host: str, port: int) -> None:
        super().__init__(protocol, host, port)
        self._deadlines = Deadlines(self._is_unanswered)

    @property
    def clock_wanted(self) -> bool:
        """Whether `tick()` is to be called now, whatever it said before."""
        return self._deadlines.clock_wanted

    def tick(self, now: float) -> float | None:
        """Do what is due. Flush afterwards, as after each operation.

        Args:
            now: what time it is, in seconds, by a clock that never goes back.

        Returns:
            When to call it again; None: not before `clock_wanted` says so. Too early does no harm.
        """
        deadlines = self._deadlines
        deadlines.begin(now, len(self._exchanges))
        while (token := deadlines.due(now)) is not None:
            self._expire(self._exchanges[token])
        return deadlines.next()

    def _is_unanswered(self, token: int) -> bool:
        exchange = self._exchanges.get(token)
        return exchange is not None and not exchange.dropped and type(exchange.receiver) is Waiter

    def _expire(self, exchange: Exchange) -> None:
        """Nobody waits any longer for the first answer to a query."""
        waiter = cast("Waiter[Any]", exchange.receiver)
        # Should a signal handler raise in between, the next tick does all of it again.
        waiter.set_exception(exchange.query.late(self._host, self._port))
        exchange.send_stop()

"""What of a session has to do with time. Time is told, never taken: there is no clock here."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

from rethinkdb.codec import Codec
from rethinkdb.ql2 import QueryType

from .client import ClientProtocol
from .deadlines import Deadlines
from .exchange import Exchange
from .keepalive import Keepalive, Verdict
from .observing import Observation
from .query import Query
from .reception import Reception
from .waiter import Waiter

__all__ = ["Timekeeping"]


class Timekeeping(Reception):
    """The part of a `Session` to which an adapter tells the time.

    Args:
        protocol, host, port: as for `Reception`.
        keepalive: seconds of silence after which a server that owes an answer is asked for a sign
            of life; after as many again it is given up. None: never.
    """

    def __init__(
        self, protocol: ClientProtocol, host: str, port: int, keepalive: float | None = None
    ) -> None:
        super().__init__(protocol, host, port)
        self._decode = Codec().decoder({})
        self._deadlines = Deadlines(self._is_unanswered)
        self._keepalive = None if keepalive is None else Keepalive(keepalive)

    if TYPE_CHECKING:  # for `Session` to supply

        def _send(self, query: Query, observation: Observation | None = None) -> Waiter[Any]:
            """Send what is answered, also while the session is closing."""

    @property
    def clock_wanted(self) -> bool:
        """Whether `tick()` is to be called now, whatever it said before."""
        if self._deadlines.clock_wanted:
            return True
        keepalive = self._keepalive
        return keepalive is not None and keepalive.asleep and bool(self._exchanges)

    def tick(self, now: float, unsent: int = 0) -> float | None:
        """Do what is due. Flush afterwards, as after each operation.

        Should it end the session, the link is lost: close the transport without sending the rest.

        Args:
            now: what time it is, in seconds, by a clock that never goes back.
            unsent: how many bytes of what was sent the other side has not taken yet, as far as that
                is known.

        Returns:
            When to call it again; None: not before `clock_wanted` says so. Too early does no harm.
        """
        deadlines = self._deadlines
        deadlines.begin(now, len(self._exchanges))
        while (token := deadlines.due(now)) is not None:
            self._expire(self._exchanges[token])
        at = deadlines.next()
        if self._keepalive is None or self.close_requested:
            return at
        return self._look(self._keepalive, now, unsent, math.inf if at is None else at)

    # Deadlines.

    def _is_unanswered(self, token: int) -> bool:
        exchange = self._exchanges.get(token)
        return (
            exchange is not None and not exchange.dropped and isinstance(exchange.receiver, Waiter)
        )

    def _expire(self, exchange: Exchange) -> None:
        """Nobody waits any longer for the first answer to a query."""
        waiter = cast("Waiter[Any]", exchange.receiver)
        # Should a signal handler raise in between, the next tick does all of it again.
        waiter.set_exception(exchange.query.late(self.host, self.port))
        exchange.send_stop()

    # Keepalive.

    def _look(self, keepalive: Keepalive, now: float, unsent: int, at: float) -> float | None:
        """Whether the server is still there; when to tick again, `at` the latest."""
        if bool(self._exchanges) if keepalive.asleep else now >= keepalive.next:
            waiting = any(exchange.owed for exchange in self._exchanges.values())
            verdict = keepalive.look(now, self._protocol.heard, waiting, unsent)
            self._protocol.heard = False
            if verdict is Verdict.ASK:
                self._send(Query(QueryType.SERVER_INFO, _ASK, self._decode))
                keepalive.asked(now)
            elif verdict is Verdict.LOST:
                self._give_up(keepalive.silence(now))
                return None
        if not keepalive.asleep:
            at = min(at, keepalive.next)
        return None if at is math.inf else at

    def _give_up(self, silence: float) -> None:
        place, seconds = f"{self.host}:{self.port}", f"{round(silence, 1):g}"
        self.receive_eof(TimeoutError(f"no sign of life from {place} for {seconds} s"))

    def _new_token(self) -> int:
        self._last_token += 1
        return self._last_token


_ASK = b"[%d]" % QueryType.SERVER_INFO

"""The part of a session that deals with time. It has no clock: the time is an argument."""

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

# For the operations that are no queries.
_DECODE = Codec().decoder({})


class Timekeeping(Reception):
    """The part of a `Session` that gets the time from the adapter.

    Args:
        protocol, host, port: as in `Reception`.
        keepalive: see `Session`.

    Attributes:
        clock_wanted: `tick()` must be called now, even if it returned a later time before.
        unsent_wanted: whether `tick()` looks at its argument `unsent`.
    """

    def __init__(
        self, protocol: ClientProtocol, host: str, port: int, keepalive: float | None = None
    ) -> None:
        super().__init__(protocol, host, port)
        self._decode = _DECODE
        self._deadlines = Deadlines(self._is_pending)
        # Noreply queries with a deadline that wait for the transport, by token.
        self._senders: dict[int, tuple[Query, Waiter[Any]]] = {}
        self._keepalive = None if keepalive is None else Keepalive(keepalive)
        self.clock_wanted = False
        self.unsent_wanted = keepalive is not None

    if TYPE_CHECKING:  # for `Session` to supply

        def _send(self, query: Query, observation: Observation | None = None) -> Waiter[Any]:
            """Send a query that will be answered, also while the session is closing."""

    def tick(self, now: float, unsent: int = 0) -> float | None:
        """Do what is due at this time. Flush afterwards, as after each operation.

        If it ends the session, the link is lost: close the socket without sending the rest.

        Args:
            now: the time in seconds, by a clock that never goes back.
            unsent: how many sent bytes the other side has not taken yet, as far as that is known.
                It is looked at only if `unsent_wanted`.

        Returns:
            When to call it again; None: when `clock_wanted` is set. Calling it earlier does no
            harm.
        """
        deadlines, keepalive = self._deadlines, self._keepalive
        while (token := deadlines.due(now, self._exchanges, self._senders)) is not None:
            if token in self._senders:
                self._stop_sending(token)
            else:
                self._expire(self._exchanges[token])
        at = deadlines.next
        if keepalive is not None and not self.close_requested:
            at = self._look(keepalive, now, unsent, math.inf if at is None else at)
        awake = keepalive is None or not keepalive.asleep or not self._exchanges
        # Last, so that an interrupt before this line has the clock looked at again.
        if awake and not deadlines.new:
            self.clock_wanted = False
        return at

    # Deadlines.

    def _is_pending(self, token: int) -> bool:
        if token in self._senders:
            return self._is_sending(token)
        exchange = self._exchanges.get(token)
        return (
            exchange is not None and not exchange.dropped and isinstance(exchange.receiver, Waiter)
        )

    def _is_sending(self, token: int) -> bool:
        pending = not self._senders[token][1].done()
        if not pending:
            self._senders.pop(token, None)
        return pending

    def _stop_sending(self, token: int) -> None:
        """The deadline of a noreply query has passed. It will be sent, but its caller goes on."""
        query, waiter = self._senders[token]
        self.outflow.forget(waiter)
        waiter.set_exception(query.late(self.host, self.port))

    def _expire(self, exchange: Exchange) -> None:
        """The deadline of a query has passed: fail it, and stop it on the server if that is due."""
        waiter = cast("Waiter[Any]", exchange.receiver)
        # If a signal handler raises an error in between, the next tick repeats both.
        waiter.set_exception(exchange.query.late(self.host, self.port))
        exchange.abandoned(waiter)

    # Keepalive.

    def _look(self, keepalive: Keepalive, now: float, unsent: int, at: float) -> float | None:
        """Check whether the server is alive. Returns when to tick again, at the latest `at`."""
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

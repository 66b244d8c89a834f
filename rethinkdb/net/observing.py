"""Observers: the interface by which a session tells what happens to it.

`rethinkdb.monitoring`, a layer above this one, implements it. The session calls the observer when
something happens. The observer takes the time, and makes logs or metrics of it. Without an observer
each query only reads one attribute.

The core calls observers in the middle of its work. So they must not raise errors or wait, and must
not use the session. After an interrupt, such as Ctrl-C, the same call may come twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from rethinkdb.codec import Response

from .client import ClientProtocol
from .exchange import Exchange, close_stream
from .query import Query
from .waiter import RESULT, Waiter

__all__ = [
    "Observation",
    "ObservedExchange",
    "ObservedWaiter",
    "Observer",
    "Watched",
    "exchange_of",
    "settled",
]


class Watched(Protocol):
    """What observers see of a session; `Session` documents the attributes."""

    host: str
    port: int
    pooled: bool
    pool_name: str | None
    cause: BaseException | None
    observer: Observer | None
    observed_since: float | None


class Observer(Protocol):
    """Watches sessions, and pools of them."""

    def connecting(self, session: Watched) -> None:
        """A session was made. It may be opened next."""

    def opened(self, session: Watched) -> None:
        """A session is open."""

    def failed(self, session: Watched, error: Exception) -> None:
        """A session could not be opened."""

    def ended(self, session: Watched) -> None:
        """A session that was open has ended. `session.cause` says why."""

    def asked(self, session: Watched, query: Query) -> Observation:
        """A query is about to be sent."""

    def pool_changed(
        self,
        name: str,
        pool: str | None,
        host: str | None = None,
        cause: BaseException | None = None,
        size: int = 0,
        waiting: int = 0,
    ) -> None:
        """Something has happened to a pool."""

    def pool_waited(self, pool: str | None, host: str, seconds: float, alone: bool) -> None:
        """A query, or with `alone` a borrower, has waited for a connection and has it now."""

    def pool_lent(self, pool: str | None, host: str, seconds: float) -> None:
        """A connection that was lent for so long has come back."""

    def query_again(
        self,
        place: tuple[str, int],
        pool: str | None,
        term: Any,
        options: Mapping[str, Any],
        db: str | None,
        error: BaseException,
        tries: int,
        pause: float,
    ) -> None:
        """A query has failed, and its pool will run it again."""


class Observation(Protocol):
    """Watches one query."""

    def replied(self, outcome: Response | Exception, size: int) -> None:
        """A reply of `size` bytes has arrived: its content, or the error of decoding it."""

    def valued(self, value: Any, size: int) -> None:
        """A reply of `size` bytes has arrived with the query's value: `replied` and `settled`, for
        nearly all queries that have no stream."""

    def settled(self, error: BaseException | None, value: Any) -> None:
        """The query has its first answer: an error, or a value or stream."""

    def given_up(self) -> None:
        """The caller no longer waits for the first answer."""


class ObservedExchange(Exchange):
    """An exchange whose replies are observed. Set `observation` before using it."""

    # `observation` is no argument of `__init__`, here and below, as that would take 0.2 µs.

    __slots__ = ("observation",)

    observation: Observation

    def decoded(self, payload: bytes) -> Response | Exception:
        """Decode a reply; returns its content, or the error of decoding."""
        self.plain = False  # the quick way tells of lone values only, and perhaps this is a stream
        outcome = Exchange.decoded(self, payload)
        self.observation.replied(outcome, len(payload))
        return outcome


class ObservedWaiter(Waiter[Any]):
    """A waiter that is observed: its observation is told before its callers. Set `observation`."""

    # This is not done with a callback, which would take 0.4 µs more.

    __slots__ = ("observation",)

    observation: Observation | None

    def _settle(self, state: int, outcome: Any) -> None:
        observation, self.observation = self.observation, None
        if observation is not None:
            if state == RESULT:
                observation.settled(None, outcome)
            else:
                observation.settled(outcome, None)
        Waiter._settle(self, state, outcome)

    def abandon(self) -> None:
        """See `Waiter`."""
        observation, self.observation = self.observation, None
        super().abandon()
        if observation is not None:
            observation.given_up()


def exchange_of(
    observation: Observation | None, protocol: ClientProtocol, token: int, query: Query
) -> tuple[Exchange, Waiter[Any]]:
    """The exchange of a query, and its waiter.

    Args:
        observation: what watches the query; None if nothing does.
        protocol, token, query: as for `Exchange`.
    """
    if observation is None:
        exchange = Exchange(protocol, token, query)
        return exchange, Waiter(exchange.abandoned, close_stream)
    observed = ObservedExchange(protocol, token, query)
    waiter = ObservedWaiter(observed.abandoned, close_stream)
    observed.observation = waiter.observation = observation
    return observed, waiter


def settled(observation: Observation | None, error: BaseException | None) -> Waiter[Any]:
    """Make a settled waiter, and tell the observation.

    Args:
        observation: the observation; None if there is none.
        error: the waiter's error; None if it succeeds.
    """
    if observation is not None:
        observation.settled(error, None)
    return Waiter.succeeded(None) if error is None else Waiter.failed(error)

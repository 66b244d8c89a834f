"""What a session tells those who watch it: `rethinkdb.monitoring`, above this layer.

The core knows when something happens; what is made of it, and what time it is then, is the
observer's business. Without one each query costs a look at an attribute.

Observers are called in the midst of the core's work. They must not raise or wait, and must not use
the session. After an interrupt, such as Ctrl-C, a step may be made again, and be told twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from rethinkdb.codec import Response

from .exchange import Exchange
from .query import Query
from .waiter import RESULT, Waiter

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Observation", "ObservedExchange", "ObservedWaiter", "Observer", "settled"]


class Observer(Protocol):
    """Watches sessions, and pools of them."""

    def connecting(self, session: Session) -> None:
        """A session was made, perhaps to be opened."""

    def opened(self, session: Session) -> None:
        """It is open."""

    def ended(self, session: Session) -> None:
        """One that was open is over: `session.cause` tells why."""

    def asked(self, session: Session, query: Query) -> Observation:
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
        """A pool runs a query again, which has failed."""


class Observation(Protocol):
    """Watches one query."""

    def replied(self, outcome: Response | Exception, size: int) -> None:
        """A reply was decoded, which had so many bytes; or what kept it from being decoded."""

    def settled(self, error: BaseException | None, value: Any) -> None:
        """The query has its first answer: a value, or the stream of it; or an error."""

    def given_up(self) -> None:
        """Nobody waits for the first answer any more."""


class ObservedExchange(Exchange):
    """One whose replies are watched. Set `observation` before it is used."""

    # No `__init__` for that, here and below: it would take 0.2 µs.

    __slots__ = ("observation",)

    observation: Observation

    def decoded(self, payload: bytes) -> Response | Exception:
        """A reply's content, or what kept it from being decoded."""
        outcome = Exchange.decoded(self, payload)
        self.observation.replied(outcome, len(payload))
        return outcome


class ObservedWaiter(Waiter[Any]):
    """One whose end is watched. Whoever watches is told before whoever waits. Set `observation`."""

    # Not by a callback, which would take 0.4 µs more.

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


def settled(observation: Observation | None, error: BaseException | None) -> Waiter[Any]:
    """A waiter that is settled already, with an error or None.

    Args:
        observation: is told, if there is one.
        error: likewise.
    """
    if observation is not None:
        observation.settled(error, None)
    return Waiter.succeeded(None) if error is None else Waiter.failed(error)

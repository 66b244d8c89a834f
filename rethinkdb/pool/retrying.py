"""When a query that failed is run again. No clock: the time is told.

What may be run again follows from two things: what the error says of the query's fate (`Fate`), and
what the query does (`Doing`).

===========================================  =========  ==============  =====================
Fate                                         it reads   it writes one   it does anything else
===========================================  =========  ==============  =====================
not begun: it was never sent                 again      again           again
not done: refused, as something is not       again      again           only if `idempotent`
available now
unknown: the link was lost, or the answer    again      only if         only if `idempotent`
is "indeterminate"                                      `idempotent`
final: all else                              no         no              no
===========================================  =========  ==============  =====================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rethinkdb.errors import ReqlDriverError, ReqlError

from .backoff import Backoff
from .checks import check_count, is_number
from .fates import Fate, fate_of
from .reads import Doing

__all__ = ["USUAL", "Budget", "GiveUp", "RetryPolicy", "Retrying", "TryAgain"]


# The fates of which running the query again cannot change the result, by what the query does.
_HARMLESS = {
    Doing.READS: frozenset({Fate.NOT_BEGUN, Fate.NOT_DONE, Fate.UNKNOWN}),
    Doing.WRITES_ONE: frozenset({Fate.NOT_BEGUN, Fate.NOT_DONE}),
    Doing.ACTS: frozenset({Fate.NOT_BEGUN}),
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and when, a pool runs a query again that failed. See "What is retried".

    Args:
        attempts: how often a query is run at most, the first time included. 1: never again.
        first_pause: the longest pause before the second attempt, in seconds. It doubles with each
            further one. A pause is anything from nothing to its limit, so that many clients that
            failed together do not come back together.
        longest_pause: where the doubling ends.
        budget: how many queries may be run again, as a part of all that the pool has run: 0.1 is
            one in ten. So retries never double the load of servers that fail because of their load.
            What is not used is saved, up to 1,000. None: no limit.
        reserve: how many may be run again before the budget has grown.
        feed_attempts: how often in a row a changefeed that goes on (`resume=`) is run again without
            success, before it gives up: with the usual pauses, for about a minute of refusals.
            None: for ever.

    Raises:
        ReqlDriverError: a value will not do; the option is named.

    Example::

        # Waits out the seconds that a cluster takes to replace a primary.
        r.ConnectionPool(hosts=["a", "b", "c"], retry=r.RetryPolicy(attempts=10))
    """

    attempts: int = 4
    first_pause: float = 0.05
    longest_pause: float = 2.0
    budget: float | None = 0.1
    reserve: int = 10
    feed_attempts: int | None = 60

    def __post_init__(self) -> None:
        check_count("attempts", self.attempts, 1)
        check_count("reserve", self.reserve, 0)
        if self.feed_attempts is not None:
            check_count("feed_attempts", self.feed_attempts, 1)
        for option in ("first_pause", "longest_pause"):
            value = getattr(self, option)
            if not is_number(value) or not 0 <= value < math.inf:
                raise ReqlDriverError(
                    f"`{option}` must be a number of seconds from 0 up, not {value!r}."
                )
        if self.first_pause > self.longest_pause:
            raise ReqlDriverError(
                f"`first_pause` ({self.first_pause}) must not be above `longest_pause`"
                f" ({self.longest_pause})."
            )
        if self.budget is not None and not (is_number(self.budget) and 0 <= self.budget <= 1):
            raise ReqlDriverError(
                f"`budget` must be a number from 0 to 1, or None, not {self.budget!r}."
            )

    @classmethod
    def from_argument(cls, retry: Any) -> RetryPolicy | None:
        """Reads the option `retry` of a pool: a policy, True (the usual one), False or None (none).

        Raises:
            ReqlDriverError: for anything else.
        """
        if retry is True:
            return USUAL
        if retry is None or retry is False or isinstance(retry, cls):
            return retry or None
        raise ReqlDriverError(
            f"`retry` must be a RetryPolicy, True or None, not {type(retry).__name__}."
        )


#: What pools do that are not told otherwise.
USUAL = RetryPolicy()

# More saved retries would not be a limit any more, when all fails after a good week.
_MOST_SAVED = 1_000.0


class Budget:
    """How many queries may still be run again. One for each pool.

    It is told how many queries there were when one has failed, and so costs nothing before.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._part = policy.budget
        self._most = max(_MOST_SAVED, policy.reserve)
        self._left = float(policy.reserve)
        self._counted = 0
        self.spent = 0

    def spend(self, queries: int) -> bool:
        """Take one, if there is one left.

        Args:
            queries: how many attempts have ended since the pool was made, those again included.
        """
        if self._part is not None:
            counted = max(self._counted, queries - self.spent)  # those again earn nothing
            earned = self._part * (counted - self._counted)
            self._counted = counted
            self._left = min(self._most, self._left + earned)
            if self._left < 1.0:
                return False
            self._left -= 1.0
        self.spent += 1
        return True


class TryAgain(NamedTuple):
    """Run the query again at this time."""

    at: float


class GiveUp(NamedTuple):
    """Raise the error."""

    error: BaseException


class Retrying:
    """The attempts of one query. Made when the first one has failed.

    Args:
        policy: how often, and when.
        budget: the pool's.
        random: gives a number from 0 up to 1.
        doing: says what the query does. It is asked once, and only if that matters.
        idempotent: its user says that running it twice is as good as once.
        deadline: when its first answer is due.

    Attributes:
        tries: how many attempts have failed.
        hosts: where they were made, each host once, as `host:port`.
        about: the query and its options, for those who watch; not looked at.
    """

    about: tuple[Any, Mapping[str, Any]] = (None, {})

    def __init__(
        self,
        policy: RetryPolicy,
        budget: Budget,
        random: Callable[[], float],
        doing: Callable[[], Doing],
        idempotent: bool = False,
        deadline: float = math.inf,
    ) -> None:
        self._policy = policy
        self._budget = budget
        self._backoff = Backoff(random, policy.first_pause, policy.longest_pause)
        self._doing = doing
        self._known_doing: Doing | None = None
        self._idempotent = idempotent
        self._deadline = deadline
        self.tries = 0
        self.hosts: list[str] = []

    @property
    def reads(self) -> bool:
        """Whether the query only reads."""
        return self._does is Doing.READS

    def failed(
        self, error: BaseException, sent: bool, host: str | None, queries: int, now: float
    ) -> TryAgain | GiveUp:
        """An attempt has failed.

        Args:
            error: what it ended in.
            sent: whether the query may have left this machine.
            host: where it was made, as `host:port`; None if it came to no connection.
            queries: how many attempts of queries have ended since the pool was made.
            now: the time.

        Returns:
            when to run the query again, or the error to raise, which tells of all attempts.
        """
        self.tries += 1
        if host is not None and host not in self.hosts:
            self.hosts.append(host)
        fate = fate_of(error, sent)
        if fate is Fate.FINAL or self._policy.attempts == 1:
            return self._give_up(error, "")
        if not self._may_repeat(fate):
            return self._give_up(error, _NOT_HARMLESS)
        if self.tries >= self._policy.attempts:
            return self._give_up(error, "")
        at = now + self._backoff.pause(self.tries)
        if at >= self._deadline:
            return self._give_up(error, "Not tried again: its deadline would have passed.")
        if not self._budget.spend(queries):
            return self._give_up(error, _BUDGET_SPENT)
        return TryAgain(at)

    def ended(self, error: BaseException) -> BaseException:
        """There is no further attempt, for another reason: no connection was to be had, say.

        Returns:
            the error, which tells of the attempts before.
        """
        return self._give_up(error, "").error

    @property
    def _does(self) -> Doing:
        if self._known_doing is None:
            self._known_doing = self._doing()
        return self._known_doing

    def _may_repeat(self, fate: Fate) -> bool:
        return fate is Fate.NOT_BEGUN or self._idempotent or fate in _HARMLESS[self._does]

    def _give_up(self, error: BaseException, why: str) -> GiveUp:
        if isinstance(error, ReqlError):
            error.tries, error.hosts = self.tries, tuple(self.hosts)
            tried = f"Tried {self.tries} times, on {', '.join(self.hosts) or 'no connection'}."
            error.retries = " ".join(filter(None, [tried if self.tries > 1 else "", why]))
        return GiveUp(error)


_NOT_HARMLESS = (
    "Not tried again, as it may have been done, or a part of it. If running it twice is as good as"
    " once, say so: run(..., idempotent=True)."
)

_BUDGET_SPENT = (
    "Not tried again, as the pool's budget of retries is spent: too many of its queries fail."
)

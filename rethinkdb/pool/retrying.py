"""When a failed query is run again. There is no clock here: callers pass the time.

Two things decide whether a query may be run again: whether it may have been done already, as far as
the error tells (`Fate`); and what the query does (`Doing`).

===========================================  =========  ==============  =====================
Fate                                         it reads   it writes one   it does anything else
===========================================  =========  ==============  =====================
not begun: it was never sent                 again      again           again
not done: the server refused it, since       again      again           only if `idempotent`
something is not available now
unknown: the link was lost, or the answer    again      only if         only if `idempotent`
is "indeterminate"                                      `idempotent`
final: every other error                     no         no              no
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


# For each kind of query: after which fates running it again cannot change the result.
_HARMLESS = {
    Doing.READS: frozenset({Fate.NOT_BEGUN, Fate.NOT_DONE, Fate.UNKNOWN}),
    Doing.WRITES_ONE: frozenset({Fate.NOT_BEGUN, Fate.NOT_DONE}),
    Doing.ACTS: frozenset({Fate.NOT_BEGUN}),
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and when, a pool runs a failed query again. See "What is retried".

    Args:
        attempts: how often a query is run at most, including the first time. 1: no retries.
        first_pause: the upper limit of the pause before the second attempt, in seconds. The limit
            doubles for each further attempt. The pause is a random time below the limit, so that
            many clients that failed together do not come back together.
        longest_pause: the largest value of that limit, in seconds.
        budget: the share of the pool's queries that may be run again: 0.1 is one in ten. So if
            servers fail under load, retries cannot double that load. Unused retries are saved, up
            to 1,000. None: no limit.
        reserve: how many queries may be run again before the budget has grown.
        feed_attempts: how many attempts in a row may fail before a changefeed run with `resume`
            gives up. With the usual pauses, the default lasts for about a minute. None: it never
            gives up.

    Raises:
        ReqlDriverError: a value is not allowed; the message names the option.

    Example::

        # Keeps trying for the seconds that a cluster needs to replace a primary.
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
        """The policy for a pool's option `retry`: a policy, True (the usual one), None or False.

        Raises:
            ReqlDriverError: it is something else.
        """
        if retry is True:
            return USUAL
        if retry is None or retry is False or isinstance(retry, cls):
            return retry or None
        raise ReqlDriverError(
            f"`retry` must be a RetryPolicy, True or None, not {type(retry).__name__}."
        )


#: The policy of a pool that is given none.
USUAL = RetryPolicy()

# With more saved retries, the budget would not limit anything when all fails after a good week.
_MOST_SAVED = 1_000.0


class Budget:
    """How many queries of a pool may still be run again.

    It learns the number of queries only when one has failed, so a query that works costs nothing.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self._part = policy.budget
        self._most = max(_MOST_SAVED, policy.reserve)
        self._left = float(policy.reserve)
        self._counted = 0
        self.spent = 0

    def spend(self, queries: int) -> bool:
        """Use up one retry; False if none is left.

        Args:
            queries: how many attempts have ended since the pool was made, including retries.
        """
        if self._part is not None:
            counted = max(self._counted, queries - self.spent)  # retries do not grow the budget
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
    """The attempts of one query. Made when the first attempt has failed.

    Args:
        policy: how often, and when, to try.
        budget: the budget of the pool.
        random: returns a random number from 0 up to, but not including, 1.
        doing: returns what the query does. Called at most once, and only if that matters.
        idempotent: the user's statement that running the query twice has the same effect as once.
        deadline: the time by which its first answer must be there.

    Attributes:
        tries: how many attempts have failed.
        hosts: the hosts of these attempts, each once, as `host:port`.
        about: the query and its options, for monitoring; not used here.
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
        """Decide what to do after a failed attempt.

        Args:
            error: the error that ended the attempt.
            sent: whether the query may have left this machine.
            host: the host of the attempt, as `host:port`; None if it got no connection.
            queries: how many attempts of all queries have ended since the pool was made.
            now: the time.

        Returns:
            When to run the query again; or the error to raise, with the number of attempts and
            their hosts in it.
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
            short = fate is Fate.NOT_DONE and self._policy.attempts < _OUTLASTS
            return self._give_up(error, "", _OUTLAST if short else "")
        at = now + self._backoff.pause(self.tries)
        if at >= self._deadline:
            return self._give_up(error, "Not tried again: its deadline would have passed.")
        if not self._budget.spend(queries):
            return self._give_up(error, _BUDGET_SPENT)
        return TryAgain(at)

    def ended(self, error: BaseException) -> BaseException:
        """Give up for another reason: for example, because no connection was available.

        Returns:
            The error, with the earlier attempts in it.
        """
        return self._give_up(error, "").error

    @property
    def _does(self) -> Doing:
        if self._known_doing is None:
            self._known_doing = self._doing()
        return self._known_doing

    def _may_repeat(self, fate: Fate) -> bool:
        return fate is Fate.NOT_BEGUN or self._idempotent or fate in _HARMLESS[self._does]

    def _give_up(self, error: BaseException, why: str, advice: str = "") -> GiveUp:
        if isinstance(error, ReqlError):
            error.tries, error.hosts = self.tries, tuple(self.hosts)
            tried = f"Tried {self.tries} times, on {', '.join(self.hosts) or 'no connection'}."
            error.retries = advice + " ".join(filter(None, [tried * (self.tries > 1), why]))
        return GiveUp(error)


_NOT_HARMLESS = (
    "Not tried again, as it may have been done, or a part of it. If running it twice is as good as"
    " once, say so: run(..., idempotent=True)."
)

# With the usual pauses, so many attempts take about five seconds. A cluster needs about two to
# replace a primary.
_OUTLASTS = 10

_OUTLAST = (
    "A cluster needs some seconds to replace a primary. More attempts wait for that:"
    " ConnectionPool(..., retry=r.RetryPolicy(attempts=10)).\n"
)

_BUDGET_SPENT = (
    "Not tried again, as the pool's budget of retries is spent: too many of its queries fail."
)

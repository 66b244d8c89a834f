"""What a pool is told, checked once: keywords in, one frozen `PoolOptions` out.

Every default and every check of a pool's options stands here and nowhere else. How to connect is
told by the options of `connect()`, see `rethinkdb.net.options`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError

from .checks import check_count, is_number
from .retrying import USUAL, RetryPolicy

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["PoolOptions"]

# Systems refuse to wait longer (poll() takes 31 bits of milliseconds); it is as good as for ever.
_LONGEST_WAIT = 2_000_000.0


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """How a pool grows, waits and lets go.

    Args:
        min_size: connections that are kept open, used or not; from 0 up.
        max_size: the most connections there are at any time, those being opened or closed included.
        per_connection: queries in flight on a connection, from which on it is left alone.
        acquire_timeout: seconds that a query waits for a connection.
        max_waiting: queries that may wait for a connection; the next one fails at once.
        max_lifetime: seconds after which a connection is replaced, up to a tenth earlier, so that
            not all are replaced at once. None: never.
        max_idle: seconds after which an unused connection is closed, as long as `min_size` remain.
            None: never.
        keepalive: seconds of silence after which a server that owes an answer is asked for a sign
            of life. None: it is not asked.
        deadline: seconds that each query may take, from waiting for a connection to the first
            answer, unless it says otherwise. None: no limit.
        discover: follow the cluster: use the servers that its table `server_status` names, as they
            come and go. The hosts that were given are used to begin with, and as long as none of
            the others can be reached.
        retry: how often, and when, a query that failed is run again: a `RetryPolicy`; True, for the
            usual one; None or False: never.
        name: stands in log lines, errors and statistics.

    Raises:
        ReqlDriverError: a value will not do; the option is named.
    """

    min_size: int = 1
    max_size: int = 8
    per_connection: int = 64
    acquire_timeout: float = 10.0
    max_waiting: int = 1000
    max_lifetime: float | None = 3600.0
    max_idle: float | None = 600.0
    keepalive: float | None = 20.0
    deadline: float | None = None
    discover: bool = False
    retry: RetryPolicy | None = USUAL
    name: str | None = None

    def __post_init__(self) -> None:
        for option, least in _COUNTS.items():
            check_count(option, getattr(self, option), least)
        if self.min_size > self.max_size:
            raise ReqlDriverError(
                f"`min_size` ({self.min_size}) must not be above `max_size` ({self.max_size})."
            )
        for option in _SECONDS:
            value = getattr(self, option)
            if value is not None or option == "acquire_timeout":
                object.__setattr__(self, option, _seconds(option, value))
        if not isinstance(self.discover, bool):
            raise ReqlDriverError(f"`discover` must be True or False, not {self.discover!r}.")
        object.__setattr__(self, "retry", RetryPolicy.from_argument(self.retry))
        if self.name is not None and not isinstance(self.name, str):
            raise ReqlDriverError(f"`name` must be a string, not {type(self.name).__name__}.")

    @classmethod
    def taken_from(cls, arguments: dict[str, Any]) -> Self:
        """The options among some keyword arguments, which are taken out of them.

        Args:
            arguments: those of a pool's constructor. What remains is for `connect()`.
        """
        return cls(**{name: arguments.pop(name) for name in POOL_OPTIONS if name in arguments})


#: The arguments of a pool beside those of `connect()`.
POOL_OPTIONS = tuple(field.name for field in fields(PoolOptions))

# Whole numbers, each with the least that it may be.
_COUNTS = {"min_size": 0, "max_size": 1, "per_connection": 1, "max_waiting": 1}

_SECONDS = ("acquire_timeout", "max_lifetime", "max_idle", "keepalive", "deadline")


def _seconds(name: str, value: Any) -> float:
    if not is_number(value) or not value > 0 or math.isinf(value):
        never = "" if name == "acquire_timeout" else " (or None)"
        raise ReqlDriverError(
            f"`{name}` must be a number of seconds above 0{never}, not {value!r}."
        )
    return float(min(value, _LONGEST_WAIT))

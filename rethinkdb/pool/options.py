"""`PoolOptions`: the options of a pool, with their defaults and checks.

The options for connecting are those of `connect()`, see `rethinkdb.net.options`.
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

# About 23 days. Systems refuse to wait longer: poll() takes 31 bits of milliseconds.
_LONGEST_WAIT = 2_000_000.0


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """The options of a pool: its size, how long queries wait, when connections are closed.

    Args:
        min_size: how many connections are kept open even if nobody uses them; 0 or more.
        max_size: the largest number of connections, including those being opened or closed.
        per_connection: the largest number of queries in flight on one connection.
        acquire_timeout: seconds that a query waits for a connection before it fails.
        max_waiting: how many queries may wait for a connection; one more fails at once.
        max_lifetime: seconds after which a connection is replaced. Each is replaced up to a tenth
            earlier, so that not all are replaced at the same time. None: never.
        max_idle: seconds after which an unused connection is closed, if at least `min_size` remain.
            None: never.
        keepalive: if a server owes an answer and has sent nothing for this many seconds, the driver
            checks that it is still there. None: no check.
        deadline: seconds that a query may take, from waiting for a connection to the first answer.
            A query can set its own. None: no limit.
        discover: use all servers of the cluster, as its table `server_status` names them. Servers
            may join and leave. The given hosts are used at the start, and while no other can be
            reached.
        retry: how often, and when, a failed query is run again: a `RetryPolicy`; True: the usual
            policy; None or False: never.
        name: the pool's name in log lines, errors and statistics.

    Raises:
        ReqlDriverError: a value is not allowed; the message names the option.
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
        """Make the options from keyword arguments, and remove them from the dict.

        Args:
            arguments: the keyword arguments of a pool. Those that remain are for `connect()`.
        """
        return cls(**{name: arguments.pop(name) for name in POOL_OPTIONS if name in arguments})


#: The arguments of a pool that are not arguments of `connect()`.
POOL_OPTIONS = tuple(field.name for field in fields(PoolOptions))

# Options that are whole numbers, each with the smallest allowed value.
_COUNTS = {"min_size": 0, "max_size": 1, "per_connection": 1, "max_waiting": 1}

_SECONDS = ("acquire_timeout", "max_lifetime", "max_idle", "keepalive", "deadline")


def _seconds(name: str, value: Any) -> float:
    if not is_number(value) or not value > 0 or math.isinf(value):
        never = "" if name == "acquire_timeout" else " (or None)"
        raise ReqlDriverError(
            f"`{name}` must be a number of seconds above 0{never}, not {value!r}."
        )
    return float(min(value, _LONGEST_WAIT))

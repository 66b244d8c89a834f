"""Connects to one of several hosts: tries them in random order, within one time limit.

A loop's connection implements `_reach`, which connects to the host that its options name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import sample
from time import monotonic
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.address import written_address
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.telling import tell_failed

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AwaitingReach", "Places", "WaitingReach"]


class Places:
    """The hosts to try, each of them once.

    Args:
        connection: its options are changed to name each host in turn.
        timeout: seconds for all hosts together. Each host gets an equal share of the time that is
            left. So a host that does not answer leaves time for the others.
    """

    def __init__(self, connection: BaseConnection, timeout: float) -> None:
        places = connection.options.places
        self._connection = connection
        self._order = sample(places, len(places))
        self._deadline = monotonic() + timeout
        self._failures: list[ReqlDriverError] = []

    def __iter__(self) -> Iterator[float]:
        """Yields the seconds for each host."""
        if len(self._order) == 1:  # the clock of the loop may be another one
            yield self._deadline - monotonic()
            return
        for left, place in zip(range(len(self._order), 0, -1), self._order, strict=True):
            self._connection._go_to(place)
            yield max(0.0, self._deadline - monotonic()) / left

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A context manager for one host: keeps the error if there are other hosts."""
        try:
            yield
        except ReqlDriverError as error:
            tell_failed(self._connection._session, error)
            # The other hosts of the cluster have the same users.
            if len(self._order) == 1 or isinstance(error, ReqlAuthError):
                raise
            self._failures.append(error)

    def failure(self) -> ReqlDriverError:
        """The error if no host could be reached. It names each host with its error."""
        lines = [
            f"{written_address(*place)}: {error}"
            for place, error in zip(self._order, self._failures, strict=True)
        ]
        text = f"Could not connect to any of {len(lines)} hosts:\n" + "\n".join(lines)
        late = all(isinstance(error, ReqlTimeoutError) for error in self._failures)
        told = ReqlTimeoutError(message=text) if late else ReqlDriverError(text)
        told.__cause__ = self._failures[-1]
        return told


class _Reach(BaseConnection):
    TRIES_HOSTS = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "_connect" in cls.__dict__ and cls.__module__ != __name__:
            cls.TRIES_HOSTS = False  # another package's adapter, older than the option `hosts`


class AwaitingReach(_Reach):
    """Connects, where callers await."""

    if TYPE_CHECKING:

        async def _reach(self, timeout: float) -> Any:
            """Connect to the host that the options name."""

    async def _connect(self, timeout: float) -> Self:
        places = Places(self, timeout)
        for seconds in places:
            with places.attempt():
                await self._reach(seconds)
                return self
        raise places.failure()


class WaitingReach(_Reach):
    """Connects, where calls block."""

    if TYPE_CHECKING:

        def _reach(self, timeout: float) -> Any:
            """Connect to the host that the options name."""

    def _connect(self, timeout: float) -> Self:
        places = Places(self, timeout)
        for seconds in places:
            with places.attempt():
                self._reach(seconds)
                return self
        raise places.failure()

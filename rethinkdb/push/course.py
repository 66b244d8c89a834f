"""Runs a sequence of steps that wait in between. The same steps run on every loop.

Steps are a generator. It yields what it waits for; in a later turn of the loop it is sent the
outcome. It can yield three things:

- an operation of the core: a callable that returns a `Waiter`;
- an awaitable that a user's asynchronous function returned;
- a `Waiter` that is settled by something other than the server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, Protocol

from rethinkdb.net.waiter import Waiter

__all__ = ["Cancellation", "Steps", "follow"]

#: What steps can yield.
Wanted = Callable[[], Waiter[Any]] | Awaitable[Any] | Waiter[Any]

Steps = Generator[Wanted, Any, None]


Then = Callable[[Waiter[Any]], object]


class Performer(Protocol):
    """What runs steps: a `Runner`, which documents the methods."""

    def soon(self, callback: Callable[[], object]) -> None: ...
    def run(self, awaitable: Awaitable[Any], then: Then) -> None: ...
    def perform(
        self, operation: Callable[[], Waiter[Any]], then: Then, reads: bool = True
    ) -> None: ...


class Cancellation(BaseException):
    """An asynchronous function was cancelled, so it has neither a result nor an error.

    The loop's own exception propagates in the task that was cancelled. This exception is raised in
    the steps that waited for it.
    """


def follow(runner: Performer, steps: Steps) -> None:
    """Run the first step now, and each next step when what it waits for has arrived."""
    _advance(runner, steps, None, None)


def _advance(runner: Performer, steps: Steps, value: Any, error: BaseException | None) -> None:
    try:
        wanted = steps.send(value) if error is None else steps.throw(error)
    except StopIteration:
        return
    arrived = partial(_arrived, runner, steps)
    if callable(wanted):
        runner.perform(wanted, arrived)
    elif isinstance(wanted, Waiter):
        runner.perform(partial(_same, wanted), arrived, reads=False)
    else:
        runner.run(wanted, arrived)


def _arrived(runner: Performer, steps: Steps, waiter: Waiter[Any]) -> None:
    # Read the result at once. A result that nobody has read is given back when the waiter is
    # abandoned; this one now belongs to the steps.
    error = waiter.exception()
    value = waiter.result() if error is None else None
    runner.soon(partial(_advance, runner, steps, value, error))


def _same(waiter: Waiter[Any]) -> Waiter[Any]:
    return waiter

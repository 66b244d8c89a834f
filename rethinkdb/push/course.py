"""What is done step by step, with waits in between, written once for every loop.

Steps are a generator. It yields what it waits for, and is sent the outcome, in a later turn of the
loop: an operation of the core (a callable that returns a `Waiter`), an awaitable that a user's
asynchronous function returned, or a `Waiter` that something else than the server settles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from rethinkdb.net.waiter import Waiter

if TYPE_CHECKING:
    from .runner import Runner

__all__ = ["Cancellation", "Steps", "follow"]

#: What steps yield.
Wanted = Callable[[], Waiter[Any]] | Awaitable[Any] | Waiter[Any]

Steps = Generator[Wanted, Any, None]


class Cancellation(BaseException):
    """An asynchronous function was cancelled: neither a result nor an error.

    The loop's own exception goes its way where it was raised; this one tells the steps.
    """


def follow(runner: Runner, steps: Steps) -> None:
    """Take the first step now, and each further one when what it waits for has come."""
    _advance(runner, steps, None, None)


def _advance(runner: Runner, steps: Steps, value: Any, error: BaseException | None) -> None:
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


def _arrived(runner: Runner, steps: Steps, waiter: Waiter[Any]) -> None:
    # Read at once: from here on the value is ours, and closing must not give it back.
    error = waiter.exception()
    value = waiter.result() if error is None else None
    runner.soon(partial(_advance, runner, steps, value, error))


def _same(waiter: Waiter[Any]) -> Waiter[Any]:
    return waiter

"""Waiting in a task of trio, with a time limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import trio

from rethinkdb.errors import ReqlTimeoutError
from rethinkdb.net.waiter import Waiter

__all__ = ["deadline", "dialled", "sleep_until_done"]


@contextmanager
def deadline(timeout: float, late: ReqlTimeoutError) -> Iterator[None]:
    """As `trio.fail_after`, but raises `late`."""
    try:
        with trio.fail_after(timeout):
            yield
    except trio.TooSlowError as exc:
        raise late from exc


async def dialled(host: str, port: int) -> trio.SocketStream:
    """Open a socket.

    Raises:
        OSError: the first address could not be reached. trio's own error says only that all
            attempts failed. The reasons are its cause.
    """
    try:
        return await trio.open_tcp_stream(host, port)
    except OSError as error:
        cause = error.__cause__
        (reason, *_) = getattr(cause, "exceptions", (cause,))
        if isinstance(reason, OSError):
            raise reason from None
        raise


async def sleep_until_done(waiter: Waiter[Any]) -> None:
    """Suspend this task until the waiter is settled. An `Event` would take 3 µs more."""
    sleeping = [trio.lowlevel.current_task()]

    def wake(_: Waiter[Any]) -> None:
        if sleeping:  # otherwise the task was cancelled just now
            trio.lowlevel.reschedule(sleeping.pop())

    def cancel(_: object) -> trio.lowlevel.Abort:
        sleeping.clear()
        return trio.lowlevel.Abort.SUCCEEDED

    waiter.add_done_callback(wake)
    await trio.lowlevel.wait_task_rescheduled(cancel)

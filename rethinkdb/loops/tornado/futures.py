"""What Futures need that begin where no loop runs yet, and that callers may settle themselves."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any, TypeVar

from tornado.concurrent import Future
from tornado.ioloop import IOLoop

__all__ = ["copy_outcome", "loop_to_run"]

T = TypeVar("T")


def loop_to_run() -> asyncio.AbstractEventLoop:
    """The one that `IOLoop.current()` is made of, where none runs yet."""
    with warnings.catch_warnings():
        # Tornado deprecates what programs do at the top of a module.
        warnings.simplefilter("ignore", DeprecationWarning)
        current: Any = IOLoop.current()
    loop: asyncio.AbstractEventLoop = current.asyncio_loop
    return loop


def copy_outcome(task: Future[T], future: Future[T]) -> None:
    """Settle a Future as a finished task was, unless somebody has settled it already."""
    if task.cancelled():
        future.cancel()
        return
    error = task.exception()
    if future.done():
        return
    if error is None:
        future.set_result(task.result())
    else:
        future.set_exception(error)

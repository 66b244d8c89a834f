"""The four operations that scenarios need from a loop, besides its connections."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["Driver", "Operation", "complete"]

T = TypeVar("T")

#: A part of a scenario. Blocking loops run it with `complete`, other loops as a task.
Operation = Callable[[], Coroutine[Any, Any, Any]]


class Driver(ABC):
    """A loop, as scenarios see it. Write a subclass for your loop.

    `rethinkdb.testing.conformance.drivers` has the subclasses of the built-in loops as examples, of
    15 to 30 lines each.

    Attributes:
        shared: whether a connection may be used in any thread.
    """

    shared = False

    @abstractmethod
    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Start the loop, run a coroutine function in it, and return its result.

        It is called outside the loop, once for each scenario, and in other threads, too.
        """

    @abstractmethod
    async def gather(self, *operations: Operation) -> list[Any]:
        """Run operations concurrently, and wait for all of them.

        Returns:
            The results in the order of the operations. For one that failed, its exception.
        """

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait some seconds, while other tasks run."""

    @abstractmethod
    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        """Start an operation, and cancel it in the way of this loop once `when()` is true.

        Returns when the operation has ended.

        Raises:
            AssertionError: the operation ended, but not because it was cancelled.
        """

    def options(self) -> dict[str, Any]:
        """Extra options for `connect()` on this loop. Default: none."""
        return {}


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits. Blocking loops run operations in this way."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise AssertionError("a method of a blocking loop returned something to wait for")

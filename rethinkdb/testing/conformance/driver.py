"""What a scenario needs of a loop, besides its connections: four verbs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["Driver", "Operation", "complete"]

T = TypeVar("T")

#: A piece of a scenario. Blocking loops run it with `complete`, the others as one of their tasks.
Operation = Callable[[], Coroutine[Any, Any, Any]]


class Driver(ABC):
    """One loop, as scenarios see it. Subclass it for yours; `rethinkdb.testing.conformance.drivers`
    has those of the built-in loops for examples, of 15 to 30 lines each.

    Attributes:
        shared: a connection may be used in any thread.
    """

    shared = False

    @abstractmethod
    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine function in the loop, from beginning to end.

        Called outside the loop, once for each scenario, and in other threads too.
        """

    @abstractmethod
    async def gather(self, *operations: Operation) -> list[Any]:
        """Run operations side by side, and wait for all of them.

        Returns:
            their results in the order given; for one that failed, its exception.
        """

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let others run."""

    @abstractmethod
    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        """Start an operation, and cancel it the way this loop cancels once `when()` is true.

        Returns when it has ended.

        Raises:
            AssertionError: it ended in another way.
        """

    def options(self) -> dict[str, Any]:
        """Options that connect() needs on this loop."""
        return {}


def complete(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in which nothing ever waits: how blocking loops run operations."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    coroutine.close()
    raise AssertionError("a method of a blocking loop returned something to wait for")

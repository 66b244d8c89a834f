"""Knows the threads: what kind they are, and which of them wait for something outside the server.

The server has few threads for queries that compute, because more would not be faster. A thread that
waits for a script, a web site or a change uses no processor time, so it must not count as one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol


class Crew(Protocol):
    """The threads of a server."""

    def elsewhere(self) -> AbstractContextManager[None]:
        """A block in which the calling thread does not count as busy."""


_local = threading.local()


def join(crew: Crew) -> None:
    """Makes the calling thread a member of a crew."""
    _local.crew = crew


def threads_are_greenlets() -> bool:
    """Whether the process is patched by gevent: one thread at a time runs, until it waits."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


@contextmanager
def elsewhere() -> Iterator[None]:
    """A block in which the calling thread waits for something outside, and does not compute."""
    crew: Crew | None = getattr(_local, "crew", None)
    with nullcontext() if crew is None else crew.elsewhere():
        yield

"""Marks threads that wait for something outside the server and do not compute.

The server has few threads for queries that compute, because more would not be faster. A thread that
waits for a script, a web site or a change uses no processor time, so it must not count as one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol


class Crew(Protocol):
    """The threads of a server."""

    def elsewhere(self) -> AbstractContextManager[None]:
        """Inside, the calling thread does not count as busy."""


_local = threading.local()


def join(crew: Crew) -> None:
    """The calling thread belongs to this crew from now on."""
    _local.crew = crew


@contextmanager
def elsewhere() -> Iterator[None]:
    """Inside, the calling thread waits for something outside, for as long as that takes."""
    crew: Crew | None = getattr(_local, "crew", None)
    with nullcontext() if crew is None else crew.elsewhere():
        yield

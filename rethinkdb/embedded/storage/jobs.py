"""The running queries of a server. The table `rethinkdb.jobs` shows and interrupts them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rethinkdb.embedded.storage.keys import new_uuid


@dataclass(slots=True, eq=False)
class Job:
    """One running query.

    Attributes:
        user: the user who runs it.
        term: the query in wire form.
        interrupt: a function that ends it soon.
        address: host and port of the client.
    """

    user: str
    term: Any
    interrupt: Callable[[], None]
    address: tuple[str, int]
    started: float = field(default_factory=time.monotonic)
    _id: str = ""

    @property
    def id(self) -> str:
        """Its id. It is generated at the first use, because most queries never need one."""
        self._id = self._id or new_uuid()
        return self._id

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.started


class Jobs:
    """All running queries. It is safe to use from several threads."""

    def __init__(self) -> None:
        self._running: dict[int, Job] = {}

    def begin(self, job: Job) -> None:
        """Adds a query."""
        self._running[id(job)] = job

    def end(self, job: Job) -> None:
        """Removes a query. Does nothing if it is already removed."""
        self._running.pop(id(job), None)

    def clear(self) -> None:
        """Removes all queries, when the server stops."""
        self._running.clear()

    def running(self) -> list[Job]:
        """The queries that are running now."""
        return list(self._running.values())

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
        user: who runs it.
        term: its wire form.
        interrupt: ends it as soon as may be.
        address: of its client: host and port.
    """

    user: str
    term: Any
    interrupt: Callable[[], None]
    address: tuple[str, int]
    started: float = field(default_factory=time.monotonic)
    _id: str = ""

    @property
    def id(self) -> str:
        """Its id, made up when first asked for: most queries are over before."""
        self._id = self._id or new_uuid()
        return self._id

    @property
    def seconds(self) -> float:
        """For how long it has been running."""
        return time.monotonic() - self.started


class Jobs:
    """All running queries. May be used by several threads."""

    def __init__(self) -> None:
        self._running: dict[int, Job] = {}

    def begin(self, job: Job) -> None:
        """A query begins."""
        self._running[id(job)] = job

    def end(self, job: Job) -> None:
        """A query is over; no effect if it already was."""
        self._running.pop(id(job), None)

    def clear(self) -> None:
        """The server has stopped, and with it all queries."""
        self._running.clear()

    def running(self) -> list[Job]:
        """The queries that are running now."""
        return list(self._running.values())

"""What the tables of a cluster have in common: which servers stand still, and how time passes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rethinkdb.embedded.cluster.parts import Part
from rethinkdb.embedded.cluster.phases import Steps, total
from rethinkdb.embedded.cluster.timeline import Action, Timeline
from rethinkdb.embedded.storage.placement import ServerIdentity
from rethinkdb.embedded.storage.store import Store


class Circumstances:
    """See above. All is guarded by the store's lock.

    Args:
        store: the data.
        pace: what the usual times are multiplied by.

    Attributes:
        lock: the store's.
    """

    def __init__(self, store: Store, pace: float) -> None:
        self.lock = store.lock
        self.pace = pace
        self.timeline = Timeline(store.lock)
        self._store = store
        self._frozen: dict[ServerIdentity, bool] = {}
        self._waiting: set[threading.Event] = set()

    def freeze(self, server: ServerIdentity, *, takes_writes: bool) -> None:
        """A server stands still; it may take writes, and not answer any more."""
        self._frozen[server] = takes_writes

    def thaw(self, server: ServerIdentity) -> None:
        """And goes on, if it stood still."""
        self._frozen.pop(server, None)

    def is_frozen(self, server: ServerIdentity | None, *, for_writing: bool = False) -> bool:
        """Whether a server stands still: for those who write, unless it takes writes."""
        if server is None or server not in self._frozen:
            return False
        return not (for_writing and self._frozen[server])

    def acknowledges(self, part: Part) -> bool:
        """Whether the primary, and a majority of the replicas, say what they have written."""
        voters = part.shard.voters
        awake = sum(each.up and each not in self._frozen for each in voters)
        return part.primary not in self._frozen and 2 * awake > len(voters)

    def scale(self, steps: Steps, seconds: float | None) -> float:
        """What the times of steps are to be multiplied by, to take so long in all."""
        return self.pace if seconds is None else seconds / total(steps)

    def after(self, seconds: float, action: Action) -> None:
        """Has something happen later."""
        self.timeline.after(seconds, action)

    def changed(self) -> None:
        """Something is not as it was: those who wait for that, or watch it, look again."""
        for news in tuple(self._waiting):
            news.set()
        self._store.configuration_changed()

    @contextmanager
    def news(self) -> Iterator[threading.Event]:
        """An event that is set whenever something is not as it was."""
        news = threading.Event()
        with self.lock:
            self._waiting.add(news)
        try:
            yield news
        finally:
            with self.lock:
                self._waiting.discard(news)


def check_seconds(seconds: float | None) -> None:
    """Raises for what cannot be a time."""
    if seconds is not None and not seconds >= 0:
        raise ValueError(f"`seconds` must be 0 or more, or math.inf, not {seconds!r}.")

"""State that all tables of a cluster share: which servers are frozen, and how fast time passes."""

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
    """The state that all tables share. The store's lock guards it.

    Args:
        store: the data.
        pace: the factor for the usual times.

    Attributes:
        lock: the store's lock.
    """

    def __init__(self, store: Store, pace: float) -> None:
        self.lock = store.lock
        self.pace = pace
        self.timeline = Timeline(store.lock)
        self._store = store
        self._frozen: dict[ServerIdentity, bool] = {}
        self._waiting: set[threading.Event] = set()

    def freeze(self, server: ServerIdentity, *, takes_writes: bool) -> None:
        """Freezes a server. With `takes_writes` it carries out writes, but answers none."""
        self._frozen[server] = takes_writes

    def thaw(self, server: ServerIdentity) -> None:
        """Lets a frozen server continue. Does nothing if it is not frozen."""
        self._frozen.pop(server, None)

    def is_frozen(self, server: ServerIdentity | None, *, for_writing: bool = False) -> bool:
        """Whether a server is frozen. For writes, one that still takes writes is not."""
        if server is None or server not in self._frozen:
            return False
        return not (for_writing and self._frozen[server])

    def acknowledges(self, part: Part) -> bool:
        """Whether a write is acknowledged: the primary and a majority of the replicas answer."""
        voters = part.shard.voters
        awake = sum(each.up and each not in self._frozen for each in voters)
        return part.primary not in self._frozen and 2 * awake > len(voters)

    def scale(self, steps: Steps, seconds: float | None) -> float:
        """The factor for the times of steps that makes them take `seconds` in total."""
        return self.pace if seconds is None else seconds / total(steps)

    def after(self, seconds: float, action: Action) -> None:
        """Runs an action after some seconds."""
        self.timeline.after(seconds, action)

    def changed(self) -> None:
        """Wakes everyone who waits for a change of the cluster, or watches its state."""
        for news in tuple(self._waiting):
            news.set()
        self._store.configuration_changed()

    @contextmanager
    def news(self) -> Iterator[threading.Event]:
        """An event that is set at each change of the cluster."""
        news = threading.Event()
        with self.lock:
            self._waiting.add(news)
        try:
            yield news
        finally:
            with self.lock:
                self._waiting.discard(news)


def check_seconds(seconds: float | None) -> None:
    """Raises ValueError if `seconds` is negative or not a number."""
    if seconds is not None and not seconds >= 0:
        raise ValueError(f"`seconds` must be 0 or more, or math.inf, not {seconds!r}.")

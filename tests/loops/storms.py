"""What the storms on a connection and on a pool share."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Set

__all__ = ["Interrupted", "Record", "wait_until"]


class Interrupted(BaseException):
    """What a signal handler raises, as KeyboardInterrupt is."""


class Record:
    """What a storm's workers write down.

    Attributes:
        seed: of the random choices.
        outcomes: how many operations ended in which way.
        wrong: what must not happen, and did.
        done: ids of documents whose write was acknowledged.
        undone: ids of those whose write was reported as not sent.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.done: set[str] = set()
        self.undone: set[str] = set()
        self._lock = threading.Lock()

    def count(self, outcome: str) -> None:
        with self._lock:
            self.outcomes[outcome] += 1

    def check(self, found: Set[str]) -> None:
        """Compare what the workers were told with the ids that the table has at the end."""
        assert self.done <= found, f"seed {self.seed}: acknowledged, and not done"
        assert not self.undone & found, f"seed {self.seed}: reported as not sent, and done"


def wait_until(condition: Callable[[], bool], seconds: float, text: str) -> None:
    """Wait until something is the case; fail with `text` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, text
        time.sleep(0.01)

"""The option `keepalive` of `connect()`: notices when a server that must answer is gone.

A link can be dead without any sign: the server's machine has lost its power, or a proxy keeps its
half of the link open. So after a silence the server is asked a question that every server answers,
even a busy one.

    silence for N seconds, while an answer is pending -> ask
    nothing for N more seconds                        -> lost

This module has no clock: the time is an argument, and so is whether something has arrived. It is
called four times in N seconds. The silence that it measures may therefore be too short by a quarter
of N, never too long.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["Keepalive", "Verdict"]

# How often `look` is called in N seconds.
_LOOKS = 4


class Verdict(Enum):
    """What to do now: wait, ask the server, or give the link up."""

    WAIT = "wait"
    ASK = "ask"
    LOST = "lost"


class Keepalive:
    """Measures how long a server has been silent.

    Args:
        seconds: silence before the server is asked, and again before the link is given up.

    Attributes:
        asleep: no answer was pending for a while. `look` need not be called until one is.
        next: when to call `look` next; without meaning while `asleep`.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asleep = True
        self.next = 0.0
        self._silent_since = 0.0
        self._asked = False
        self._counts_from = 0.0
        self._unsent = 0

    def look(self, now: float, heard: bool, waiting: bool, unsent: int) -> Verdict:
        """Decide what to do now.

        Args:
            now: the time.
            heard: whether something has arrived since the last call.
            waiting: whether an answer is pending.
            unsent: how many bytes the other side has not taken yet. If the number falls, the other
                side is alive: a slow link may need minutes for a long query, and the question is
                sent after that.
        """
        sends, self._unsent = unsent < self._unsent, unsent
        idle = not heard and not waiting
        verdict = Verdict.WAIT
        if self.asleep or heard or not waiting:
            self._silent_since = self._counts_from = now
            self._asked = False
        elif sends or now > self.next + self.seconds / _LOOKS:
            # A call this late means that nobody has read for a while: the thread did something
            # else, or the program was stopped. First read what has arrived.
            self._counts_from = now
        elif now - self._counts_from >= self.seconds:
            verdict = Verdict.LOST if self._asked else Verdict.ASK
        self.asleep = idle and not self.asleep
        self.next = min(now + self.seconds / _LOOKS, self._counts_from + self.seconds)
        return verdict

    def asked(self, now: float) -> None:
        """The question was sent."""
        self._asked = True
        self._counts_from = now
        self.next = now + self.seconds / _LOOKS

    def silence(self, now: float) -> float:
        """Seconds without a sign of life."""
        return now - self._silent_since

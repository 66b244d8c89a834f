"""Whether a server that owes an answer is still there: the option `keepalive` of `connect()`.

A link may be dead and nobody tells: the server's machine lost its power, or a proxy keeps its half
of the link alive. So silence is broken by a question that every server answers, a busy one too.

    silence for N seconds, while somebody waits -> ask
    nothing for N more seconds                  -> lost

Time is told, never taken, and what has arrived is told as well, so that receiving costs nothing. It
is looked at four times in N seconds; a silence is taken for shorter than it is by that, never for
longer.
"""

from __future__ import annotations

from enum import Enum

__all__ = ["Keepalive", "Verdict"]

# How often to look, in N seconds.
_LOOKS = 4


class Verdict(Enum):
    """What to do now."""

    WAIT = "wait"
    ASK = "ask"
    LOST = "lost"


class Keepalive:
    """How long a server has been silent.

    Args:
        seconds: of silence, before it is asked, and again before it is given up.

    Attributes:
        asleep: nobody has waited for a while, so no time needs to be told until somebody does.
        next: when to look next; of no meaning while asleep.
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
        """Find out how things are.

        Args:
            now: what time it is.
            heard: something has arrived since the last look.
            waiting: the server owes an answer.
            unsent: how many bytes the other side has not taken yet. If they become fewer, it is
                there: it may take a slow link minutes to carry a long query, and the question
                stands in line behind that.
        """
        sends, self._unsent = unsent < self._unsent, unsent
        idle = not heard and not waiting
        verdict = Verdict.WAIT
        if self.asleep or heard or not waiting:
            self._silent_since = self._counts_from = now
            self._asked = False
        elif sends or now > self.next + self.seconds / _LOOKS:
            # So late a look means that nobody has read for a while: a thread that waits for
            # something else, a program that was stopped. What has arrived will be read first.
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
        """Seconds without a sign of life, as far as is known."""
        return now - self._silent_since

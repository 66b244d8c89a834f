"""The phases of a part of a table after it loses its primary, and the error answers in each phase.

The error texts and kinds were observed on a real cluster of three servers 2.4.4, while servers were
killed, stopped and started, primaries were moved, and a table was divided into shards.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from rethinkdb.embedded.failures import FailureKind


class Phase(enum.Enum):
    """Which operations a part of a table allows."""

    READY = "everything"
    CHANGING = "reading"
    NO_PRIMARY = "outdated reads: nobody leads"
    SETTLING = "outdated reads: the new primary has not found the others yet"
    NO_QUORUM = "outdated reads: the primary sees no majority of the replicas"


class Answer(NamedTuple):
    """The error for a refused read or write. `{shard}` in the text becomes the range of keys."""

    text: str
    kind: FailureKind = FailureKind.OP_FAILED


_NOT_AVAILABLE = Answer("primary replica for shard {shard} not available")
_UNREAD = Answer(
    "The primary replica isn't connected to a quorum of replicas. The read was not performed, you"
    ' can do an outdated read using `read_mode="outdated"`.'
)
_UNWRITTEN = (
    "The primary replica isn't connected to a quorum of replicas. The write was not performed."
)

READS: dict[Phase, Answer] = {
    Phase.NO_PRIMARY: _NOT_AVAILABLE,
    Phase.SETTLING: _UNREAD,
    Phase.NO_QUORUM: _UNREAD,
}

WRITES: dict[Phase, Answer] = {
    Phase.CHANGING: Answer(
        "The primary replica is currently changing from one replica to another. The write was not"
        " performed. This error should go away in a couple of seconds."
    ),
    Phase.NO_PRIMARY: _NOT_AVAILABLE,
    # The write was not performed, but a real server answers with "indeterminate", too.
    Phase.SETTLING: Answer(_UNWRITTEN, FailureKind.OP_INDETERMINATE),
    Phase.NO_QUORUM: Answer(_UNWRITTEN),
}

LOST = "lost contact with primary replica"
LOST_REPLICAS = (
    "The primary replica lost contact with the secondary replicas. The write may or may not have"
    " been performed."
)
NO_REPLICA = "no replica is available"


class Step(NamedTuple):
    """A phase and its length in seconds."""

    phase: Phase
    seconds: float


Steps = tuple[Step, ...]

# The phases after each kind of event, with the approximate times of a real server.
KILLED: Steps = (Step(Phase.NO_PRIMARY, 1.7), Step(Phase.SETTLING, 0.1))
STOPPED: Steps = (Step(Phase.NO_PRIMARY, 2.3), Step(Phase.SETTLING, 0.1))
MOVED: Steps = (
    Step(Phase.CHANGING, 0.2),
    Step(Phase.NO_PRIMARY, 0.4),
    Step(Phase.SETTLING, 0.05),
)
DIVIDED: Steps = (
    Step(Phase.CHANGING, 0.2),
    Step(Phase.NO_PRIMARY, 0.6),
    Step(Phase.SETTLING, 0.1),
)
FOUND_AGAIN: Steps = (Step(Phase.NO_PRIMARY, 0.2), Step(Phase.SETTLING, 0.05))
CAUGHT_UP_SECONDS = 0.2
"""How many seconds a restarted server needs before it can lead again."""


def total(steps: Steps) -> float:
    """The length of all steps together, in seconds."""
    return sum(step.seconds for step in steps)

"""Whether a failed query was done on the server, as far as its error tells.

**How to tell errors apart.** This was observed on a cluster of three servers of release 2.4.4,
while primaries were killed, shut down, moved and frozen, and tables were resharded and dropped:

- If something is not available now, the error is a `ReqlOpFailedError` whose text begins with
  "Cannot perform read:" or "Cannot perform write:". Some 20,000 writes of one document got this
  answer, and none of them was stored.
- A feed that is opened during that time gets "cannot subscribe to table `db.t`: primary replica for
  shard [..] not available".
- If something does not exist, the error is also a `ReqlOpFailedError`: "Table `db.t` does not
  exist". That is final.
- 25 writes got a `ReqlOpIndeterminateError`, and ten of them were stored.
- A feed ends with "Changefeed aborted (unavailable)", both if its table is moved and if it is
  dropped. Only the next run shows which it was. A feed only reads, so it is safe to run it again.
- One write got a `ReqlInternalError`: "none of the servers were accessible. If it was an attempt to
  modify, the modification did not take place". One case proves nothing, so here the fate of such a
  query counts as unknown.

"Not done" is about one operation on one table. A query with several operations may have done others
before: `table.update(...)` changes one document after the other. So "not done" is reliable only for
queries that just read or that write one document.
"""

from __future__ import annotations

from enum import Enum

from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlDriverError,
    ReqlInternalError,
    ReqlOpFailedError,
    ReqlOpIndeterminateError,
)

__all__ = ["Fate", "fate_of"]


class Fate(Enum):
    """Whether a failed query was done on the server."""

    NOT_BEGUN = "it was never sent"
    NOT_DONE = "it was refused, as something is not available now"
    UNKNOWN = "it may have been done"
    FINAL = "it would fail again"


# Answers that mean "not now" begin with one of these.
_NOT_NOW = (
    "Cannot perform read:",
    "Cannot perform write:",
    "Changefeed aborted (unavailable)",
    "cannot subscribe to table",
)

# Parts of answers from a server that cannot reach the servers that have a table.
_NOT_REACHED = (
    "is not available for any operations",
    "We lost contact with the server(s) hosting table",
)

# A part of the answer from a server that has lost its cluster.
_ALONE = "none of the servers were accessible"


def fate_of(error: BaseException, sent: bool = True) -> Fate:
    """Whether a query was done on the server, as far as its error tells.

    Args:
        error: the error that ended the query.
        sent: whether the query may have left this machine.
    """
    if not sent and isinstance(error, ReqlDriverError):
        return Fate.NOT_BEGUN
    if isinstance(error, (ReqlConnectionLostError, ReqlOpIndeterminateError)):
        return Fate.UNKNOWN
    if isinstance(error, ReqlOpFailedError) and _is_not_now(error.message):
        return Fate.NOT_DONE
    if isinstance(error, ReqlInternalError) and _ALONE in error.message:
        return Fate.UNKNOWN
    return Fate.FINAL


def _is_not_now(message: str) -> bool:
    return message.startswith(_NOT_NOW) or any(text in message for text in _NOT_REACHED)

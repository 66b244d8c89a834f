"""What has become of a query that failed, told from its error.

**How errors are told apart.** Observed on a cluster of three servers of release 2.4.4, while
primaries were killed, shut down, moved and frozen, and tables were resharded and dropped:

- Whatever means "not now" comes as `ReqlOpFailedError`, with a text that begins with "Cannot
  perform read:" or "Cannot perform write:". Of some 20,000 writes of one document that were
  answered so none was stored.
- Who begins a feed meanwhile is told "cannot subscribe to table `db.t`: primary replica for shard
  [..] not available".
- What is missing comes as `ReqlOpFailedError`, too: "Table `db.t` does not exist". It is final.
- Of 25 writes answered with `ReqlOpIndeterminateError` ten were stored.
- A feed ends with "Changefeed aborted (unavailable)" whether its table is moved or dropped. Only
  its next run tells which it was. Feeds read, so running one again does no harm.
- Once a write was answered with `ReqlInternalError`, "none of the servers were accessible. If it
  was an attempt to modify, the modification did not take place". One case proves nothing: the fate
  of such a query counts as unknown.

"Not done" is said of one operation on one table. A query with several may have done others before:
`table.update(...)` changes document after document. So it says enough of queries that only read, or
write one document.
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
    """What has become of a query that failed."""

    NOT_BEGUN = "it was never sent"
    NOT_DONE = "it was refused, as something is not available now"
    UNKNOWN = "it may have been done"
    FINAL = "it would fail again"


# With these begin the answers that mean "not now".
_NOT_NOW = (
    "Cannot perform read:",
    "Cannot perform write:",
    "Changefeed aborted (unavailable)",
    "cannot subscribe to table",
)

# What answers say in which a server does not find those that have a table.
_NOT_REACHED = (
    "is not available for any operations",
    "We lost contact with the server(s) hosting table",
)

# A part of what a server says that lost its cluster.
_ALONE = "none of the servers were accessible"


def fate_of(error: BaseException, sent: bool = True) -> Fate:
    """What an error says of the fate of the query that it is the outcome of.

    Args:
        error: what the query ended in.
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

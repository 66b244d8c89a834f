"""What tests of a cluster share: how a real one refuses, queries that have to wait."""

from __future__ import annotations

import threading
import time
from typing import Any

from rethinkdb import r
from rethinkdb.embedded import Cluster
from rethinkdb.errors import ReqlOpFailedError
from tests.clusters import connected

from ..support import PATIENCE, Failure, outcome

NO_PRIMARY = 'primary replica for shard ["", +inf) not available'
NO_QUORUM_READ = (
    "The primary replica isn't connected to a quorum of replicas. The read was not performed, you"
    ' can do an outdated read using `read_mode="outdated"`.'
)
NO_QUORUM_WRITE = (
    "The primary replica isn't connected to a quorum of replicas. The write was not performed."
)
CHANGING = (
    "The primary replica is currently changing from one replica to another. The write was not"
    " performed. This error should go away in a couple of seconds."
)
LOST = "lost contact with primary replica"
ABORTED = r"^Changefeed aborted \(unavailable\)"
SYSTEM = r.db("rethinkdb")


def unread(text: str) -> Failure:
    return Failure(ReqlOpFailedError, f"Cannot perform read: {text}")


def unwritten(text: str, kind: Any = ReqlOpFailedError) -> Failure:
    return Failure(kind, f"Cannot perform write: {text}")


def unsubscribed(text: str) -> str:
    return f"cannot subscribe to table `test.t`: {text}"


def in_thread(cluster: Cluster, term: Any, n: int = 0) -> tuple[threading.Thread, list[Any]]:
    """Runs a query that will have to wait, over one of the servers."""
    found: list[Any] = []

    def run() -> None:
        with connected(cluster, n) as conn:
            found.append(outcome(conn, term))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def under_way(conn: Any, text: str) -> None:
    """Returns once a query runs whose source has this text."""
    deadline = time.monotonic() + PATIENCE
    jobs = SYSTEM.table("jobs").filter(r.row["info"]["query"].match(text))
    own = 'table("jobs")'
    while not [job for job in jobs.run(conn) if own not in job["info"]["query"]]:
        assert time.monotonic() < deadline, f"no query with {text}"

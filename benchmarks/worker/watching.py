"""What it costs to be watched, in memory: a query has no server, no socket and no loop here."""

from __future__ import annotations

import time
from typing import Any

from job import Job

from rethinkdb import monitoring
from rethinkdb.codec import Codec
from rethinkdb.net.frames import frame_header
from rethinkdb.net.query import Query
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol
from rethinkdb.net.session import Session
from rethinkdb.ql2 import QueryType

__all__ = ["Counter", "listener"]

# So often both are measured, in turn: what else the machine does hits both.
_TURNS = 40

_REPLY = b'{"t":1,"r":[1]}'


class Counter(monitoring.Listener):
    """Counts queries."""

    queries = 0

    def query_finished(self, event: Any) -> None:
        self.queries += 1


def listener(job: Job) -> None:
    """Measure the difference between the quickest turn with a listener and that without."""
    session, counter = opened(), Counter()
    query = Query(QueryType.START, b"[1,1,{}]", Codec().decoder({}), plain=True)
    size = max(1, job.items // _TURNS)
    plain, watched = [], []
    with job.meter():
        for _ in range(_TURNS):
            plain.append(seconds(session, query, size))
            with monitoring.listening(counter):
                watched.append(seconds(session, query, size))
    if counter.queries != _TURNS * size:
        raise RuntimeError(f"{counter.queries} queries were told of, not {_TURNS * size}.")
    job.result["added"] = (min(watched) - min(plain)) / size * job.items


def seconds(session: Session, query: Query, count: int) -> float:
    """CPU time of so many queries."""
    began = time.process_time()
    for _ in range(count):
        waiter = session.start(query)
        session.data_to_send()
        session.receive_data(frame_header(session.last_token, len(_REPLY)) + _REPLY)
        waiter.result()
    return time.process_time() - began


def opened() -> Session:
    """A session that has logged in."""
    user = Credentials.from_password("", iterations=1, salt=b"salt")
    session, server = Session(), ServerProtocol({"admin": user}.get)
    while not session.is_open:
        server.receive_data(session.data_to_send())
        session.receive_data(server.data_to_send())
    return session

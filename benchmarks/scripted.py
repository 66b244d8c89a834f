"""A server that answers every query with a prepared reply, so that only the client's work differs.

    python -m benchmarks.scripted

prints its address, and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
from itertools import count

from rethinkdb.net.events import FrameReceived
from rethinkdb.net.scram import Credentials
from rethinkdb.net.server import ServerProtocol
from rethinkdb.ql2 import QueryType, ResponseNote, ResponseType

from .worker.documents import documents

__all__ = ["Scripted"]

#: Changes in a message, to feeds that do not ask for one at a time.
BURST = 100

_CHANGES, _INSERT = b"[1,[152,", b"[1,[56,"
_KEY_OF_TABLE = b"[1,[2,[[170,[[79,"
_WITH_STATES = b'"include_states":true'
_ONE_BY_ONE = b'"max_batch_rows":1'
_NO_REPLY = b'"noreply":true'
_CONTINUE = b"[%d]" % QueryType.CONTINUE


def _reply(kind: ResponseType, results: list[object], **more: object) -> bytes:
    return json.dumps({"t": kind, "r": results, **more}, separators=(",", ":")).encode()


def _changes(size: int, *notes: ResponseNote) -> bytes:
    rows = [
        {"new_val": {"id": n, "n": n, "text": "something of some length"}, "old_val": None}
        for n in range(size)
    ]
    return _feed([*rows], *notes)


def _feed(rows: list[object], *notes: ResponseNote) -> bytes:
    return _reply(ResponseType.SUCCESS_PARTIAL, rows, n=[ResponseNote.SEQUENCE_FEED, *notes])


DOCUMENT = _reply(ResponseType.SUCCESS_ATOM, [*documents(0, 1, "plain")])
INSERTED = _reply(ResponseType.SUCCESS_ATOM, [{"inserted": 1000, "errors": 0}])
FEED, ONE, MANY = _feed([]), _changes(1), _changes(BURST)
# Those of feeds with states: what a feed asks for that compares rows.
_NOTE = ResponseNote.INCLUDES_STATES
STATES = _feed([{"state": state} for state in ("initializing", "ready")], _NOTE)
ONE_BESIDE, MANY_BESIDE = _changes(1, _NOTE), _changes(BURST, _NOTE)
KEY_OF_TABLE = _reply(ResponseType.SUCCESS_ATOM, [["id"]])
# By whether each has one change, and whether it is of a feed with states.
_BATCHES = {
    (True, False): ONE,
    (False, False): MANY,
    (True, True): ONE_BESIDE,
    (False, True): MANY_BESIDE,
}


class Scripted(asyncio.Protocol):
    """One client."""

    def __init__(self) -> None:
        user = Credentials.from_password("", iterations=1)
        self._link = ServerProtocol({"admin": user}.get)
        self._batches: dict[int, bytes] = {}
        self._asked = count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        link = self._link
        link.receive_data(data)
        for event in link.events_received():
            if isinstance(event, FrameReceived) and _NO_REPLY not in event.payload:
                link.send_frame(event.token, self._answer(*event))
        self._transport.write(link.data_to_send())

    def _answer(self, token: int, query: bytes) -> bytes:
        if query == _CONTINUE:
            return self._batches[token]
        if query.startswith(_CHANGES):
            lone, states = _ONE_BY_ONE in query, _WITH_STATES in query
            self._batches[token] = _BATCHES[lone, states]
            return STATES if states else FEED
        if query.startswith(_KEY_OF_TABLE):
            return KEY_OF_TABLE
        return INSERTED if query.startswith(_INSERT) else DOCUMENT


async def main() -> None:
    """Serve on a free port of this machine."""
    server = await asyncio.get_running_loop().create_server(Scripted, "127.0.0.1", 0)
    print(*server.sockets[0].getsockname()[:2], sep=":", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

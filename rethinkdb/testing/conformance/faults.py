"""The table of faults: what may happen to a link, and which error a program gets on every loop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from rethinkdb import query as r
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlTimeoutError,
)

from ..proxy import Fault
from .trial import SMALL_BATCHES, Scenario, Trial, is_awaited

__all__ = ["FAULTS", "Expectation", "fault_scenario"]

LIMIT = 0.2
"""The time limit for connects that cannot succeed, in seconds."""

#: The name of the cause for bad bytes: it says that the server is at fault.
BROKEN = "RemoteProtocolError"


@dataclass(frozen=True)
class Expectation:
    """One row of the table.

    Attributes:
        fault: what happens to the link.
        during: the operation that is running: "connect", "tls" (connect with TLS), "query", or
            "feed" (a wait for a change).
        error: the error that the operation raises. None if it must succeed.
        text: a regular expression that the error message matches.
        cause: the class of the error's `__cause__`, if the error alone does not tell everything.
    """

    fault: Fault
    during: str
    error: type[Exception] | None
    text: str = ""
    cause: str = ""

    def __str__(self) -> str:
        return f"{self.during}: {self.fault}"


REFUSED = r"Could not connect to \w+(\.\d+)*:\d+"
LATE = rf"{REFUSED}, Operation timed out"
LOST = r"Connection is closed\. The link to \S+:\d+ was lost: ."


def _connecting() -> list[Expectation]:
    phases = ("connect", "hello", "version", "challenge", "verdict")
    cut = [
        Expectation(Fault("cut", at), "connect", ReqlDriverError, f"{REFUSED}.*closed")
        for at in (*phases, "proof")
    ]
    halved = [
        Expectation(Fault("halve", at), "connect", ReqlDriverError, f"{REFUSED}.*closed")
        for at in ("version", "challenge", "verdict")
    ]
    mute = [
        Expectation(Fault("mute", at), "connect", ReqlTimeoutError, LATE)
        for at in (*phases, "proof")
    ]
    garbled = [
        Expectation(Fault(action, at), "connect", ReqlDriverError, REFUSED)
        for action in ("garble", "mistype")
        for at in ("version", "challenge", "verdict")
    ]
    return cut + halved + mute + garbled


FAULTS: tuple[Expectation, ...] = (
    # While connecting.
    *_connecting(),
    Expectation(Fault("cut", "connect"), "tls", ReqlDriverError, f"{REFUSED}.*TLS"),
    Expectation(Fault("cut", "hello"), "tls", ReqlDriverError, f"{REFUSED}.*TLS"),
    Expectation(Fault("mute", "hello"), "tls", ReqlTimeoutError, LATE),
    # With a query under way.
    Expectation(Fault("cut", "query"), "query", ReqlConnectionLostError, LOST, "EOFError"),
    Expectation(Fault("cut", "reply"), "query", ReqlConnectionLostError, LOST, "EOFError"),
    Expectation(Fault("halve", "reply"), "query", ReqlConnectionLostError, LOST, "EOFError"),
    Expectation(Fault("garble", "reply"), "query", ReqlConnectionLostError, LOST, BROKEN),
    Expectation(Fault("mistype", "reply"), "query", ReqlConnectionLostError, LOST, BROKEN),
    Expectation(Fault("deepen", "reply"), "query", ReqlConnectionLostError, LOST, BROKEN),
    Expectation(Fault("misaddress", "reply"), "query", ReqlConnectionLostError, LOST, BROKEN),
    Expectation(Fault("overstate", "reply"), "query", ReqlConnectionLostError, LOST, BROKEN),
    # Waiting for a change.
    Expectation(Fault("cut", "reply"), "feed", ReqlCursorLostError, LOST, "EOFError"),
    Expectation(Fault("halve", "reply"), "feed", ReqlCursorLostError, LOST, "EOFError"),
    Expectation(Fault("garble", "reply"), "feed", ReqlCursorLostError, LOST, BROKEN),
    Expectation(Fault("mistype", "reply"), "feed", ReqlCursorLostError, LOST, BROKEN),
    Expectation(Fault("deepen", "reply"), "feed", ReqlCursorLostError, LOST, BROKEN),
    Expectation(Fault("misaddress", "reply"), "feed", ReqlCursorLostError, LOST, BROKEN),
    Expectation(Fault("overstate", "reply"), "feed", ReqlCursorLostError, LOST, BROKEN),
    # Slow or split messages, which must cause no error.
    *(
        Expectation(Fault(action), during, None)
        for action in ("split", "delay")
        for during in ("connect", "query", "feed")
    ),
)


def fault_scenario(expectation: Expectation) -> Scenario:
    """The scenario for a row of the table."""

    async def scenario(trial: Trial) -> None:
        await _DURING[expectation.during](trial, expectation)

    scenario.__name__ = str(expectation)
    return scenario


async def _connect(trial: Trial, expected: Expectation, **options: Any) -> None:
    trial.proxy.fault = expected.fault
    if expected.error is not None:
        limit = LIMIT if expected.error is ReqlTimeoutError else 20
        await trial.fails(
            expected.error, f"(?s){expected.text}", trial.open, timeout=limit, **options
        )
        await trial.until(lambda: not trial.proxy.clients)
        trial.proxy.fault = None
    await trial.usable(await trial.connect())


async def _connect_by_tls(trial: Trial, expected: Expectation) -> None:
    # The proxy speaks no TLS, because these faults strike before TLS begins.
    await _connect(trial, expected, ssl=True)


async def _query(trial: Trial, expected: Expectation) -> None:
    conn = await trial.connect()
    cursor = await trial.run(r.range(), conn, **SMALL_BATCHES)
    buffered = len(cursor.items)
    trial.proxy.fault = expected.fault
    query = partial(trial.run, r.expr("answer"), conn)
    if expected.error is None:
        assert await query() == "answer"
        return
    _check(await trial.fails(expected.error, expected.text, query), expected)
    for _ in range(buffered):
        await trial.do(cursor.next)
    await trial.unusable(conn)
    trial.proxy.fault = None
    await trial.do(conn.reconnect)
    await trial.usable(conn)


async def _feed(trial: Trial, expected: Expectation) -> None:
    conn = await trial.connect()
    feed = await trial.run(trial.table.changes(), conn)

    async def strike() -> None:
        await trial.until(lambda: is_awaited(feed))
        trial.proxy.fault = expected.fault
        trial.insert({"id": 1})

    outcome = await trial.beside(strike, partial(trial.do, feed.next))
    if expected.error is None:
        assert outcome["new_val"] == {"id": 1}
        return
    assert type(outcome) is expected.error, outcome
    _check(outcome, expected)
    assert str(outcome).startswith("Connection is closed in:\n"), outcome
    await trial.fails(expected.error, expected.text, feed.next)
    assert await trial.do(feed.fetch_next)
    await trial.do(feed.close)
    await trial.unusable(conn)


def _check(error: Exception, expected: Expectation) -> None:
    assert type(error) is expected.error, error
    assert isinstance(error, ReqlConnectionLostError), error
    assert str(error.__cause__).rstrip(".") in str(error), error
    causes = [kind.__name__ for kind in type(error.__cause__).__mro__]
    assert expected.cause in causes, repr(error.__cause__)


_DURING = {"connect": _connect, "tls": _connect_by_tls, "query": _query, "feed": _feed}

"""Handlers that write down what they are told, and what scenarios need beside them."""

from __future__ import annotations

from typing import Any

from rethinkdb import query as r
from rethinkdb.push import Handler
from rethinkdb.testing.conformance import Trial

OPEN, CLOSE = ("open",), ("close",)

#: Gives 2, 3, then an error, if run with `max_batch_rows=1`. Of a table, a real server would read
#: more at once, and fail at once.
FAILS_AFTER_TWO_ROWS = r.range(1, 4).map(lambda n: r.branch(n < 3, n + 1, r.expr("three") + 1))


class Recorder(Handler):
    """Writes down the calls of `on_open`, `on_close`, `on_error`, `on_val`."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def on_open(self) -> None:
        self.calls.append(OPEN)

    def on_close(self) -> None:
        self.calls.append(CLOSE)

    def on_error(self, error: Exception) -> None:
        self.calls.append(("error", error))

    def on_val(self, value: Any) -> None:
        self.calls.append(("val", value))


def noting(name: str, count: int) -> Any:
    """A method for `Recorder` subclasses that takes so many values and writes them down."""

    def method(self: Recorder, first: Any) -> None:
        self.calls.append((name, first))

    def method_of_two(self: Recorder, first: Any, second: Any) -> None:
        self.calls.append((name, first, second))

    return method if count == 1 else method_of_two


class FeedRecorder(Recorder):
    """Has all methods for changefeeds, too."""

    on_initial_val = noting("initial", 1)
    on_uninitial_val = noting("uninitial", 1)
    on_change = noting("change", 2)
    on_change_error = noting("change_error", 1)
    on_state = noting("state", 1)
    on_unhandled_change = noting("unhandled", 1)


def values(*given: Any) -> list[tuple[Any, ...]]:
    """Calls of `on_val`."""
    return [("val", value) for value in given]


async def finished(trial: Trial, handle: Any) -> None:
    """Wait for the handle's end, as its loop does."""
    await trial.do(handle.wait)


def feed_of_rows(trial: Trial) -> Any:
    """A changefeed whose rows are the `row`s of the documents that are inserted."""
    return trial.table.changes()["new_val"]["row"]


def insert_rows(trial: Trial, *rows: Any) -> None:
    """Make `feed_of_rows` give these, one after the other."""
    for row in rows:
        trial.insert({"row": r.expr(row)})


async def nothing_runs(trial: Trial, conn: Any) -> None:
    """Check that the connection is usable, and that neither side still works on another query."""
    await trial.nothing_leaked(conn)
    jobs = r.db("rethinkdb").table("jobs").filter({"type": "query"})
    await trial.until(lambda: jobs.count().run(trial.admin) <= 1)  # this very one

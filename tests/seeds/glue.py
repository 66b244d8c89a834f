"""Runs one example in a process of its own, with what its document leaves to the reader.

    python -m tests.seeds.glue DOCUMENT LOOP NAME PORT

That is: a server on the port (the document says 28015), the tables it takes for granted, and the
loop running. Nothing of the example's own code is changed but that port.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from .documents import Example, examples_of

DEFAULT_PORT = "28015"

Program = Generator[Any, Any, None]


class Names(dict[str, Any]):
    """The names of an example's code; `print` counts, and tells those who wait for it."""

    def __init__(self, example: Example, port: str) -> None:
        super().__init__(__name__="__main__", print=self._print)
        self.printed = 0
        self._awaited: list[Callable[[], object]] = []
        self.run(example.head.replace(DEFAULT_PORT, port))

    def run(self, code: str) -> None:
        """Executes code. A last line that yields goes into a coroutine `last`."""
        before, found, last = code.rpartition("\nyield ")
        if found:
            code = f"{before}\ndef last():\n    yield {last}"
        exec(compile(code, "<example>", "exec"), self)

    def _print(self, *values: Any) -> None:
        self.printed += 1
        print(*values, flush=True)
        awaited, self._awaited = self._awaited, []
        for callback in awaited:
            callback()

    def call_when_printed(self, callback: Callable[[], object]) -> None:
        """Calls back at the next print."""
        self._awaited.append(callback)


def started_and_seen(names: Names, example: Example, conn: Any) -> Program:
    """Schedules a feed as the document says, and writes until it has printed something."""
    names.update(table="watched", conn=conn)
    r = names["r"]
    yield r.table_create("watched").run(conn)
    names.setdefault("print_cfeed_data", names[example.name])  # Twisted's is called print_feed
    names.run(example.schedule)
    while not names.printed:
        yield r.table("watched").insert({}).run(conn)


def call(argument: str) -> Callable[[Names, Example, Any], Program]:
    """Calls the example's function, with the connection, or with what `r.connect()` gave."""

    def program(names: Names, example: Example, conn: Any) -> Program:
        r = names["r"]
        yield r.table_create("test").run(conn)
        yield names[example.name](names["connection"] if argument == "connecting" else conn)

    return program


class FeedsFirst:
    """Makes a connection answer an insert when a change has been printed for each insert so far.

    The larger examples write to tables that they watch, and stop watching when the last write is
    answered. A server may answer before it tells of the change, and then the end of the output
    would be a matter of luck.

    Args:
        future: makes what the loop's coroutines wait for.
        start: starts a coroutine, and gives what the loop's callers hold.
    """

    def __init__(self, names: Names, conn: Any, future: Any, start: Any) -> None:
        self._names = names
        self._run = conn._start
        self._future = future
        self._start = start
        self._answered = 0
        conn._start = self

    def __call__(self, term: Any, **options: Any) -> Any:
        answer = self._run(term, **options)
        if ".insert(" not in str(term) or options.get("noreply"):
            return answer
        return self._start(self._held(answer))

    async def _held(self, answer: Any) -> Any:
        result = await answer
        self._answered += 1
        due = self._answered
        while self._names.printed < due:
            printed, settle = self._future()
            self._names.call_when_printed(settle)
            await printed
        return result


def notice(names: Names, example: Example, conn: Any) -> Program:
    """Runs the larger example of Tornado, and then uses the connection."""
    from asyncio import ensure_future

    from tornado.concurrent import Future

    def future() -> Any:
        made: Future[None] = Future()
        return made, lambda: made.set_result(None)

    FeedsFirst(names, conn, future, ensure_future)
    yield names["ChangefeedNoticer"].run(names["connection"])
    assert (yield names["r"].expr(1).run(conn)) == 1


def last_line(names: Names, example: Example, conn: Any) -> Program:
    """Runs the last line of Twisted's larger example, and then uses the connection."""
    from twisted.internet.defer import Deferred

    def future() -> Any:
        made: Deferred[None] = Deferred()
        return made, lambda: made.callback(None)

    FeedsFirst(names, conn, future, Deferred.fromCoroutine)
    names["conn"] = conn
    yield from names["last"]()
    assert (yield names["r"].expr(1).run(conn)) == 1


def unhandled(names: Names, example: Example, conn: Any) -> Program:
    """Starts what fails, and looks no more at it."""
    names[example.name](conn)
    yield names["r"].expr(1).run(conn)
    gc.collect()  # Twisted reports failures that nobody can handle any more


PROGRAMS: dict[tuple[str, str], Callable[[Names, Example, Any], Program]] = {
    ("tornado", "single_row"): call("connecting"),
    ("tornado", "use_cursor"): call("connecting"),
    ("tornado", "bad_table"): call("connected"),
    ("tornado", "catch_bad_table"): call("connected"),
    ("tornado", "print_cfeed_data"): started_and_seen,
    ("tornado", "ChangefeedNoticer"): notice,
    ("twisted", "single_row"): call("connecting"),
    ("twisted", "use_cursor"): call("connected"),
    ("twisted", "bad_table"): unhandled,
    ("twisted", "catch_bad_table"): call("connected"),
    ("twisted", "print_feed"): started_and_seen,
    ("twisted", "notice_changes"): last_line,
}


def on_tornado(names: Names, program: Callable[[Any], Program]) -> None:
    from tornado import gen, ioloop

    @gen.coroutine
    def main() -> Program:
        conn = yield names["connection"]
        yield from program(conn)

    ioloop.IOLoop.current().run_sync(main)


def on_twisted(names: Names, program: Callable[[Any], Program]) -> None:
    from twisted.internet import defer, task

    @defer.inlineCallbacks
    def main(reactor: Any) -> Program:
        # The connection is for the example as well, so its Deferred must go on giving it.
        connecting: Any = names["connection"]
        names["connection"] = defer.Deferred()
        conn = yield connecting
        names["connection"].callback(conn)
        yield from program(conn)

    task.react(main)


LOOPS = {"tornado": on_tornado, "twisted": on_twisted}


def main() -> None:
    """Runs the example that the command line names."""
    document, loop, name, port = sys.argv[1:]
    found = [e for e in examples_of(Path(document)) if (e.loop, e.name) == (loop, name)]
    (example,) = found
    names = Names(example, port)
    names.run(example.code)
    LOOPS[loop](names, lambda conn: PROGRAMS[loop, name](names, example, conn))


if __name__ == "__main__":
    main()

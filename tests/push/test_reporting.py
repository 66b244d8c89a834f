"""Errors that nobody waits for are told as each loop tells errors; cancellations are no errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from rethinkdb import loops, r
from rethinkdb.testing.conformance import Trial
from rethinkdb.testing.conformance.trial import ServerAddress
from tests.trying import try_on

from .recording import Recorder, nothing_runs
from .traces import Broken

Reported = list[BaseException]


def broken(value: Any) -> None:
    raise Broken


async def reported(trial: Trial, errors: Callable[[], Reported]) -> None:
    conn = await trial.connect()
    r.expr(1).run_with(broken, conn)
    await trial.until(errors)
    assert [type(error) for error in errors()] == [Broken]
    await nothing_runs(trial, conn)


@pytest.mark.parametrize("loop", ["blocking", "trio"])
def test_in_the_log(loop: str, server: ServerAddress, caplog: pytest.LogCaptureFixture) -> None:
    def errors() -> Reported:
        records = [record for record in caplog.records if record.name == "rethinkdb.push"]
        return [record.exc_info[1] for record in records if record.exc_info]  # type: ignore[misc]

    with caplog.at_level(logging.ERROR, "rethinkdb.push"):
        try_on(loop, lambda trial: reported(trial, errors), server)


@pytest.mark.parametrize("loop", ["asyncio", "tornado"])
def test_by_the_loop_s_exception_handler(loop: str, server: ServerAddress) -> None:
    async def scenario(trial: Trial) -> None:
        found: Reported = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: found.append(context["exception"])
        )
        await reported(trial, lambda: found)

    try_on(loop, scenario, server)


def test_in_twisted_s_log(server: ServerAddress) -> None:
    logger = pytest.importorskip("twisted.logger")
    found: Reported = []

    def observe(event: Any) -> None:
        if event["log_namespace"] == "rethinkdb.push":
            found.append(event["log_failure"].value)

    logger.globalLogPublisher.addObserver(observe)
    try:
        try_on("twisted", lambda trial: reported(trial, lambda: found), server)
    finally:
        logger.globalLogPublisher.removeObserver(observe)


def test_by_gevent_s_hub(server: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    gevent = pytest.importorskip("gevent")
    found: Reported = []
    monkeypatch.setattr(
        gevent.get_hub(), "handle_error", lambda where, kind, error, trace: found.append(error)
    )
    try_on("gevent", lambda trial: reported(trial, lambda: found), server)


def test_a_cancelled_method_closes_its_query(server: ServerAddress) -> None:
    async def scenario(trial: Trial) -> None:
        conn = await trial.connect()
        working: list[Any] = []

        class Works(Recorder):
            async def on_val(self, value: Any) -> None:
                working.append(asyncio.current_task())
                await asyncio.Event().wait()

        handler = Works()
        handle = r.expr([1, 2]).run_with(handler, conn)
        await trial.until(lambda: working)
        working[0].cancel()
        await handle
        assert (handle.error, len(working), handler.stopped) == (None, 1, False)
        await nothing_runs(trial, conn)

    try_on("asyncio", scenario, server)


def test_callbacks_need_a_running_loop(server: ServerAddress) -> None:
    runner = asyncio.new_event_loop()
    try:
        conn = runner.run_until_complete(_connected(server))
        with pytest.raises(r.ReqlDriverError, match="running event loop"):
            r.expr(1).run_with(print, conn)
        runner.run_until_complete(conn.close())
    finally:
        runner.close()


async def _connected(server: ServerAddress) -> Any:
    return await loops.load("asyncio").make(server.host, server.port)


def test_a_callback_cannot_wait_for_another_one_in_a_thread(server: ServerAddress) -> None:
    with r.connect(server.host, server.port) as conn:
        other = r.table("none").run_with(lambda error, row: None, conn)
        handle = r.expr(1).run_with(lambda value: other.wait(), conn)
        with pytest.raises(r.ReqlDriverError, match="share a thread"):
            handle.wait()

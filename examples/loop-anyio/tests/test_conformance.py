"""The proof that this adapter does what all adapters do, on both backends of anyio."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import anyio
import pytest
from rethinkdb_anyio import Connection

from rethinkdb import RethinkDB
from rethinkdb.embedded import Server
from rethinkdb.testing.conformance import (
    SCENARIOS,
    Driver,
    Operation,
    Scenario,
    Skip,
    name_of,
    run_scenario,
)

T = TypeVar("T")


class AnyioDriver(Driver):
    """Tasks of anyio."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self._local = threading.local()

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        outcome: list[Any] = []

        async def in_task_group() -> None:
            async with anyio.create_task_group() as self._local.task_group:
                try:
                    outcome.append(await main())
                except Exception as exc:  # a task group would wrap it
                    outcome.append(exc)
                self._local.task_group.cancel_scope.cancel()

        anyio.run(in_task_group, backend=self._backend)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def options(self) -> dict[str, Any]:
        return {"task_group": self._local.task_group}

    async def gather(self, *operations: Operation) -> list[Any]:
        outcomes: list[Any] = [None] * len(operations)

        async def do(position: int, operation: Operation) -> None:
            try:
                outcomes[position] = await operation()
            except Exception as exc:
                outcomes[position] = exc

        async with anyio.create_task_group() as tasks:
            for position, operation in enumerate(operations):
                tasks.start_soon(do, position, operation)
        return outcomes

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(operation)
            while not when():
                await anyio.sleep(0)
            tasks.cancel_scope.cancel()
        assert tasks.cancel_scope.cancelled_caught, "it was not cancelled"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_scenario(backend: str, scenario: Scenario, server: Server) -> None:
    try:
        run_scenario(scenario, AnyioDriver(backend), Connection, server)
    except Skip as exc:
        pytest.skip(str(exc))


def test_found_by_its_name() -> None:
    r = RethinkDB()
    r.set_loop_type("anyio")
    assert r.connection_type is Connection

"""The asyncio adapter on uvloop: the same scenarios, on another event loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

from rethinkdb.embedded import Server
from rethinkdb.testing.conformance import SCENARIOS, Scenario, name_of
from rethinkdb.testing.conformance.drivers import AsyncioDriver
from tests.trying import try_on

uvloop: Any = pytest.importorskip("uvloop", reason="needs uvloop, which not every platform has")

T = TypeVar("T")


class UvloopDriver(AsyncioDriver):
    """Tasks of asyncio on uvloop."""

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        result: T = uvloop.run(main())
        return result


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as embedded:
        yield embedded


@pytest.mark.parametrize("scenario", SCENARIOS, ids=name_of)
def test_scenario(scenario: Scenario, server: Server) -> None:
    try_on("asyncio", scenario, server, UvloopDriver())

"""Connections for tests on each loop, as functions that the loops' pytest plugins make fixtures of.

In your `conftest.py`, for instance:

    import pytest_asyncio
    from rethinkdb.testing.fixtures import asyncio_connection

    conn = pytest_asyncio.fixture(asyncio_connection)

Each connects to the test's own database (`rethinkdb_db`) and closes the connection at its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from rethinkdb import loops

if TYPE_CHECKING:
    from rethinkdb.testing.databases import ServerAddress

__all__ = [
    "anyio_connection",
    "asyncio_connection",
    "blocking_connection",
    "gevent_connection",
    "tornado_connection",
    "trio_connection",
    "twisted_connection",
]


def blocking_connection(rethinkdb_address: ServerAddress, rethinkdb_db: str) -> Iterator[Any]:
    """A blocking connection: the fixture `rethinkdb_conn`."""
    yield from _blocking("blocking", rethinkdb_address, rethinkdb_db)


def gevent_connection(rethinkdb_address: ServerAddress, rethinkdb_db: str) -> Iterator[Any]:
    """A connection of gevent, for `pytest.fixture`."""
    yield from _blocking("gevent", rethinkdb_address, rethinkdb_db)


async def asyncio_connection(
    rethinkdb_address: ServerAddress, rethinkdb_db: str
) -> AsyncIterator[Any]:
    """A connection of asyncio, for `pytest_asyncio.fixture`."""
    conn = await _make("asyncio", rethinkdb_address, rethinkdb_db)
    yield conn
    await conn.close(noreply_wait=False)


async def tornado_connection(
    rethinkdb_address: ServerAddress, rethinkdb_db: str
) -> AsyncIterator[Any]:
    """A connection of Tornado, for `pytest_asyncio.fixture`: Tornado runs on asyncio's loop.

    For `tornado.testing.AsyncTestCase` there is `rethinkdb.testing.tornado`.
    """
    conn = await _make("tornado", rethinkdb_address, rethinkdb_db)
    yield conn
    await conn.close(noreply_wait=False)


async def trio_connection(
    rethinkdb_address: ServerAddress, rethinkdb_db: str, nursery: Any
) -> AsyncIterator[Any]:
    """A connection of trio, for `pytest.fixture` with pytest-trio, in the nursery of the test."""
    conn = await _make("trio", rethinkdb_address, rethinkdb_db, nursery=nursery)
    yield conn
    await conn.close(noreply_wait=False)


async def anyio_connection(
    rethinkdb_address: ServerAddress, rethinkdb_db: str, anyio_backend_name: str
) -> AsyncIterator[Any]:
    """A connection of the loop that anyio's plugin runs the test on, for `pytest.fixture`."""
    if anyio_backend_name != "trio":
        conn = await _make("asyncio", rethinkdb_address, rethinkdb_db)
        yield conn
        await conn.close(noreply_wait=False)
        return
    import trio

    async with trio.open_nursery() as nursery:
        conn = await _make("trio", rethinkdb_address, rethinkdb_db, nursery=nursery)
        yield conn
        await conn.close(noreply_wait=False)


async def twisted_connection(
    rethinkdb_address: ServerAddress, rethinkdb_db: str
) -> AsyncIterator[Any]:
    """A connection of Twisted, for `pytest_twisted.async_yield_fixture()`."""
    conn = await _make("twisted", rethinkdb_address, rethinkdb_db)
    yield conn
    await conn.close(noreply_wait=False)


def _make(loop: str, address: ServerAddress, db: str, **options: Any) -> Any:
    return loops.load(loop).make(address.host, address.port, db, **options)


def _blocking(loop: str, address: ServerAddress, db: str) -> Iterator[Any]:
    conn = _make(loop, address, db)
    yield conn
    conn.close(noreply_wait=False)

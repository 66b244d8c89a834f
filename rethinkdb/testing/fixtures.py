"""Connections for tests on each loop: functions to pass to the fixture decorator of your loop.

For instance, in your `conftest.py`:

    import pytest_asyncio
    from rethinkdb.testing.fixtures import asyncio_connection

    conn = pytest_asyncio.fixture(asyncio_connection)

Each connects to the database of the test (`rethinkdb_db`), and closes the connection after it.
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
    """A blocking connection. The fixture `rethinkdb_conn` is made from it."""
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
    """A connection of trio, in the nursery of the test. For `pytest.fixture` with pytest-trio."""
    conn = await _make("trio", rethinkdb_address, rethinkdb_db, nursery=nursery)
    yield conn
    await conn.close(noreply_wait=False)


async def anyio_connection(
    rethinkdb_address: ServerAddress, rethinkdb_db: str, anyio_backend_name: str
) -> AsyncIterator[Any]:
    """A connection of asyncio or trio, as the backend of anyio's plugin. For `pytest.fixture`."""
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
    options = {**address.options, **options}
    return loops.load(loop).make(address.host, address.port, db, **options)


def _blocking(loop: str, address: ServerAddress, db: str) -> Iterator[Any]:
    conn = _make(loop, address, db)
    yield conn
    conn.close(noreply_wait=False)

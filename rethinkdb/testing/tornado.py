"""A Tornado test case with a server, a fresh database for each test, and a connection."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, ClassVar

from tornado.testing import AsyncTestCase

from rethinkdb import loops
from rethinkdb.embedded import Server
from rethinkdb.testing.databases import fresh_database

__all__ = ["RethinkDBTestCase"]


class RethinkDBTestCase(AsyncTestCase):
    """A test case with one embedded server for the class, and a new database for each test.

    You can combine it with `AsyncHTTPTestCase`. Name `RethinkDBTestCase` first then.

    Attributes:
        rethinkdb_server: the server.
        rethinkdb_db: the name of the test's database.
        rethinkdb_url: server and database as one URL, for the application under test.

    Example::

        class TestHeroes(RethinkDBTestCase):
            @gen_test
            async def test_insert(self):
                await r.table_create("heroes").run(self.conn)
    """

    rethinkdb_server: ClassVar[Server]

    @classmethod
    def setUpClass(cls) -> None:
        """Starts the server."""
        super().setUpClass()
        cls.rethinkdb_server = Server().start()
        cls.addClassCleanup(cls.rethinkdb_server.stop)

    def setUp(self) -> None:
        """Creates the database, and connects."""
        self._ending = ExitStack()
        self._conn: Any = None
        server = self.rethinkdb_server
        self.rethinkdb_db = self._ending.enter_context(fresh_database(server, self.id()))
        self.rethinkdb_url = f"{server.url}/{self.rethinkdb_db}"
        self.addCleanup(self._ending.close)
        super().setUp()
        _ = self.conn  # open it now: this cannot be done while the loop runs a test

    @property
    def conn(self) -> Any:
        """A Tornado connection to the test's database. `get_app` may use it, too."""
        if self._conn is None:
            server, make = self.rethinkdb_server, loops.load("tornado").make
            self._conn = self.io_loop.run_sync(
                lambda: make(server.host, server.port, self.rethinkdb_db)
            )
        return self._conn

    def tearDown(self) -> None:
        """Ends all troubles of `chaos`, and closes the connection."""
        self.rethinkdb_server.chaos.end()
        self.io_loop.run_sync(lambda: self.conn.close(noreply_wait=False))
        super().tearDown()

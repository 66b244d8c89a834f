"""anyio as a loop type of the RethinkDB driver: `r.set_loop_type("anyio")`.

    async with anyio.create_task_group() as tasks:
        async with r.connect("localhost", task_group=tasks) as conn:
            print(await r.table("heroes").count().run(conn))

A connection reads in a task of the task group given, until it is closed; handlers are called there,
too. Cancelling the task group closes it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import current_token

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.loops.transport.coroutines import CoroutineConnection
from rethinkdb.loops.transport.place import misplaced
from rethinkdb.loops.transport.sockets import configure
from rethinkdb.loops.transport.tls import Link, open_link
from rethinkdb.loops.transport.wire import Wire
from rethinkdb.net.cursor import AsyncIterableCursor
from rethinkdb.net.waiter import Waiter
from rethinkdb.push.runner import Runner, await_in_task

__all__ = ["AnyioCursor", "AnyioRunner", "Connection"]

T = TypeVar("T")


async def dial(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket."""
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await anyio.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            configure(sock)
            with suppress(BlockingIOError):
                sock.connect(address)
            await anyio.wait_writable(sock)
            if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, os.strerror(code))
        except BaseException as exc:  # cancelling is one
            sock.close()
            if not isinstance(exc, OSError):
                raise
            failure = exc
        else:
            return sock
    raise failure


class AnyioWire(Wire):
    """A socket under the core, read by a task from creation until it is shut."""

    def __init__(self, sock: socket.socket, link: Link, tasks: TaskGroup) -> None:
        super().__init__(sock, link)
        self._tasks = tasks
        tasks.start_soon(self._read_on)
        self.flush()

    async def _read_on(self) -> None:
        try:
            while not self.over:
                await anyio.wait_readable(self.socket)
                self.receive()
        except anyio.ClosedResourceError:  # on this side
            return
        except BaseException:
            self.lose(ReqlDriverError("The task group given to connect() was cancelled."))
            raise

    def _await_writable(self) -> None:
        self._tasks.start_soon(self._write_on)

    async def _write_on(self) -> None:
        with suppress(anyio.ClosedResourceError):
            while not self.over:
                await anyio.wait_writable(self.socket)
                if self.writable():
                    return

    def _now(self) -> float:
        return anyio.current_time()

    def _later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], object]:
        scope = anyio.CancelScope()
        self._tasks.start_soon(self._call_later, scope, seconds, callback)
        return scope.cancel

    async def _call_later(
        self, scope: anyio.CancelScope, seconds: float, callback: Callable[[], None]
    ) -> None:
        with scope:
            await anyio.sleep(seconds)
            callback()

    def _stop_waiting(self) -> None:
        anyio.notify_closing(self.socket)


class AnyioCursor(AsyncIterableCursor):
    """A cursor whose methods return coroutines. `async with cursor:` closes it."""


class Connection(CoroutineConnection[AnyioWire]):
    """A connection whose methods return coroutines.

    Args:
        task_group: where it reads, and calls handlers. Required.
    """

    LOOP_API = 1
    LOOP_OPTIONS = ("task_group",)
    cursor_type = AnyioCursor
    push_runner = "rethinkdb_anyio:AnyioRunner"

    def _init_loop(self, task_group: TaskGroup | None = None) -> None:
        if task_group is None:
            raise ReqlDriverError("anyio connections live in a task group: `task_group=`.")
        self.task_group = task_group

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):  # it does not wait, and keeps the block's exception
            await self.close(noreply_wait=False)

    async def _reach(self, timeout: float) -> None:
        self._token = current_token()
        with self._connecting() as session, anyio.fail_after(timeout):
            link = open_link(session, self.options)
            self._wire = AnyioWire(await dial(self.host, self.port), link, self.task_group)
            await self._settled(session.opened)

    async def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Any:
        waiter = self._begin(operation, args)
        if not waiter.done():
            try:
                with anyio.fail_after(timeout):
                    await self._settled(waiter)
            except TimeoutError:
                raise ReqlTimeoutError from None
        return self._outcome(waiter)

    async def _settled(self, waiter: Waiter[Any]) -> None:
        """Wait for it; whatever ends the wait otherwise abandons it."""
        settled = anyio.Event()
        waiter.add_done_callback(lambda _: settled.set())
        try:
            await settled.wait()
        except BaseException:
            self._abandon(waiter)
            raise

    def _check_loop(self) -> None:
        if current_token() != self._token:
            raise misplaced("another event loop", "Connect in each loop.")

    def _soon(self, callback: Callable[[], None]) -> None:
        native: Any = self._token.native_token
        schedule = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
        with suppress(RuntimeError):  # the loop has ended
            schedule(callback)


class AnyioRunner(Runner):
    """Callbacks, asynchronous ones too, are called in tasks of the connection's task group."""

    def check(self) -> None:
        self.conn._check_loop()

    def soon(self, callback: Callable[[], object]) -> None:
        self.conn._soon(callback)

    def run(self, awaitable: Awaitable[Any], then: Callable[[Waiter[Any]], object]) -> None:
        self.conn.task_group.start_soon(await_in_task, awaitable, then)

"""anyio as a loop type of the RethinkDB driver: `r.set_loop_type("anyio")`.

    async with anyio.create_task_group() as tasks:
        async with r.connect("localhost", task_group=tasks) as conn:
            print(await r.table("heroes").count().run(conn))

A connection reads and writes in two tasks of the task group given, until it is closed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.abc import SocketAttribute, SocketStream, TaskGroup
from anyio.lowlevel import current_token

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.loops.opening import Opening
from rethinkdb.loops.place import misplaced
from rethinkdb.loops.tls import Link, open_link
from rethinkdb.loops.wired import WiredConnection
from rethinkdb.net.cursor import AsyncIterableCursor
from rethinkdb.net.options import connect_limit
from rethinkdb.net.waiter import Waiter

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AnyioCursor", "Connection"]

T = TypeVar("T")


class AnyioWire:
    """Moves bytes between one stream and the core, in two tasks."""

    def __init__(self, stream: SocketStream, link: Link) -> None:
        self._stream = stream
        self._link = link
        self._due = anyio.Event()
        self._ended = anyio.Event()
        stream.extra(SocketAttribute.raw_socket).setsockopt(
            socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1
        )

    async def read(self) -> None:
        cause: BaseException | None = None
        try:
            async for data in self._stream:
                self._link.receive_data(data)
                self.flush()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as exc:
            cause = exc.__cause__
        finally:  # also when the task group is cancelled
            self._link.receive_eof(cause if isinstance(cause, Exception) else None)
            self.flush()

    async def write(self) -> None:
        try:
            while True:
                if data := self._link.data_to_send():
                    await self._stream.send(data)
                elif self._link.close_requested:
                    return
                else:
                    await self._due.wait()
                    self._due = anyio.Event()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the reader knows why
        finally:
            await self.shut()

    def flush(self) -> None:
        self._due.set()

    async def closed(self) -> None:
        """Wait until the core's wish to close is fulfilled, for a second at most."""
        with anyio.move_on_after(1, shield=True):
            await self._ended.wait()
        await self.shut()

    async def shut(self) -> None:
        self._ended.set()
        await anyio.aclose_forcefully(self._stream)

    def leave(self) -> None:
        """After fork(), in the child: the stream is the parent's."""

    def local_address(self) -> tuple[str, int] | None:
        if self._ended.is_set():
            return None
        address, port = self._stream.extra(SocketAttribute.local_address)[:2]
        return str(address), int(port)


class AnyioCursor(AsyncIterableCursor):
    """A cursor whose methods return coroutines. `async with cursor:` closes it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()


class Connection(WiredConnection[AnyioWire]):
    """A connection whose methods return coroutines.

    Args:
        task_group: where it reads and writes. Required.
    """

    LOOP_API = 1
    LOOP_OPTIONS = ("task_group",)
    cursor_type = AnyioCursor

    @classmethod
    def make(cls, *args: Any, **kwargs: Any) -> Opening[Self]:
        return Opening(cls(*args, **kwargs).connect())

    def _init_loop(self, task_group: TaskGroup | None = None) -> None:
        if task_group is None:
            raise ReqlDriverError("anyio connections live in a task group: `task_group=`.")
        self._task_group = task_group

    async def connect(self) -> Self:
        return await self._connect(self.connect_timeout)

    async def reconnect(self, noreply_wait: bool = True, timeout: float | None = None) -> Self:
        limit = connect_limit(timeout) or self.connect_timeout
        await self.close(noreply_wait)
        return await self._connect(limit)

    async def close(self, noreply_wait: bool = True) -> None:
        self._leave_to_parent()
        wire = self._wire
        try:
            await self._call(self._session.close, noreply_wait)
        finally:
            if wire is not None:
                await wire.closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close(noreply_wait=False)

    async def _connect(self, timeout: float) -> Self:
        self._token = current_token()
        wire = None
        try:
            with self._connecting() as session, anyio.fail_after(timeout):
                link = open_link(session, self.options)
                self._wire = wire = AnyioWire(await self._dial(), link)
                self._task_group.start_soon(wire.read)
                self._task_group.start_soon(wire.write)
                await self._call(lambda: session.opened)
        finally:
            if wire is not None and not self.is_open():
                await wire.closed()
        return self

    async def _dial(self) -> SocketStream:
        try:
            return await anyio.connect_tcp(self.host, self.port)
        except OSError as exc:
            raise exc.__cause__ or exc from None  # the cause has the system's own text

    async def _call(
        self, operation: Callable[..., Waiter[T]], *args: Any, timeout: float | None = None
    ) -> Any:
        waiter = self._begin(operation, args)
        if not waiter.done():
            settled = anyio.Event()
            waiter.add_done_callback(lambda _: settled.set())
            try:
                with anyio.fail_after(timeout):
                    await settled.wait()
            except TimeoutError:
                self._abandon(waiter)
                raise ReqlTimeoutError from None
            except BaseException:
                self._abandon(waiter)
                raise
        return self._outcome(waiter)

    def _check_loop(self) -> None:
        if current_token() != self._token:
            raise misplaced("another event loop", "Connect in each loop.")

    def _soon(self, callback: Callable[[], None]) -> None:
        native: Any = self._token.native_token
        schedule = getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
        with suppress(RuntimeError):  # the loop has ended
            schedule(callback)

"""The part that the asyncio and Tornado adapters share: an asyncio transport below the core.

Tornado uses asyncio's loop, Futures and transports. The two adapters differ in what callers get: a
coroutine, or a Future whose work has begun.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.outflow import MAX_UNSENT
from rethinkdb.net.waiter import Waiter

from .alarm import Alarm
from .place import misplaced
from .places import AwaitingReach
from .sockets import keep_alive, unacknowledged
from .tls import Link, deliver, open_link
from .wired import WiredConnection

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["AsyncioWire", "LoopConnection", "expire"]

# Seconds that closing waits for a peer that does not read the rest of the bytes.
_LINGER = 1.0

# Reads go into a buffer of the driver's own. For asyncio's buffer of 256 KiB, the allocator would
# ask the system for new pages each time. Measured: 9 µs instead of 24 for a turn that reads 200
# bytes. A megabyte takes 0.1 ms more, as it is copied.
_READ_SIZE = 65536

# Loops that ask for the buffer, fill it and tell of it in one go. So nothing stays in it, and all
# connections of such a loop share one: with one each, 10,000 idle ones would hold 640 MB of them.
# Other loops may read into several buffers at a time (libuv does on Windows).
_READ_IN_ONE_GO = ("asyncio", "uvloop")
_buffers: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def _buffer_for(loop: asyncio.AbstractEventLoop) -> memoryview:
    """What a connection of that loop reads into."""
    if type(loop).__module__.partition(".")[0] not in _READ_IN_ONE_GO:
        return memoryview(bytearray(_READ_SIZE))
    buffer = _buffers.get(loop)
    if buffer is None:
        buffer = _buffers[loop] = memoryview(bytearray(_READ_SIZE))
    return buffer


class AsyncioWire(asyncio.BufferedProtocol):
    """Moves bytes between an asyncio transport and the core."""

    transport: asyncio.Transport | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop, link: Link) -> None:
        self._loop = loop
        self._link = link
        self._outflow = link.outflow
        self._flush_due = False
        self._lost = loop.create_future()
        self._buffer = _buffer_for(loop)
        # What else the loop is to run in this turn. Loops that are not asyncio's own hide it.
        self._ready: Collection[object] | None = getattr(loop, "_ready", None)
        self._alarm: Alarm | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = made = cast(asyncio.Transport, transport)  # that of a TCP connection
        made.set_write_buffer_limits(MAX_UNSENT)
        self._outflow.held_back(0)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock)
        self.flush_now()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        link = self._link
        deliver(link, bytes(self._buffer[:nbytes]))
        if link.output or link.output_pending or link.clock_wanted:
            self.flush_now()

    def pause_writing(self) -> None:
        """The transport holds more than `MAX_UNSENT` bytes."""
        self._tell_outflow()

    def resume_writing(self) -> None:
        """The transport has sent most of them."""
        self._tell_outflow()

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.receive_eof(exc)
        if self._alarm is not None:
            self._alarm.stop()
        self._lost.set_result(None)

    def flush(self) -> None:
        """Send at the end of this turn of the loop: the bytes of all its tasks, in one write.

        If nothing else is to run in this turn, a query is sent now: that saves a turn, which is a
        tenth of what a get takes.
        """
        # Most calls have nothing to send. A turn of the loop for them would take 2 µs (measured).
        link = self._link
        if self._flush_due or not (link.output or link.output_pending):
            return
        if self._loop.is_closed():
            return
        ready = self._ready
        # Whether no further query is expected in this turn of the loop.
        is_last = not ready and (link.in_flight == 1 if ready is None else link.in_flight > 0)
        if is_last and not link.close_requested:
            self.flush_now()
        else:
            self._flush_due = True
            self._loop.call_soon(self.flush_now)

    def flush_now(self) -> None:
        """Send the core's bytes now; close the transport if the core asks for that."""
        self._flush_due = False
        transport, link = self.transport, self._link
        if transport is None or transport.is_closing():
            return
        if link.clock_wanted:
            self._set_alarm()
        if data := link.data_to_send():
            transport.write(data)
            if self._outflow.waiting:
                self._tell_outflow()
        if link.close_requested:
            transport.close()
            if transport.get_write_buffer_size():
                self._loop.call_later(_LINGER, transport.abort)

    def _set_alarm(self) -> None:
        if self._alarm is None:
            self._alarm = Alarm(
                self._link,
                self._loop.time,
                self._later,
                self.flush_now,
                self.abort,
                self._count_unsent,
            )
        self._alarm.set()

    def abort(self) -> None:
        """Close the transport at once, if there is one. `connection_lost` may not be called.

        uvloop does not call it if connecting was cancelled after the transport was made.
        """
        if self.transport is not None:
            self.transport.abort()

    def _tell_outflow(self) -> None:
        if self.transport is not None:
            self._outflow.held_back(self.transport.get_write_buffer_size())

    def _count_unsent(self) -> int:
        if self.transport is None:
            return 0
        sock = self.transport.get_extra_info("socket")
        return self.transport.get_write_buffer_size() + unacknowledged(sock)

    def _later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], object]:
        return self._loop.call_later(seconds, callback).cancel

    async def closed(self) -> None:
        """Wait until the transport is closed, which the core has asked for."""
        self.flush_now()
        if self.transport is not None:
            await asyncio.wait([self._lost])

    def leave(self) -> None:
        """In a forked child: does nothing, as the child shares the parent's selector."""

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when closed."""
        if self.transport is None or self.transport.is_closing():
            return None
        address, port = self.transport.get_extra_info("sockname")[:2]
        return address, port


class LoopConnection(AwaitingReach, WiredConnection[AsyncioWire]):
    """A connection that belongs to an asyncio loop. Subclasses decide what callers get."""

    LOOP_OPTIONS = ("io_loop",)

    _loop: asyncio.AbstractEventLoop

    def _init_loop(self, io_loop: Any = None) -> None:
        self._io_loop = getattr(io_loop, "asyncio_loop", io_loop)  # Tornado's has one inside

    def _make_home(self) -> None:
        self._loop = self._io_loop or asyncio.get_running_loop()

    async def _reach(self, timeout: float) -> None:
        self._make_home()
        self._check_loop()
        loop = self._loop
        deadline = loop.time() + timeout
        try:
            with self._connecting() as session:
                await self._dial(open_link(session, self.options), deadline - loop.time())
                await self._settled(session.opened, deadline - loop.time())
        except ReqlTimeoutError as exc:
            raise ReqlTimeoutError(self.host, self.port) from exc
        finally:
            if not self.is_open():
                await self._transport_closed()

    async def _dial(self, link: Link, seconds: float) -> None:
        wire = AsyncioWire(self._loop, link)
        try:
            await self._within(
                seconds, self._loop.create_connection(lambda: wire, self.host, self.port)
            )
        except BaseException:
            wire.abort()
            raise
        self._wire = wire

    async def _transport_closed(self) -> None:
        """Wait until the transport is closed, if there is one."""
        if self._wire is not None:
            await self._wire.closed()

    async def _within(self, seconds: float, dialling: Coroutine[Any, Any, Any]) -> None:
        # Not wait_for(): before Python 3.12 it loses a cancellation that comes as connecting ends.
        task = self._loop.create_task(dialling)
        # Read the exception, so that asyncio does not log it as never retrieved.
        task.add_done_callback(lambda _: task.cancelled() or task.exception())
        in_time = False
        try:
            await asyncio.wait([task], timeout=seconds)
            in_time = task.done()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
        if not in_time:
            raise ReqlTimeoutError
        task.result()

    async def _closed(self, noreply_wait: bool) -> None:
        self._leave_to_parent()
        wire = self._wire
        if wire is None:
            self._session.close(noreply_wait=False)  # it may be connecting
            return
        if self._loop.is_closed():  # and the transport with it
            self._wire = None
            self._new_session().close(noreply_wait=False)
            return
        try:
            waiter = self._begin(self._session.close, (noreply_wait,))
            await self._settled(waiter, None)
        finally:
            await wire.closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close(noreply_wait=False)

    def _future_of(self, waiter: Waiter[Any]) -> asyncio.Future[None]:
        """A Future that is done when the waiter is. Whoever stops waiting abandons the waiter."""
        future: asyncio.Future[None] = self._loop.create_future()

        def settled(_: Waiter[Any]) -> None:
            if future.done():  # the wait has ended otherwise, and its task will be told
                self._abandon(waiter)
            else:
                future.set_result(None)

        waiter.add_done_callback(settled)
        return future

    async def _settled(self, waiter: Waiter[Any], timeout: float | None) -> None:
        """Wait until the waiter is settled. If anything else ends the wait, abandon the waiter."""
        if waiter.done():
            return
        future = self._future_of(waiter)
        timer = None if timeout is None else self._loop.call_later(timeout, expire, future)
        try:
            await future
        except BaseException:
            self._abandon(waiter)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _check_loop(self) -> None:
        if asyncio.get_running_loop() is not self._loop:
            raise self._misplaced()

    def _misplaced(self) -> ReqlDriverError:
        return misplaced(
            f"another event loop, {self._loop!r}",
            "Connect in each loop, or go there: asyncio.run_coroutine_threadsafe().",
        )

    def _soon(self, callback: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(callback)


def expire(future: asyncio.Future[Any]) -> None:
    """Fail a Future with `ReqlTimeoutError`, unless it is done."""
    if not future.done():
        future.set_exception(ReqlTimeoutError())


def wake(future: asyncio.Future[None]) -> None:
    """Settle a Future with None, unless it is done."""
    if not future.done():
        future.set_result(None)

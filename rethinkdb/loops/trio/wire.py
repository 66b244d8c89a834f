"""Connects a socket with the core. A task in the user's nursery reads from the socket."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

import trio

from rethinkdb.errors import ReqlDriverError

from ..transport.sockets import configure
from ..transport.tls import Link
from ..transport.wire import Wire

__all__ = ["NurseryCancelled", "TrioWire"]


class NurseryCancelled(ReqlDriverError):
    """The connection is lost because its nursery was cancelled."""


class TrioWire(Wire):
    """Reads from the time it is made until it is shut.

    Args:
        stream: a connected stream. The wire takes over its socket.
        link: the session, or TLS around it.
        nursery: the nursery for the wire's tasks.
        peer: the server's name, for the names of the tasks.

    Raises:
        ReqlDriverError: the nursery has ended.
    """

    def __init__(
        self, stream: trio.SocketStream, link: Link, nursery: trio.Nursery, peer: str
    ) -> None:
        # A plain socket, as trio's sockets cannot send without waiting.
        sock = socket.socket(fileno=stream.socket.detach())
        configure(sock)
        super().__init__(sock, link)
        self._nursery = nursery
        self._peer = peer
        self._has_flusher = False
        self._sleeping: trio.lowlevel.Task | None = None
        try:
            nursery.start_soon(self._read_on, name=f"reading from {peer}")
        except RuntimeError as exc:
            self.shut()
            raise ReqlDriverError("The nursery given to connect() has ended.") from exc
        self.flush()

    async def _read_on(self) -> None:
        try:
            while not self.over:
                await trio.lowlevel.wait_readable(self.socket)
                self.receive()
        except trio.ClosedResourceError:  # this side has closed the socket
            return
        except BaseException:
            self.lose(NurseryCancelled("The nursery given to connect() was cancelled."))
            raise

    def _flush_soon(self) -> object:
        if not self._has_flusher:
            try:
                self._nursery.start_soon(self._flush_on, name=f"sending to {self._peer}")
            except RuntimeError:  # the nursery has ended
                return False
            self._has_flusher = True
        self._wake_flusher()
        return True

    async def _flush_on(self) -> None:
        """Call `flush_now` whenever it is due. One task for all, as starting one takes longer."""
        try:
            while not self.over:
                self.flush_now()
                self._sleeping = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(self._stop_sleeping)
        finally:
            self._has_flusher = False
            if self._due:  # it was cancelled just then
                self.flush_now()

    def _stop_sleeping(self, _: object) -> trio.lowlevel.Abort:
        self._sleeping = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _wake_flusher(self) -> None:
        """Wake the task that sends, if it sleeps. Otherwise it runs next."""
        task, self._sleeping = self._sleeping, None
        if task is not None:
            trio.lowlevel.reschedule(task)

    def _await_writable(self) -> None:
        self._nursery.start_soon(self._write_on, name=f"writing to {self._peer}")

    async def _write_on(self) -> None:
        with suppress(trio.ClosedResourceError):
            while not self.over:
                await trio.lowlevel.wait_writable(self.socket)
                if self.writable():
                    return

    def _now(self) -> float:
        return trio.current_time()

    def _later(self, seconds: float, callback: Callable[[], None]) -> Callable[[], object]:
        scope = trio.CancelScope()
        self._nursery.start_soon(self._call_later, scope, seconds, callback)
        return scope.cancel

    async def _call_later(
        self, scope: trio.CancelScope, seconds: float, callback: Callable[[], None]
    ) -> None:
        with scope:
            await trio.sleep(seconds)
            callback()

    def _stop_waiting(self) -> None:
        trio.lowlevel.notify_closing(self.socket)
        self._wake_flusher()

"""`Channel`: one socket, shared by threads. A thread that waits for an answer reads.

A channel has five parts, each in a file of its own: `stepping` uses the core under a lock,
`interrupts` deals with signal handlers, `timing` looks at the time, in `waiting` the threads wait
for their answers, and `fetching` is a shorter way for a thread that iterates over a cursor.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import starmap
from threading import get_ident
from typing import Any

from rethinkdb.net.options import ConnectOptions
from rethinkdb.net.waiter import Waiter

from ..transport.sockets import dial
from ..transport.tls import open_link
from .fetching import Fetching
from .line import Line

__all__ = ["Channel"]

# For a call inside another call of the same thread: whether the outer call leads, and whether it
# sleeps. The inner call leaves that unchanged.
_Within = tuple[bool, bool]


class Channel(Fetching):
    """A session, its socket when it is connected, and the threads that wait for answers.

    Args:
        session: a new session.
        before: the channel of the same connection that this one replaces. Both use the same lock,
            as a handler may wait for other threads while its thread is in a step of either.

    Attributes:
        session: the argument. A channel has one session.
        process: the id of the process that made the channel.
    """

    def open(self, options: ConnectOptions, deadline: float) -> None:
        """Connect, and wait until the session is open. If that fails, nothing stays open.

        Raises:
            OSError: the server cannot be reached; TimeoutError if the deadline passed.
            ReqlDriverError: the server refuses the client, or the options for TLS are invalid.
        """
        try:
            self._link = open_link(self.session, options)
            sock = self.outside(dial, options.host, options.port, deadline)
            self._line = Line(sock, self._link)
            self.call(lambda: self.session.opened, (), deadline).result()
        except BaseException:
            self.drop()
            raise

    def call(
        self,
        operation: Callable[..., Waiter[Any]],
        args: tuple[object, ...] = (),
        deadline: float | None = None,
        outcome: Callable[[Waiter[Any]], Any] | None = None,
        within: _Within | None = None,
    ) -> Any:
        """Run an operation of the core, send its bytes, wait until its waiter is settled.

        Args:
            operation: returns a waiter.
            args: its arguments.
            deadline: a time of `time.monotonic`; None: no limit.
            outcome: makes the result from the settled waiter. Without it, the waiter is returned.
            within: what the outer call of this thread does, if this is known to be an inner call.

        Raises:
            ReqlTimeoutError: the deadline passed. The operation is abandoned, and nothing else is
                affected. The same happens if a signal handler raises an error.
        """
        me = get_ident()
        turns = self._turns
        led = slept = False
        if within is not None:
            led, slept = within
        elif turns.leader == me or me in turns.sleepers or self._lock._is_owned():
            # A signal handler or a finalizer calls this inside another call of this thread.
            within = turns.leader == me, me in turns.sleepers
            return self.outside(self.call, operation, args, deadline, outcome, within)
        begun: list[Waiter[Any]] = []
        try:
            with self._lock:
                if self._interrupted:
                    self._go_on()
                begun.extend(starmap(operation, (args,)))  # one step starts it and keeps its waiter
                self._flush()
                waiter = begun[0]
                pending = not waiter.done()
                if pending and turns.leader is None:
                    turns.leader = me
            line = self._line
            if line is not None:
                if line.output:
                    self._push(me, led, line, deadline, waiter if pending else None)
                if pending:
                    self._wait(me, led, line, deadline, waiter)
                if turns.leader == me and not led:
                    self._resign(line)
            if self._discarded:
                self._close_discarded()
            return waiter if outcome is None else outcome(waiter)
        except BaseException:
            self._recover(me, led, slept, begun)
            raise

    def close(self, noreply_wait: bool) -> None:
        """Close the session and the socket, even if the wait for noreply queries is interrupted."""
        try:
            self.call(self.session.close, (noreply_wait,))
        finally:
            self.drop()

    def drop(self) -> None:
        """Close the socket now. Everything pending fails."""
        try:
            with self._lock:
                if self._line is None:
                    self.session.close(noreply_wait=False)
                else:
                    self._line.lose()
                    self._tidy_up(self._line)
        except BaseException:  # out of a signal handler
            self.drop()
            raise

    def leave(self) -> None:
        """In a forked child: close its copy of the socket. The parent's connection stays open."""
        if self._line is not None:
            self._line.leave()

    def local_address(self) -> tuple[str, int] | None:
        """The local address and port; None when closed."""
        return None if self._line is None else self._line.local_address()

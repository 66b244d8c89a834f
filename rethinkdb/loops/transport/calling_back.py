"""The part of pools that serves `query.run_with(handler, pool)`.

Handlers are implemented in `rethinkdb.push`, which uses no sockets and loops. It asks the pool for
connections and gives them back. The pool provides the loop in which callbacks run.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.connection import BaseConnection
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Member, Pool

from .place import PROCESS

__all__ = ["CallingBack"]


class CallingBack:
    """The part of a pool that serves handlers."""

    #: Runs the callbacks of all connections; `rethinkdb.push` makes it.
    _runner: Any = None

    closed: bool
    _pool: Pool
    _process: int

    if TYPE_CHECKING:  # for pools to supply

        def _check_place(self) -> None: ...
        def _new_connection(self) -> BaseConnection: ...
        def _told(self, tell: Callable[..., Any], *args: Any, **options: Any) -> None: ...
        def _tell_loss(self, member: Member) -> None: ...
        def _hold(self, member: Member, stream: Stream | None, renewable: bool = True) -> None: ...

    def is_open(self) -> bool:
        """Whether the pool accepts queries. It does so while the server is away, too."""
        return not self.closed and self._process == PROCESS.id

    def _start_with(self, term: Any, handler: Any, conn: Any, options: dict[str, Any]) -> Any:
        """`term.run_with(handler, pool)` calls this, as `term.run(pool)` calls `_start`."""
        try:
            self._check_place()
        except RuntimeError as exc:
            raise ReqlDriverError("Callbacks need a running event loop.") from exc
        return import_module("rethinkdb.push.start").run_with(term, handler, conn, options)

    def _stand_in(self) -> BaseConnection:
        """A connection that is never opened, for callbacks that have no other connection."""
        connection = self._new_connection()
        connection._make_home()
        return connection

    def _lives(self, member: Member) -> bool:
        """Whether a connection still works. If it was lost unnoticed, the pool is told now."""
        return True  # most loops read all the time, so they notice a loss at once

    def _at_hand(self) -> Member | None:
        """A connection that has room now, or None. Give it back with `_first_answer`."""
        taken: list[Member | None] = []
        self._told(lambda _: taken.append(self._pool.take()))
        (member,) = taken
        return member if member is not None and self._is_good(member) else None

    def _is_good(self, member: Member) -> bool:
        """Whether a connection can be used. If not, it goes back to the pool."""
        if self._lives(member):
            return True
        self._put_back(member)
        return False

    def _put_back(self, member: Member) -> None:
        """Give back a connection on which no query was run."""
        self._told(self._pool.put_back, member)

    def _wish(self, seconds: float | None, granted: Callable[[Waiter[Any]], object]) -> Waiter[Any]:
        """Ask for a connection.

        Args:
            seconds: the longest wait, if it is shorter than `acquire_timeout`.
            granted: called with the settled waiter, in the middle of the pool's work, in any
                thread, and perhaps before this method returns.

        Returns:
            A waiter of the member. Give it up with `_wish_no_more`.
        """
        asked: list[Waiter[Any]] = []

        def ask(now: float) -> None:
            waiter = self._pool.ask(now, timeout=seconds)
            asked.append(waiter)
            waiter.add_done_callback(granted)

        self._told(ask)
        (waiter,) = asked
        return waiter

    def _wish_no_more(self, waiter: Waiter[Any]) -> None:
        self._told(self._pool.cancel, waiter)

    def _first_answer(self, member: Member, stream: Stream | None, failed: bool) -> None:
        """Give back the connection of a query, which has its first answer or will get none.

        Args:
            member: the connection.
            stream: the stream in the answer, if there is one.
            failed: whether the answer is an error, or there is no answer.
        """

        def give_back(now: float) -> None:
            self._hold(member, stream, renewable=False)
            self._pool.give_back(member, now, failed)

        def answered() -> None:
            if failed:
                self._tell_loss(member)
            self._told(give_back)

        self._see_to(answered)

    def _doubted(self, error: BaseException | None) -> None:
        """A handle was interrupted, so it does not know whether a connection is lent to it."""

    def _see_to(self, job: Callable[[], object]) -> None:
        """Call `job`, now or soon. A connection calls this in the middle of its work."""
        job()

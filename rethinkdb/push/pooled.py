"""`PooledHandle`: a query with a handler that first waits for a connection of a pool."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

from rethinkdb.errors import ReqlDriverError, ReqlError
from rethinkdb.net.query import Query
from rethinkdb.net.waiter import Waiter

from .course import Steps, follow
from .handle import QueryHandle
from .handler import Attachment, Handler
from .runner import Runner

__all__ = ["PooledHandle"]


class PooledHandle(QueryHandle):
    """A `QueryHandle` whose query starts as soon as the pool has a connection for it.

    Before that its callbacks run on the pool's runner, afterwards on the connection's runner. The
    first answer gives the connection back to the pool. The pool keeps it open while the query's
    stream is open.

    Args:
        runner: the runner of the pool.
        handler, attachment: as in `QueryHandle`.
        query: the query.
        allowance: the deadline of the query, as the pool keeps it; None: no deadline.
        idempotent: the user's statement that running the query twice has the same effect as once.
    """

    def __init__(
        self,
        runner: Runner,
        handler: Handler,
        attachment: Attachment,
        query: Query,
        allowance: Any,
        idempotent: bool = False,
    ) -> None:
        super().__init__(runner, handler, attachment, self._started, query)
        self._pool = runner.pool
        self._pool_runner = runner
        self._waiting_runner = self._runner
        self._idempotent = idempotent
        self._course: Any = None
        self._nap: Callable[[], object] | None = None
        self._wanted = query
        self._allowance = allowance
        self._wish: Waiter[Any] | None = None
        self._stayed: Callable[[], object] | None = None
        self._member: Any = None
        self._given_back = False

    # Waiting for a connection.

    def _go(self, given: Any = None) -> None:
        member = self._pool._at_hand() if given is None else given
        if member is not None:
            try:
                self._connected(member)
            except BaseException:  # an interrupt, perhaps as the call began
                self._let_go(member)
                raise
            return
        self._stay()
        self._wish = self._pool._wish(self._time_left(), self._granted)
        if self.closed:  # by another thread, before there was a wish that it could withdraw
            self._give_up()

    def _time_left(self) -> float | None:
        if self._allowance is None:
            return None
        left: float = self._allowance.left(monotonic())
        return left

    def _granted(self, wish: Waiter[Any]) -> None:
        """The pool has a connection, or an error.

        The pool calls this while it works. The result is read at once, so that the connection
        belongs to this handle.
        """
        error = wish.exception()
        if error is not None:
            self._runner.soon(partial(follow, self._runner, self._refused(error)))
        else:
            self._runner.start_soon(partial(self._given, wish.result()))

    def _given(self, member: Any) -> None:
        self._go(member if self._pool._is_good(member) else None)

    def _connected(self, member: Any) -> None:
        if self._takes(member):
            follow(self._runner, self._steps())
        else:
            self._pool._put_back(member)

    def _let_go(self, member: Any) -> None:
        if self._member is member:
            self._give_back(failed=True)
        elif not self.closed:
            self._pool._put_back(member)

    def _takes(self, member: Any) -> bool:
        """Take a connection. Returns False if the handle was closed meanwhile."""
        runner = self._pool_runner.on(member.connection).serving(self)
        with self._ending:
            closed = self.closed
            if not closed:
                self._member, self._runner = member, runner
        self._waits_no_more()
        return not closed

    def _refused(self, error: BaseException) -> Steps:
        """There is no connection. Reported to the handler in the same way as a lost connection."""
        self._waits_no_more()
        if isinstance(error, Exception) and not self.closed:
            self.error = error
            yield from self._told("on_error", error)
        if self._end():
            yield from self._notified("on_close")
            self._finish()

    def _give_up(self) -> None:
        nap, self._nap = self._nap, None
        if nap is not None:
            nap()
        if self._wish is not None:
            self._pool._wish_no_more(self._wish)
        self._waits_no_more()

    def _stay(self) -> None:
        if self._stayed is not None:
            return
        try:
            self._stayed = self._runner.stay()
        except ReqlDriverError:
            self._end()
            self._finish()
            raise

    def _waits_no_more(self) -> None:
        stayed, self._stayed = self._stayed, None
        if stayed is not None:
            stayed()

    # On a connection.

    def _started(self) -> Waiter[Any]:
        if self.closed:  # by another thread; the connection is back in the pool
            return Waiter()
        query = self._wanted
        if self._allowance is not None:
            query = query.with_deadline(self._allowance.deadline(monotonic()))
        waiter: Waiter[Any] = self._runner.session.start(query)
        return waiter

    def _replied(self, reply: Waiter[Any]) -> None:
        super()._replied(reply)
        self._give_back(failed=reply.exception() is not None)

    def _to_report(self, error: Exception) -> Exception | None:
        """None: the query is run again after a pause, as no result has arrived yet."""
        self._give_back(failed=True)
        try:
            pause = self._pause(error)
        except Exception as final:
            return final
        with self._ending:
            if self.closed:
                return error
            self._member, self._runner = None, self._waiting_runner
            self._given_back, self._reply, self._wish = False, Waiter(), None
        self._stay()
        self._nap = self._pool._later(pause, partial(self._runner.start_soon, self._rested))
        return None

    def _pause(self, error: Exception) -> float:
        """Seconds until the next attempt.

        Raises:
            Exception: there is no further attempt. This is the error to report.
        """
        if not isinstance(error, ReqlError) or self._pool._is_final(error):
            raise error
        if self._course is None:
            options = {**self._wanted.options, "idempotent": self._idempotent}
            self._course = self._pool._course(self._wanted.term, options, self._allowance)
        pause: float = self._pool._pause(self._course, error, self._member)
        return pause

    def _rested(self) -> None:
        if not self.closed:
            self._go()

    def _failed(self, error: Exception) -> Steps:
        self._give_back(failed=True)  # no effect if an answer has given it back already
        yield from super()._failed(error)

    def _stop(self) -> Waiter[bool]:
        if self._member is None:
            self._give_up()
            return Waiter.succeeded(True)
        stopped = super()._stop()
        self._give_back(failed=True)
        return stopped

    def _give_back(self, failed: bool) -> None:
        if not self._given_back:
            self._given_back = True
            try:
                self._pool._first_answer(self._member, self._stream, failed)
            except BaseException as error:
                self._pool._doubted(error)
                raise

    def _interrupted(self, error: BaseException | None) -> None:
        if not (self._finished or self._cut or self._given_back):
            self._given_back = True  # so to speak: what it may have borrowed is forgotten
            self._pool._doubted(error)
        super()._interrupted(error)

    def _results(self, value: Any) -> Steps:
        if not self._given_back:  # a signal handler has ended what was told of the answer
            self._replied(self._reply)
        yield from super()._results(value)

"""Borrowed connections, `pool.connection()` and `pool.acquire()`, where methods return values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ref

from rethinkdb.net.waiter import Waiter
from rethinkdb.pool import Pool
from rethinkdb.pool.hold import Hold

from .pooling import BasePool

__all__ = ["LOANS", "Lending", "Loan"]

T = TypeVar("T")


class Lease:
    """Holds the connection that a block has borrowed."""

    connection: Any = None


class Lending(BasePool):
    """The part of a pool that lends connections. An interrupt may come at any call."""

    _inbox: Any

    if TYPE_CHECKING:  # for pools to supply

        def _safely(self, job: Callable[[], T]) -> T: ...
        def _wait(self, hold: Hold, ask: Callable[..., Waiter[Any]], **options: Any) -> None: ...

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._leases: dict[ref[Loan], Lease] = {}

    def _loan(self) -> Loan:
        return Loan(self)

    def _borrow(self, lease: Lease | None = None) -> Any:
        self._check_place()
        lease = lease or Lease()
        hold = Hold()
        hold.alone = True
        try:
            since = monotonic()
            begun = partial(setattr, hold, "ask")
            self._wait(hold, Pool.ask, exclusive=True, begun=begun)
            self._report_served(hold.member, since, alone=True)
            connection = hold.member.connection
            # No interrupt can come from here on, as there is no call.
            self._lent[connection] = hold.member
            lease.connection = connection
        except BaseException:
            self._inbox.put(hold)
            self._safely(bool)
            raise
        return connection

    def _take_back(self, connection: Any) -> None:
        if self._safely(partial(self._returned, connection)):
            connection.close(noreply_wait=False)

    def _end_loan(self, loan: Loan | ref[Loan]) -> None:
        """End a loan that was interrupted, or whose `Loan` was garbage-collected."""
        self._end_lease(loan.lease if isinstance(loan, Loan) else self._leases.pop(loan))

    def _end_lease(self, lease: Lease) -> None:
        """A block has ended: take its connection back. It can be called twice."""
        connection, lease.connection = lease.connection, None
        if connection is not None and self._returned(connection):
            self._spawn(connection.close, False)


class Exit:
    """The `__exit__` of a `Loan`. A `with` statement gets one of its own, which nothing else holds.

    A signal handler may raise an error as a method `__exit__` begins. The error then remembers
    `self`, and with that the loan, for as long as somebody keeps it. It does not remember what the
    statement has called, if that is no function of Python.
    """

    def __get__(self, loan: Loan | None, owner: type[Loan]) -> Callable[..., None]:
        if loan is None:  # `contextlib.ExitStack` asks the class
            return _leave
        leave = partial(_leave_lease, loan._pool, loan.lease)
        vars(leave)["loan"] = loan  # it lives as long as the block
        return leave


def _leave(loan: Loan, *exc_info: object) -> None:
    _leave_lease(loan._pool, loan.lease)


def _leave_lease(pool: Lending, lease: Lease, *exc_info: object) -> None:
    end = partial(pool._end_lease, lease)
    try:
        pool._safely(end)
    except BaseException:
        pool._inbox.put(end)
        pool._safely(bool)
        raise


class Loan:
    """Lends a connection to a `with` block. It goes back whatever ends the block."""

    __exit__ = Exit()

    def __init__(self, pool: Lending) -> None:
        self._pool = pool
        self.lease = Lease()
        # If an interrupt comes at the end of the block, before `__exit__` does anything, the
        # connection goes back when this object is garbage-collected.
        self._gone = ref(self, pool._inbox.put)
        pool._leases[self._gone] = self.lease

    def __enter__(self) -> Any:
        try:
            return self._pool._borrow(self.lease)
        except BaseException:
            self._pool._inbox.put(self)
            self._pool._safely(bool)
            raise


#: The types that are put into an inbox when a block was interrupted.
LOANS = frozenset({Loan, ref})

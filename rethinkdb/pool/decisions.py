"""`Pool`: decides who gets which connection, and when to open and close one. No input or output.

Callers tell it what happened, with the time. It answers with effects, and settles waiters. The code
that carries out the effects decides nothing.

The module is long because it is one class: each method is one thing that can happen to a pool. The
rules that the methods apply are in modules of their own (`staff`, `hosts`, `desk`, `retrying` ...).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, cast

from rethinkdb.net.waiter import Waiter

from .desk import Desk
from .discovery import Discovery
from .effects import Close, Discover, Wake
from .errors import PoolClosedError, PoolFullError, PoolTimeoutError, again, is_final
from .hold import Hold
from .hosts import Address
from .journal import Journal
from .line import Ask
from .members import Member, State
from .options import PoolOptions
from .reads import Doing
from .retrying import Budget, Retrying, RetryPolicy
from .staff import Staff
from .statistics import PoolStats, pool_stats

__all__ = ["Pool"]

_NEVER_AGAIN = RetryPolicy(attempts=1)


class Pool(Staff):
    """All decisions of a connection pool.

    It is not thread-safe: with threads, hold a lock around each call.

    Args:
        options: the options of the pool.
        addresses: the hosts, each a name and a port.
        random: returns a random number from 0 up to, but not including, 1. Tests and simulations
            pass their own. By default each pool has its own generator, so that the processes of a
            prefork server do not all get the same numbers.

    Attributes:
        effects: what to do, oldest first. After each call, remove them one by one and carry them
            out.
    """

    def __init__(
        self,
        options: PoolOptions,
        addresses: Sequence[Address],
        random: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(options, addresses, random or Random().random)
        self._desk = Desk(self._tally)
        self._journal = Journal(options, self._members, self._desk.line, self.effects)
        self._discovery = Discovery.of(addresses, options.discover, self._hosts.random)
        self._budget = Budget(options.retry or _NEVER_AGAIN)
        self._begun = False
        self._closing = False
        self._closing_at = math.inf
        self._closers: list[Waiter[None]] = []
        self._alarm = math.inf
        self._now = -math.inf

    @property
    def members(self) -> tuple[Member, ...]:
        """The present connections, including those being opened or closed."""
        return tuple(self._members)

    # What users of the pool ask for.

    def open(self, now: float) -> Waiter[Any]:
        """Open `min_size` connections. `ask` does so too, but waits for one connection only.

        Returns:
            A waiter, settled when they are open. It fails with the same errors as `ask`. Even then
            the pool keeps trying to open them until it is closed.
        """
        ask = self._new_ask(now, None, False)
        if not ask.done():
            self._desk.openers.append(ask)
            self._decide(now)
        return ask

    def ask(
        self,
        now: float,
        *,
        exclusive: bool = False,
        timeout: float | None = None,
        begun: Callable[[Ask], object] = id,
    ) -> Ask:
        """Wait for a connection. Whoever asked first is served first.

        Args:
            now: the time.
            exclusive: True: nobody else uses the connection until it is `returned`. False: one
                query is run on it, until `give_back`.
            timeout: seconds to wait, if that is less than `acquire_timeout`.
            begun: called with the waiter before anything is decided. If a signal handler ends this
                call halfway, the caller can still `cancel` the waiter.

        Returns:
            A waiter for a member. To stop waiting, call `cancel`.

            It fails with `PoolTimeoutError`, `PoolFullError` or `PoolClosedError`. If no host can
            be connected to for a reason that will stay, it fails at once with that error.
        """
        ask = self._new_ask(now, timeout, exclusive)
        begun(ask)
        if ask.done():
            return ask
        member = self._take_unused() if exclusive else self.take()
        if member is not None:
            self._desk.assign(ask, member)
        elif len(self._desk.line) < self.options.max_waiting:
            self._desk.line.append(ask)
        else:
            self._tally.refused += 1
            ask.set_exception(PoolFullError(self._journal.text_when_full(now)))
            return ask
        self._decide(now)
        return ask

    def cancel(self, waiter: Waiter[Any], now: float) -> None:
        """Stop waiting for `ask`, `open` or `close`.

        If the waiter of `ask` has a member that nobody has taken yet (`Waiter.result`), the member
        goes to the next who waits. If it is the waiter of `close`, everything that still runs is
        ended at once.
        """
        self._now = now
        waiter.abandon()

    def returned(self, member: Member, now: float, clean: bool = True) -> None:
        """Take back a connection that was lent with `exclusive`.

        Args:
            member: the member that `ask` gave.
            now: the time.
            clean: the connection is in the same state as before, and no query of the borrower is
                running on it. If False, it is closed as soon as other cursors on it have ended.
        """
        if member.state is not State.LENT:
            return  # lost, or closed by `close`
        member.idle_since = now
        if clean and not self._closing:
            self._put_in(member)
        else:
            self._put_out(member, State.RETIRING)
            self._end_if_unused(member)
        self._decide(now)

    def pinned(self, member: Member, feed: bool = False) -> None:
        """Note that a query has returned a cursor. Call it before `give_back`."""
        member.feeds += feed
        member.cursors += not feed

    def pin(self, hold: Hold, feed: bool) -> None:
        """Like `pinned`, but a signal handler may interrupt it. Calling it again does nothing."""
        member: Member = hold.member
        if not hold.pinned:
            hold.busy = hold.pinned = True
            member.feeds += feed
            member.cursors += not feed

    def unpinned(self, member: Member, now: float, feed: bool = False) -> None:
        """Note that a cursor has ended for whatever reason. Call it once for each `pinned`."""
        member.feeds -= feed
        member.cursors -= not feed
        if not member.in_turn or now >= member.expires:
            self._freed(member, now)

    def close(self, now: float, timeout: float) -> Waiter[None]:
        """Accept no more queries, wait for those that run, and close all connections.

        Queries that wait for a connection fail at once. Running queries, cursors and lent
        connections have `timeout` seconds; then they are ended. Changefeeds have no end, so they
        are ended as soon as everything else on their connection is over.

        Returns:
            A waiter, settled when all connections are closed.
        """
        waiter: Waiter[None] = Waiter(self._close_now)
        self._closers.append(waiter)
        if not self._closing:
            self._closing = True
            self._desk.refuse_all(self.closed_error)
            self._let_all_go()
        self._closing_at = min(self._closing_at, now + timeout)
        self._decide(now)
        return waiter

    def closed_error(self) -> PoolClosedError:
        """The error for queries that were not sent, as the pool is closed."""
        return PoolClosedError(f"The {self._journal.pool} is closed.")

    def retrying(self, doing: Callable[[], Doing], idempotent: bool, ends_at: float) -> Retrying:
        """Make the object that decides whether a failed query is run again.

        Call its `failed` for each failure, with `self.queries`. The caller waits between attempts.

        Args:
            doing: returns what the query does. Called at most once, and only if that matters.
            idempotent: the user's statement that running the query twice has the same effect as
                once.
            ends_at: the time by which its first answer must be there.
        """
        policy = self.options.retry or _NEVER_AGAIN
        return Retrying(policy, self._budget, self._hosts.random, doing, idempotent, ends_at)

    def stats(self) -> PoolStats:
        """Numbers about the pool at this moment."""
        self._tally.retried = self._budget.spent
        return pool_stats(self.options, self._members, self._hosts, self._desk.line, self._tally)

    # The outcomes of effects.

    def opened(self, member: Member, now: float) -> None:
        """A `Dial` has succeeded, login included. `member.connection` must be set."""
        if member.state is not State.DIALLING:  # the pool has given up this dial meanwhile
            self.effects.append(Close(member, graceful=False))
            return
        failures = member.host.failures if member.host.cause is not None else 0
        self._hosts.opened(member.host, now)
        member.opened_at = member.idle_since = now
        member.expires = self._retirement.expiry(now)
        self._put_in(member)
        self._journal.opened(member.host, failures)
        self._decide(now)

    def failed(self, member: Member, error: BaseException, now: float) -> None:
        """A `Dial` has failed."""
        if member.state is not State.DIALLING:
            return
        self._hosts.failed(member.host, error, is_final(error), member.dialled_at, now)
        self._remove(member)
        self._journal.failed(member.host, error)
        self._decide(now)

    def lost(self, member: Member, cause: BaseException | None, now: float) -> None:
        """A connection has ended, but not because of a `Close`.

        Args:
            member: the member of that connection.
            cause: the error that ended it; None if its borrower has closed it.
            now: the time.
        """
        if member.state in (State.GONE, State.CLOSING):
            return
        borrower = member.state is State.LENT and cause is None
        # If the server has answered a query, the loss does not count as one right after opening.
        since = -math.inf if member.queries > member.errors else member.opened_at
        self._remove(member)
        if borrower:
            self._hosts.closed(member.host)
        else:
            self._hosts.lost(member.host, cause, since, now)
            self._journal.lost(member.host, cause)
        self._decide(now)

    def closed(self, member: Member, now: float) -> None:
        """A `Close` has been carried out."""
        if member.state is not State.CLOSING:
            return
        self._hosts.closed(member.host)
        self._remove(member)
        self._decide(now)

    def tick(self, now: float) -> None:
        """The time of a `Wake` has come."""
        self._alarm = math.inf
        self._decide(now)

    # The hosts.

    def discovered(self, change: Mapping[str, Any], now: float) -> None:
        """The changefeed of the table `server_status` has given this row."""
        addresses = self._discovery.told(change)
        if addresses and not self._closing:
            self._leave(self._hosts.follow(addresses))
            self._decide(now)

    def undiscovered(self, error: BaseException | None, now: float) -> None:
        """The changefeed of `server_status` has ended, or could not be opened."""
        final = self._discovery.ended(error, now)
        self._journal.undiscovered(error, final)
        self._decide(now)

    # Deciding.

    def _decide(self, now: float) -> None:
        """Look at the whole state and decide what to do.

        Waiters are settled last, when the state is consistent, since their callbacks may call the
        pool again.
        """
        self._now = now
        at = self._wind_up(now) if self._closing else self._keep(now)
        self._heed = bool(len(self._desk.line)) or self._journal.exhausted
        if at < self._alarm:
            self._alarm = at
            self.effects.append(Wake(at))
        self._desk.settle()

    def _keep(self, now: float) -> float:
        """Serve those who wait, and open and retire connections as needed.

        Returns:
            The time at which to decide again if nothing happens before.
        """
        if not self._begun:
            return math.inf
        desk, line = self._desk, self._desk.line
        if now >= desk.next_deadline:
            desk.refuse_late(now, self._late)
        if now >= self._retire_at or self._successor_wanted:
            self._retire(now)
        if len(line):
            self._serve(now)
        at = self._grow(now, desk.wanted(self._full), desk.urgent)
        if self._drain(now, line.leading_exclusive(self.options.max_size)):
            self._serve(now)
        self._take_stock(now)
        return min(at, self._retire_at, desk.next_deadline, self._discover(now))

    def _discover(self, now: float) -> float:
        """Follow the cluster's servers, if that is due. Returns when to look again."""
        discovery = self._discovery
        if now < discovery.at:
            return discovery.at
        if self._members.usable:
            discovery.begun()
            self.effects.append(Discover())
        return math.inf  # else as soon as a connection is opened

    def _serve(self, now: float) -> None:
        """Give free connections to those who wait, in their order."""
        passed = 0
        while (ask := self._desk.line.at(passed)) is not None:
            member = self._take_unused() if ask.exclusive else self.take()
            if member is not None:
                self._desk.serve(ask, member, now)
            elif ask.exclusive and self._has_room:
                passed += 1  # a member is being opened or drained for it, see `_drain`
            else:
                break

    def _take_stock(self, now: float) -> None:
        """Settle what depends on the state of the pool: `open`, a refusal, events."""
        waiting, members = len(self._desk.line), self._members
        if members.usable >= self.options.min_size:
            self._desk.open_for_all()
        if not members.usable and not members.dialling:
            refusal = self._hosts.refusal
            if refusal is not None:
                self._desk.refuse_all(lambda: again(refusal))
        if self._has_room:
            if not waiting:
                self._journal.at_ease()
        elif waiting and not self._relied_on(now):
            self._journal.stuck(self._hosts.cause)

    def _wind_up(self, now: float) -> float:
        """Closing: end unused connections, or all if the time is up. Returns when it will be up."""
        late = now >= self._closing_at
        if late:
            self._closing_at = math.inf
        self._end_all(late)
        if not len(self._members):
            self._desk.release(self._closers)
        return self._closing_at

    def _freed(self, member: Member, now: float) -> None:
        if member.state is State.GONE:
            self._add_up(member)
            return
        if member.state is State.RETIRING and not self._closing:
            self._end_if_unused(member)
        elif member.state is State.DRAINING and not member.load:
            self._put_in(member)
        if member.in_turn and now >= member.expires:
            self._retire_at = now
        self._decide(now)

    # Those who wait.

    def _new_ask(self, now: float, timeout: float | None, exclusive: bool) -> Ask:
        limit = self.options.acquire_timeout
        limit = limit if timeout is None else min(timeout, limit)
        unclaimed = self._unclaimed_alone if exclusive else self._unclaimed
        ask = Ask(now, now + limit, exclusive, self._abandoned, unclaimed)
        if self._closing:
            ask.set_exception(self.closed_error())
        self._begun = True
        return ask

    def _abandoned(self, waiter: Waiter[Any]) -> None:
        ask = cast(Ask, waiter)
        if ask.member is not None:  # decided, but not settled yet
            (self._unclaimed_alone if ask.exclusive else self._unclaimed)(ask.member)
        elif self._desk.leave(ask):
            self._decide(self._now)

    def _unclaimed(self, member: Member | None) -> None:
        if member is not None:  # `open` gives none
            self.put_back(member, self._now)

    def _unclaimed_alone(self, member: Member) -> None:
        self.returned(member, self._now)

    def _close_now(self, _: Waiter[None]) -> None:
        self._closing_at = -math.inf
        self._decide(self._now)

    def _late(self, seconds: float) -> PoolTimeoutError:
        error = PoolTimeoutError(self._journal.text_when_late(seconds, self._hosts))
        error.__cause__ = self._hosts.cause
        return error

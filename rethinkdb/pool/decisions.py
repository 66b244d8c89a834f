"""The pool: who gets which connection, when one is opened, when one is let go. No input or output.

It is told what happened, and the time; it answers with effects, and settles waiters. Whoever
carries the effects out decides nothing.
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
    """All decisions of a pool of connections.

    Not thread-safe: who serves threads holds a lock around each call.

    Args:
        options: how it grows, waits and lets go.
        addresses: the hosts, each a name and a port.
        random: gives a number from 0 up to 1; tests and simulations give one. By default each pool
            has its own, so that the processes of a prefork server do not all draw the same.

    Attributes:
        effects: what to do, oldest first. After each call take them off, one by one, and do it.
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
        """Its connections at this moment, those being opened or closed included."""
        return tuple(self._members)

    # What its users want.

    def open(self, now: float) -> Waiter[Any]:
        """Open `min_size` connections. Asking does so too, but waits for one only.

        Returns:
            A waiter, settled when they are open. It fails as `ask` does; then, too, the pool goes
            on trying until it is closed.
        """
        ask = self._new_ask(now, None, False)
        if not ask.done():
            self._desk.openers.append(ask)
            self._decide(now)
        return ask

    def ask(self, now: float, *, exclusive: bool = False, timeout: float | None = None) -> Ask:
        """Wait for a connection: first in, first out.

        Args:
            now: the time.
            exclusive: to have it alone, until it is `returned`. Otherwise one query is run on it,
                until `give_back`.
            timeout: seconds to wait, if they are fewer than `acquire_timeout`.

        Returns:
            A waiter of a member; give it up with `cancel`. It fails with `PoolTimeoutError`,
            `PoolFullError` or `PoolClosedError`; or, at once, with what all hosts say, if that will
            not pass by itself.
        """
        ask = self._new_ask(now, timeout, exclusive)
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
        """Who waited in `ask`, `open` or `close` does so no longer.

        What was given but not taken yet (`Waiter.result`) goes to the next one. Whoever gives up
        waiting in `close` ends what is under way.
        """
        self._now = now
        waiter.abandon()

    def returned(self, member: Member, now: float, clean: bool = True) -> None:
        """Somebody who had a connection alone gives it back.

        Args:
            member: what `ask` gave.
            now: the time.
            clean: it is as it was, and nothing is under way on it that its borrower began.
                Otherwise it is closed, as soon as the cursors of others on it have ended.
        """
        if member.state is not State.LENT:
            return  # lost, or ended by `close`
        member.idle_since = now
        if clean and not self._closing:
            self._put_in(member)
        else:
            self._put_out(member, State.RETIRING)
            self._end_if_unused(member)
        self._decide(now)

    def pinned(self, member: Member, feed: bool = False) -> None:
        """A query's first answer has brought a cursor: tell before `give_back`."""
        member.feeds += feed
        member.cursors += not feed

    def pin(self, hold: Hold, feed: bool) -> None:
        """As `pinned`, for somebody whom a signal handler may interrupt: in one step, and once."""
        member: Member = hold.member
        if not hold.pinned:
            hold.busy = hold.pinned = True
            member.feeds += feed
            member.cursors += not feed

    def unpinned(self, member: Member, now: float, feed: bool = False) -> None:
        """A cursor has ended: it is exhausted, closed, or has failed. Once for each `pinned`."""
        member.feeds -= feed
        member.cursors -= not feed
        if not member.in_turn or now >= member.expires:
            self._freed(member, now)

    def close(self, now: float, timeout: float) -> Waiter[None]:
        """Take no more work, wait for what is under way, close everything.

        Those who wait for a connection fail at once. Queries, cursors and loans have `timeout`
        seconds, then they are ended; changefeeds, which have no end, are ended as soon as all else
        on their connection is over.

        Returns:
            A waiter, settled when all connections are closed.
        """
        waiter: Waiter[None] = Waiter(self._close_now)
        self._closers.append(waiter)
        if not self._closing:
            self._closing = True
            self._desk.refuse_all(lambda: PoolClosedError(f"The {self._journal.pool} is closed."))
            self._let_all_go()
        self._closing_at = min(self._closing_at, now + timeout)
        self._decide(now)
        return waiter

    def retrying(self, doing: Callable[[], Doing], idempotent: bool, ends_at: float) -> Retrying:
        """Who decides whether a query that has failed is run again.

        Args:
            doing: says what the query does; called only if that matters.
            idempotent: its user says that running it twice is as good as once.
            ends_at: when its first answer is due.

        Tell each failure with `self.queries`. The times between are for the caller to wait.
        """
        policy = self.options.retry or _NEVER_AGAIN
        return Retrying(policy, self._budget, self._hosts.random, doing, idempotent, ends_at)

    def stats(self) -> PoolStats:
        """How it stands."""
        self._tally.retried = self._budget.spent
        return pool_stats(self.options, self._members, self._hosts, self._desk.line, self._tally)

    # What has become of the effects.

    def opened(self, member: Member, now: float) -> None:
        """Dialled, and logged in. `member.connection` must be in place."""
        if member.state is not State.DIALLING:  # given up meanwhile
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
        """Dialled, in vain."""
        if member.state is not State.DIALLING:
            return
        self._hosts.failed(member.host, error, is_final(error), member.dialled_at, now)
        self._remove(member)
        self._journal.failed(member.host, error)
        self._decide(now)

    def lost(self, member: Member, cause: BaseException | None, now: float) -> None:
        """A connection has ended, and not because of a `Close`.

        Args:
            member: whose.
            cause: what ended it; None if its borrower has closed it.
            now: the time.
        """
        if member.state in (State.GONE, State.CLOSING):
            return
        borrower = member.state is State.LENT and cause is None
        # A server that has answered is no server that drops what it takes, however soon it goes.
        since = -math.inf if member.queries > member.errors else member.opened_at
        self._remove(member)
        if borrower:
            self._hosts.closed(member.host)
        else:
            self._hosts.lost(member.host, cause, since, now)
            self._journal.lost(member.host, cause)
        self._decide(now)

    def closed(self, member: Member, now: float) -> None:
        """A `Close` was carried out."""
        if member.state is not State.CLOSING:
            return
        self._hosts.closed(member.host)
        self._remove(member)
        self._decide(now)

    def tick(self, now: float) -> None:
        """The time of a `Wake` has come."""
        self._alarm = math.inf
        self._decide(now)

    # Which hosts there are.

    def discovered(self, change: Mapping[str, Any], now: float) -> None:
        """A change of the cluster's `server_status`, as its changefeed gives it."""
        addresses = self._discovery.told(change)
        if addresses and not self._closing:
            self._leave(self._hosts.follow(addresses))
            self._decide(now)

    def undiscovered(self, error: BaseException | None, now: float) -> None:
        """The changefeed of `server_status` has ended, or could not be had."""
        final = self._discovery.ended(error, now)
        self._journal.undiscovered(error, final)
        self._decide(now)

    # Deciding.

    def _decide(self, now: float) -> None:
        """Look at everything. Waiters are settled last, when all is consistent."""
        self._now = now
        at = self._wind_up(now) if self._closing else self._keep(now)
        self._heed = bool(len(self._desk.line)) or self._journal.exhausted
        if at < self._alarm:
            self._alarm = at
            self.effects.append(Wake(at))
        self._desk.settle()

    def _keep(self, now: float) -> float:
        """Serve those who wait, and have as many connections as that takes.

        Returns:
            when the time alone will matter.
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
        """See to it that the cluster is followed. Returns when to look again."""
        discovery = self._discovery
        if now < discovery.at:
            return discovery.at
        if self._members.usable:
            discovery.begun()
            self.effects.append(Discover())
        return math.inf  # else as soon as a connection is opened

    def _serve(self, now: float) -> None:
        """Give what there is to those who wait, in their order."""
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
        """Tell those who want to know how the pool stands."""
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
        """Close: what is not needed any more, or all if the time is up. Returns when that is."""
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
            ask.set_exception(PoolClosedError(f"The {self._journal.pool} is closed."))
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

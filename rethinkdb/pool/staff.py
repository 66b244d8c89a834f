"""Which connections there are: when to open one, and when to let one go."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

from .backoff import Backoff
from .effects import Close, Dial, Effect
from .hosts import Address, Host, Hosts
from .members import Member, State
from .options import PoolOptions
from .retirement import Retirement
from .rotation import Rotation
from .statistics import Tally

__all__ = ["Staff"]

# When a server is back, a waiting query gets a connection within this part of `acquire_timeout`.
_PATIENCE = 0.5


class Staff(Rotation):
    """The members of a pool and their hosts: opens and closes as many as the pool needs.

    Args:
        options: the options of the pool.
        addresses: the hosts.
        random: returns a random number from 0 up to, but not including, 1.

    Attributes:
        effects: what to do, oldest first. After each call, remove them one by one and carry them
            out.
    """

    def __init__(
        self, options: PoolOptions, addresses: Sequence[Address], random: Callable[[], float]
    ) -> None:
        super().__init__(options.per_connection)
        self.options = options
        self.effects: deque[Effect] = deque()
        self._hosts = Hosts(addresses, Backoff(random), options.acquire_timeout * _PATIENCE)
        self._retirement = Retirement(options, random)
        self._tally = Tally()
        self._successor_wanted = False
        self._retire_at = math.inf

    @property
    def queries(self) -> int:
        """How many queries have ended since the pool was made. Each attempt counts."""
        hosts: list[Host] = [*self._hosts, *self._hosts.former]
        gone = sum(host.queries for host in hosts)
        return gone + sum(member.queries for member in self._members)

    # Opening.

    def _grow(self, now: float, wanted: int, urgent: bool) -> float:
        """Open the connections that are missing, as far as the hosts allow.

        Args:
            now: the time.
            wanted: how many more connections the waiting queries could use.
            urgent: whether anybody waits.

        Returns:
            When to call this again if nothing happens before.
        """
        hosts, members, most = self._hosts, self._members, self.options.max_size
        for member in members.dialling:
            hosts.notice_slow(member.host, member.dialled_at, now)
        missing = self.options.min_size - members.usable
        short = max(wanted + self._successor_wanted, missing) - self._relied_on(now)
        # First try one host that was down: if the pool is full afterwards, it could not be tried.
        if all(member.host.trusted for member in members.dialling):
            self._try_hosts(now, 1)
        while short > 0 and (host := hosts.next(now, urgent)) and self._make_room(now):
            self._dial(host, now)
            short -= 1
        self._try_hosts(now, most)
        full = len(members) >= most
        at = self._rebalance(now) if full else hosts.wake_at(now, short > 0, urgent)
        for member in members.dialling:
            at = min(at, hosts.look_at(member.host, member.dialled_at, now))
        return at

    def _try_hosts(self, now: float, count: int) -> None:
        """Dial hosts that were down, to see if they are back, as far as `max_size` allows."""
        room = min(count, self.options.max_size - len(self._members))
        while room > 0 and (host := self._hosts.next_to_try(now)):
            self._dial(host, now)
            room -= 1

    def _rebalance(self, now: float) -> float:
        """The pool is full: retire one connection if another host should have it.

        So a host that is back gets its share of connections again, one after the other.

        Returns:
            When to call this again if nothing happens before.
        """
        members = self._members
        if members.dialling or members.retiring or members.closing:
            return math.inf
        fullest, at = self._hosts.imbalance(now)
        if at > now:
            return at
        unpinned = [m for m in members.in_turn if m.host is fullest and not (m.cursors or m.feeds)]
        if unpinned:
            self._let_go(min(unpinned, key=lambda member: member.load))
        return math.inf

    def _relied_on(self, now: float) -> int:
        """How many of the present dials will probably succeed."""
        hosts, dialling = self._hosts, self._members.dialling
        return sum(hosts.relied_on(member.host, member.dialled_at, now) for member in dialling)

    def _make_room(self, now: float) -> bool:
        """Whether one more connection may be opened. May give up a dial that hangs."""
        if len(self._members) < self.options.max_size:
            return True
        for member in self._members.dialling:
            if self._hosts.hangs(member.dialled_at, now):
                self._give_up_dial(member)
                return True
        return False

    def _dial(self, host: Host, now: float) -> None:
        member = Member(host, now)
        self._members.add(member)
        self._hosts.dialled(host, now)
        self.effects.append(Dial(member))

    def _give_up_dial(self, member: Member) -> None:
        self._hosts.gave_up(member.host)
        self._remove(member)
        self.effects.append(Close(member, graceful=False))

    # For exclusive asks.

    def _drain(self, now: float, wanted: int) -> bool:
        """Drain as many members as there are exclusive asks, so that these get one soon.

        Returns:
            Whether a member is no longer drained and takes queries again.
        """
        draining = tuple(self._members.draining)
        for _ in range(wanted - len(draining) - self._relied_on(now)):
            member = self._least_loaded()
            if member is None:
                break
            self._put_out(member, State.DRAINING)
        for member in draining[wanted:]:
            self._put_in(member)
        return len(draining) > wanted

    # Letting go.

    def _put_in(self, member: Member) -> None:
        super()._put_in(member)
        idle_until = self._retirement.idle_until(member)
        self._retire_at = min(self._retire_at, member.expires, idle_until)

    def _retire(self, now: float) -> None:
        """Retire members that are too old or not needed, without making queries wait."""
        members, most = self._members, self.options.max_size
        self._successor_wanted = False
        for member in self._retirement.expired(members.in_turn, now):
            full = len(members) >= most
            if self._room_beside(member) > member.load or (full and not member.load):
                self._let_go(member)
            elif not full:
                self._successor_wanted = True
        spare = members.usable - self.options.min_size
        for member in self._retirement.surplus(members.in_turn, now, spare):
            self._let_go(member)
        spare = members.usable - self.options.min_size
        self._retire_at = self._retirement.look_at(members.in_turn, now, spare > 0)

    def _room_beside(self, member: Member) -> int:
        """How many queries the other members could take."""
        others = self._members.in_turn
        return sum(self._full - other.load for other in others if other is not member)

    def _let_go(self, member: Member) -> None:
        """Retire a member: close it as soon as nobody uses it."""
        self._tally.retired += 1
        self._put_out(member, State.RETIRING)
        self._end_if_unused(member)

    def _end_if_unused(self, member: Member) -> None:
        if not (member.load or member.cursors or member.feeds):
            self._end(member, graceful=True)

    def _leave(self, hosts: Sequence[Host]) -> None:
        """Stop using these hosts: close connections to them as soon as nobody uses them."""
        members = self._members
        for member in (*members.in_turn, *members.draining):
            if member.host in hosts:
                self._let_go(member)
        for member in tuple(members.dialling):
            if member.host in hosts:
                self._give_up_dial(member)

    def _let_all_go(self) -> None:
        """No member takes queries any more, and no further one is opened."""
        for member in tuple(self._members.dialling):
            self._give_up_dial(member)
        for member in (*self._members.in_turn, *self._members.draining):
            self._put_out(member, State.RETIRING)

    def _end_all(self, late: bool) -> None:
        """The pool closes: close the members without queries and cursors; if `late`, all."""
        for member in tuple(self._members):
            if late:
                self._end(member, graceful=False)
            elif member.state is State.RETIRING and not (member.load or member.cursors):
                self._end(member, graceful=True)

    def _end(self, member: Member, graceful: bool) -> None:
        self._put_out(member, State.CLOSING)
        self.effects.append(Close(member, graceful))

    def _remove(self, member: Member) -> None:
        """Remove a member that is closed or lost."""
        self._put_out(member, State.GONE)
        self._add_up(member)

    def _add_up(self, member: Member) -> None:
        """Add the counters of a removed member to those of its host."""
        member.host.queries += member.queries
        member.host.errors += member.errors
        member.queries = member.errors = 0

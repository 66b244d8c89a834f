"""Which connections there are: when to open one, and when to let one go."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

from .backoff import Backoff
from .effects import Close, Dial, Effect
from .hosts import Address, Host, Hosts
from .members import Member, Members, State
from .options import PoolOptions
from .retirement import Retirement
from .rotation import Rotation
from .statistics import Tally

__all__ = ["Staff"]

# Whoever asks when the server is back is to be served within this part of `acquire_timeout`.
_PATIENCE = 0.5


class Staff(Rotation):
    """The members of a pool, and the hosts they are connected to. Told how many are wanted.

    Args:
        options: how it grows and lets go.
        addresses: the hosts.
        random: gives a number from 0 up to 1.

    Attributes:
        effects: what to do, oldest first. After each call of a method take them off and do it.
    """

    def __init__(
        self, options: PoolOptions, addresses: Sequence[Address], random: Callable[[], float]
    ) -> None:
        super().__init__(options.per_connection)
        self.options = options
        self.effects: deque[Effect] = deque()
        self._members = Members()
        self._hosts = Hosts(addresses, Backoff(random), options.acquire_timeout * _PATIENCE)
        self._retirement = Retirement(options, random)
        self._tally = Tally()
        self._successor_wanted = False

    # Opening.

    def _grow(self, now: float, wanted: int, urgent: bool) -> None:
        """Open what is missing, as far as the hosts allow."""
        for member in self._members.those(State.DIALLING):
            if now >= self._hosts.slow_at(member.host, member.dialled_at):
                self._hosts.slow(member.host)
        for _ in range(self._shortage(wanted)):
            host = self._hosts.next(now, urgent)
            if host is None:
                break
            self._dial(host, now)
        while len(self._members) < self.options.max_size:
            host = self._hosts.next_to_try(now)
            if host is None:
                break
            self._dial(host, now)

    def _shortage(self, wanted: int) -> int:
        """How many connections are to be opened, beside those that are being opened already.

        Args:
            wanted: how many those could use who wait.
        """
        missing = self.options.min_size - self._members.usable
        short = max(wanted + self._successor_wanted, missing) - self._relied_on
        return min(short, self.options.max_size - len(self._members))

    @property
    def _relied_on(self) -> int:
        """How many connections are being opened to hosts that can be relied on."""
        dialling = self._members.those(State.DIALLING)
        return sum(self._hosts.counts(member.host) for member in dialling)

    def _dial_at(self, now: float, wanted: int, urgent: bool) -> float:
        """When a connection is to be opened that need not or cannot be opened now."""
        if len(self._members) >= self.options.max_size:
            return math.inf
        at = self._hosts.wake_at(now, self._shortage(wanted) > 0, urgent)
        dialling = self._members.those(State.DIALLING)
        return min(at, *(self._hosts.slow_at(m.host, m.dialled_at) for m in dialling), math.inf)

    def _dial(self, host: Host, now: float) -> None:
        member = Member(host, now)
        self._members.add(member)
        self._hosts.dialled(host)
        self.effects.append(Dial(member))

    def _give_up_dials(self) -> None:
        for member in self._members.those(State.DIALLING):
            self._hosts.gave_up(member.host)
            self._remove(member)
            self.effects.append(Close(member, graceful=False))

    # For those who want one alone.

    def _drain(self, wanted: int) -> bool:
        """See to it that so many find a member without queries, now or soon.

        Returns:
            Whether one takes queries again that was drained.
        """
        draining = self._members.those(State.DRAINING)
        for _ in range(wanted - len(draining) - self._relied_on):
            member = self._least_loaded()
            if member is None:
                break
            self._put_out(member, State.DRAINING)
        for member in draining[wanted:]:
            self._put_in(member)
        return len(draining) > wanted

    # Letting go.

    def _retire(self, now: float) -> None:
        """Let go of what is too old or not needed, so that nobody notices."""
        self._successor_wanted = False
        for member in self._retirement.expired(self._members.those(State.IN_TURN), now):
            full = len(self._members) >= self.options.max_size
            if self._room_beside(member) > member.load or (full and not member.load):
                self._let_go(member)
            elif not full:
                self._successor_wanted = True
        in_turn = self._members.those(State.IN_TURN)
        spare = self._members.usable - self.options.min_size
        for member in self._retirement.surplus(in_turn, now, spare):
            self._let_go(member)
        for member in self._members.those(State.RETIRING):
            if member.unused:
                self._end(member, graceful=True)

    def _retire_at(self, now: float) -> float:
        """When to look for what is too old or not needed."""
        spare = self._members.usable > self.options.min_size
        return self._retirement.look_at(self._members.those(State.IN_TURN), now, spare)

    def _room_beside(self, member: Member) -> int:
        """How many queries the other members could take."""
        others = self._members.those(State.IN_TURN)
        return sum(self._full - other.load for other in others if other is not member)

    def _let_go(self, member: Member) -> None:
        """Close it as soon as nothing is left on it."""
        self._tally.retired += 1
        self._put_out(member, State.RETIRING)

    def _let_all_go(self) -> None:
        """No member takes queries any more."""
        for member in self._members.those(State.IN_TURN, State.DRAINING):
            self._put_out(member, State.RETIRING)

    def _end_all(self, late: bool) -> None:
        """The pool closes: end those on which nothing is left that has an end; if late, all."""
        for member in self._members:
            if late:
                self._end(member, graceful=False)
            elif member.state is State.RETIRING and not (member.load or member.cursors):
                self._end(member, graceful=True)

    def _end(self, member: Member, graceful: bool) -> None:
        self._put_out(member, State.CLOSING)
        self.effects.append(Close(member, graceful))

    def _remove(self, member: Member) -> None:
        """It is closed or lost."""
        self._put_out(member, State.GONE)
        self._members.remove(member)
        self._add_up(member)

    def _add_up(self, member: Member) -> None:
        """What a member that is gone has done is counted at its host."""
        member.host.queries += member.queries
        member.host.errors += member.errors
        member.queries = member.errors = 0

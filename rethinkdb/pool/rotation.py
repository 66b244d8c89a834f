"""Which member takes the next query: the one with the fewest queries in flight.

A pool does this for every query, so here speed counts more than simple code. There is a level for
each number of queries in flight, which holds the members with that many. `take` moves a member one
level up, `give_back` moves it one level down. Nothing is searched or sorted.

Measured on CPython 3.11 at 2.6 GHz: `take` 0.15 µs, `give_back` 0.2 µs, with 1 member as with 100.
For comparison: `min()` over 8 members takes 0.6 µs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkdb.net.signals import raised_by_handler
from rethinkdb.net.violations import LocalProtocolError

from .hold import Hold
from .members import Member, Members, State

__all__ = ["Rotation"]


class Rotation:
    """The members that take queries, by how many they have in flight.

    Of several members with equally few queries, the one that was used last is taken. So under a
    light load the others stay idle, and are closed after `max_idle`.

    Args:
        per_connection: the largest number of queries in flight on one member.
    """

    def __init__(self, per_connection: int) -> None:
        self._members = Members()
        # Members on the last level are full. `_least` is the lowest level that has members; it is
        # the last level if there are none. So one comparison tells whether any member has room.
        self._full = per_connection
        self._levels: list[dict[Member, None]] = [{} for _ in range(per_connection + 1)]
        self._least = per_connection
        # Whether to call `_freed` when a query ends: for example, because somebody waits.
        self._heed = False

    if TYPE_CHECKING:  # the pool implements it

        def _freed(self, member: Member, now: float) -> None:
            """A query of a member has ended, and the pool has something to decide."""

    def take(self) -> Member | None:
        """Take a member for a query. None: no member has room, so call `ask`."""
        least = self._least
        if least == self._full:
            return None
        levels = self._levels
        level = levels[least]
        member, _ = level.popitem()
        load = least + 1
        if not level:
            self._least = load
        member.load = load
        levels[load][member] = None
        return member

    def give_back(self, member: Member, now: float, failed: bool = False) -> None:
        """Give a member back: its query has its first answer, or has ended in another way.

        Call it once for each member that you got.

        Args:
            member: the member that `take` or `ask` gave.
            now: the time.
            failed: the query raised an error.

        Raises:
            LocalProtocolError: the member has no query in flight.
        """
        load = member.load
        if not load:
            raise LocalProtocolError(f"given back once too often: {member!r}")
        member.load = less = load - 1
        member.queries += 1
        if failed:
            member.errors += 1
        if not less:
            member.idle_since = now
        if not member.in_turn:
            self._freed(member, now)
            return
        levels = self._levels
        del levels[load][member]
        levels[less][member] = None
        if less < self._least:
            self._least = less
        if self._heed or (not less and now >= member.expires):
            self._freed(member, now)

    def take_for(self, hold: Hold) -> None:
        """Like `take`, but safe if a signal handler or another thread interrupts it.

        `hold.held` tells whether a member was taken. All changes are made in one step: CPython runs
        signal handlers and other threads when a function is entered, after a call, and where a loop
        jumps back. The last six lines contain none of these.
        """
        levels = self._levels
        while (least := self._least) != self._full:
            level = levels[least]
            load = least + 1
            try:
                member = next(reversed(level), None)
            except RuntimeError as error:  # the level has changed between these two calls
                if raised_by_handler(error):
                    raise
                continue
            # A signal handler may have used the pool before this line, so check again.
            if member is not None and member in level and self._least == least:
                del level[member]
                levels[load][member] = None
                member.load = load
                self._least = least + (not level)
                hold.member = member
                hold.held = True
                return

    def let_go(self, hold: Hold, now: float) -> bool:
        """Like `give_back`, for a member that `take_for` gave. All changes are made in one step.

        Returns:
            Whether it was done. If False, nothing was changed, since the pool has something to
            decide or the hold waits for something. Then give the member back in another thread,
            where no signal handler interrupts.
        """
        if not hold.held:
            return not hold.busy
        member: Member = hold.member
        load = member.load
        less = load - 1
        levels, failed = self._levels, hold.failed
        # One condition, the jump first: a handler may come where a condition jumps (CPython 3.10).
        if (
            (less or now < member.expires)
            and not self._heed
            and not hold.busy
            and hold.held
            and member.in_turn
            and member.load == load
        ):
            hold.held = False
            member.load = less
            member.queries += 1
            member.errors += failed
            member.idle_since = now
            del levels[load][member]
            levels[less][member] = None
            self._least -= self._least == load
            return True
        return False

    def put_back(self, member: Member, now: float) -> None:
        """Give back a member without having run a query on it."""
        member.queries -= 1
        self.give_back(member, now)

    def resting(self) -> list[Member]:
        """The members that take queries but have none in flight."""
        return list(self._levels[0])

    # For the pool.

    @property
    def _has_room(self) -> bool:
        """Whether a query that comes now gets a member at once."""
        return self._least < self._full

    def _take_unused(self) -> Member | None:
        """Lend a member without queries; if possible, one without cursors. None: there is none."""
        level = self._levels[0]
        if not level:
            return None
        member = min(reversed(level), key=lambda member: member.cursors + member.feeds)
        self._put_out(member, State.LENT)
        return member

    def _least_loaded(self) -> Member | None:
        """The member that will probably be the first without queries."""
        least: dict[Member, None] = next((level for level in self._levels if level), {})
        return min(least, key=lambda member: member.cursors + member.feeds, default=None)

    def _put_in(self, member: Member) -> None:
        """Let a member take queries from now on."""
        self._members.move(member, State.IN_TURN)
        member.in_turn = True
        self._levels[member.load][member] = None
        self._least = min(self._least, member.load)

    def _put_out(self, member: Member, state: State) -> None:
        """Let a member take no more queries. `state` is the reason."""
        self._members.move(member, state)
        if not member.in_turn:
            return
        member.in_turn = False
        del self._levels[member.load][member]
        while self._least < self._full and not self._levels[self._least]:
            self._least += 1

"""A pool without connections: it is told what the test wants to have happened, at virtual times."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rethinkdb.net.waiter import Waiter
from rethinkdb.pool.decisions import Pool
from rethinkdb.pool.effects import Close, Dial, Discover, Event, Wake
from rethinkdb.pool.hosts import Address, Host
from rethinkdb.pool.members import Member, State
from rethinkdb.pool.options import PoolOptions

REFUSED = ConnectionRefusedError("nobody listens")


class World:
    """Carries out a pool's effects by writing them down.

    Args:
        hosts: their names; the port is 28015.
        random: what chance draws, always.
        options: those of the pool.

    Attributes:
        now: the time.
        dials: members being dialled, oldest first.
        closes: members to close, with `graceful`.
        events: names of events, with the host if it is about one.
        told: the same as they came.
        alarm: the time of the last `Wake`, unless it has come.
        discovers: how often the cluster was to be followed.
    """

    def __init__(
        self, *hosts: str, random: float | Callable[[], float] = 0.5, **options: Any
    ) -> None:
        addresses: list[Address] = [(host, 28015) for host in hosts or ("db",)]
        draw = random if callable(random) else lambda: random
        self.pool = Pool(PoolOptions(**options), addresses, draw)
        self.now = 0.0
        self.dials: list[Member] = []
        self.closes: list[tuple[Member, bool]] = []
        self.events: list[str] = []
        self.told: list[Event] = []
        self.alarm = math.inf
        self.discovers = 0

    # What the pool wants.

    def carry_out(self) -> None:
        effects = self.pool.effects
        while effects:
            effect = effects.popleft()
            if isinstance(effect, Dial):
                self.dials.append(effect.member)
                self.check_dials(effect.member.host)
            elif isinstance(effect, Close):
                self.closes.append(effect)
            elif isinstance(effect, Wake):
                self.alarm = effect.at
            elif isinstance(effect, Discover):
                self.discovers += 1
            else:
                self.told.append(effect)
                self.events.append(effect.name)

    def check_dials(self, host: Host) -> None:
        """One at a time, but for those that hang."""
        dialling = [m for m in self.dials if m.host is host and m.state is State.DIALLING]
        patience = self.pool.options.acquire_timeout / 2
        fresh = [m for m in dialling if self.now < m.dialled_at + patience]
        assert host.proven or len(fresh) == 1

    # What becomes of that.

    def open_dial(self, number: int = 0) -> Member:
        member = self.dials.pop(number)
        member.connection = f"connection to {member.host.label}"
        self.pool.opened(member, self.now)
        self.carry_out()
        return member

    def open_all(self) -> list[Member]:
        members = []
        while self.dials:
            members.append(self.open_dial())
        return members

    def fail_dial(self, error: BaseException = REFUSED, number: int = 0) -> Member:
        member = self.dials.pop(number)
        self.pool.failed(member, error, self.now)
        self.carry_out()
        return member

    def lose(self, member: Member, cause: BaseException | None = None) -> None:
        self.pool.lost(member, cause or OSError("reset"), self.now)
        self.carry_out()

    def close_one(self, number: int = 0) -> tuple[Member, bool]:
        member, graceful = self.closes.pop(number)
        self.pool.closed(member, self.now)
        self.carry_out()
        return member, graceful

    # What its users do.

    def ask(self, exclusive: bool = False, timeout: float | None = None) -> Waiter[Member]:
        ask = self.pool.ask(self.now, exclusive=exclusive, timeout=timeout)
        self.carry_out()
        return ask

    def asks(self, count: int) -> list[Waiter[Member]]:
        return [self.ask() for _ in range(count)]

    def borrow(self) -> Waiter[Member]:
        return self.ask(exclusive=True)

    def take(self) -> Member | None:
        member = self.pool.take()
        self.carry_out()
        return member

    def take_all(self) -> list[Member]:
        """Take until nobody has room."""
        taken = []
        while (member := self.take()) is not None:
            taken.append(member)
        return taken

    def give_back(self, member: Member | None, failed: bool = False) -> None:
        assert member is not None
        self.pool.give_back(member, self.now, failed)
        self.carry_out()

    def give_back_loan(self, member: Member, clean: bool = True) -> None:
        self.pool.returned(member, self.now, clean)
        self.carry_out()

    def unpin(self, member: Member, feed: bool = False) -> None:
        self.pool.unpinned(member, self.now, feed)
        self.carry_out()

    def cancel(self, waiter: Waiter[Any]) -> None:
        self.pool.cancel(waiter, self.now)
        self.carry_out()

    def open(self) -> Waiter[Any]:
        waiter = self.pool.open(self.now)
        self.carry_out()
        return waiter

    def opened(self) -> list[Member]:
        """Open the pool, and let all its dials succeed."""
        self.open()
        return self.open_all()

    def close(self, timeout: float = 10.0) -> Waiter[None]:
        waiter = self.pool.close(self.now, timeout)
        self.carry_out()
        return waiter

    # Time.

    def wait(self, seconds: float) -> None:
        """Let time pass, and wake the pool whenever it wanted that."""
        end = self.now + seconds
        while self.alarm <= end:
            self.now, self.alarm = max(self.now, self.alarm), math.inf
            self.pool.tick(self.now)
            self.carry_out()
        self.now = end

    def wait_for_dial(self, limit: float = 100.0) -> float:
        """Let time pass until something is dialled; returns how much that was."""
        start = self.now
        while not self.dials:
            assert self.alarm <= start + limit
            self.wait(max(0.0, self.alarm - self.now))
        return self.now - start


def error_of(waiter: Waiter[Any]) -> BaseException:
    error = waiter.exception()
    assert error is not None
    return error

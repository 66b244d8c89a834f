"""Any interleaving of asks, answers, losses, time-outs, cancellations, loans, and a close.

The machine plays the users, the network and the clock. It keeps books of its own on who holds what,
and compares.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rethinkdb.errors import ReqlAuthError, ReqlDriverError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool.members import Member, State

from .world import REFUSED, World

OPTIONS = st.fixed_dictionaries(
    {
        "min_size": st.integers(0, 2),
        "max_size": st.integers(2, 4),
        "per_connection": st.integers(1, 3),
        "max_waiting": st.sampled_from([2, 1000]),
        "max_lifetime": st.sampled_from([None, 5.0]),
        "max_idle": st.sampled_from([None, 2.0]),
    }
)

Draw = Callable[[Any], Any]
Action = Callable[[Draw], None]

WRONG_PASSWORD = ReqlAuthError("Wrong password", "db", 28015)


@dataclass(eq=False)
class User:
    """One who has asked, and what has become of that."""

    number: int
    exclusive: bool
    waiter: Waiter[Member]
    deadline: float
    then: str
    taken: Member | None = None
    cancelled: bool = False


class PoolMachine(RuleBasedStateMachine):
    @initialize(options=OPTIONS, hosts=st.integers(1, 3), seed=st.integers(0, 9))
    def begin(self, options: dict[str, Any], hosts: int, seed: int) -> None:
        self.world = World(*"abc"[:hosts], random=Random(seed).random, **options)
        self.options = self.world.pool.options
        self.users: list[User] = []
        self.pinned: list[tuple[Member, bool]] = []
        self.closing: Waiter[None] | None = None
        self.closing_at = math.inf
        self.served: list[User] = []
        self.open: list[Member] = []
        self.world.open()
        self.let_all_in()

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        """One rule only: Hypothesis leaves some rules out for whole runs, and all are needed."""
        actions = [action for action, possible in self.actions() if possible]
        data.draw(st.sampled_from(actions))(data.draw)

    def actions(self) -> list[tuple[Action, object]]:
        """What may happen next; what is named twice happens twice as often."""
        return [
            (self.ask, True),
            (self.ask, True),
            (self.take, True),
            (self.cancel, self.waiting()),
            (self.cancel_late, self.given()),
            (self.take_given, self.given()),
            (self.take_given, self.given()),
            (self.finish, self.holding()),
            (self.finish, self.holding()),
            (self.end_cursor, self.pinned),
            (self.let_in, self.world.dials),
            (self.let_all_in, self.world.dials),
            (self.let_all_in, self.world.dials),
            (self.refuse, self.world.dials),
            (self.lose, self.open),
            (self.close_one, self.world.closes),
            (self.wait, True),
            (self.tick_early, True),
            (self.close, len(self.users) > 40 and self.closing is None),
        ]

    # The users.

    def ask(self, draw: Draw) -> None:
        timeout = draw(st.sampled_from([None, None, 0.0, 3.0]))
        then = draw(st.sampled_from(["wait", "wait", "give back", "ask", "cancel another"]))
        for exclusive in draw(
            st.lists(st.sampled_from([False, False, True]), min_size=1, max_size=6)
        ):
            self.begin_to_wait(exclusive, timeout, then)
            self.world.carry_out()

    def begin_to_wait(self, exclusive: bool, timeout: float | None, then: str) -> None:
        now = self.world.now
        waiter = self.world.pool.ask(now, exclusive=exclusive, timeout=timeout)
        limit = 10.0 if timeout is None else timeout
        user = User(len(self.users), exclusive, waiter, now + limit, then)
        self.users.append(user)
        waiter.add_done_callback(lambda _: self.told(user))

    def told(self, user: User) -> None:
        """As a Deferred's callback would, do something at once."""
        error = user.waiter.exception()
        if error is not None:
            assert isinstance(error, ReqlDriverError)
            return
        self.served.append(user)
        pool, now = self.world.pool, self.world.now
        if user.then == "give back":
            self.take_it(user)
            self.end(user, failed=False)
        elif user.then == "ask":
            self.begin_to_wait(user.exclusive, None, "wait")
        elif user.then == "cancel another":
            others = [other for other in self.users if not other.waiter.done()]
            if others:
                others[0].cancelled = True
                pool.cancel(others[0].waiter, now)

    def take(self, draw: Draw) -> None:
        for _ in range(draw(st.integers(1, 6))):
            waiting = [user for user in self.waiting() if not user.exclusive]
            in_turn = [member for member in self.open if member.state is State.IN_TURN]
            loads = [member.load for member in in_turn]
            member = self.world.take()
            if member is None:
                assert all(load == self.options.per_connection for load in loads)
                return
            assert member.load == min(loads) + 1
            assert not waiting, "overtaken"
            waiter: Waiter[Member] = Waiter.succeeded(member)
            self.users.append(User(len(self.users), False, waiter, math.inf, "wait", member))

    def cancel(self, draw: Draw) -> None:
        self.give_up(draw(st.sampled_from(self.waiting())))

    def cancel_late(self, draw: Draw) -> None:
        """What was given, but not looked at."""
        self.give_up(draw(st.sampled_from(self.given())))

    def give_up(self, user: User) -> None:
        user.cancelled = True
        self.world.cancel(user.waiter)

    def take_given(self, draw: Draw) -> None:
        for user in self.given():
            self.take_it(user)

    def take_it(self, user: User) -> None:
        user.taken = user.waiter.result()

    def finish(self, draw: Draw) -> None:
        failed = draw(st.booleans())
        pins = draw(st.sampled_from(["", "", "", "cursor", "feed"]))
        for user in draw(st.permutations(self.holding()))[: draw(st.integers(1, 4))]:
            if pins and not user.exclusive:
                assert user.taken is not None
                self.world.pool.pinned(user.taken, pins == "feed")
                self.pinned.append((user.taken, pins == "feed"))
            self.end(user, failed)
            self.world.carry_out()

    def end(self, user: User, failed: bool) -> None:
        member, user.taken, user.cancelled = user.taken, None, True
        assert member is not None
        if user.exclusive:
            self.world.pool.returned(member, self.world.now, clean=not failed)
        else:
            self.world.pool.give_back(member, self.world.now, failed)

    def end_cursor(self, draw: Draw) -> None:
        self.world.unpin(*self.pinned.pop(draw(st.integers(0, len(self.pinned) - 1))))

    # The network.

    def let_in(self, draw: Draw) -> None:
        self.let_one_in(draw(st.integers(0, len(self.world.dials) - 1)))

    def let_all_in(self, draw: Draw | None = None) -> None:
        while self.world.dials:
            self.let_one_in(0)

    def let_one_in(self, number: int) -> None:
        member = self.world.open_dial(number)
        if member.state is not State.GONE:
            self.open.append(member)

    def refuse(self, draw: Draw) -> None:
        error = draw(st.sampled_from([REFUSED, REFUSED, WRONG_PASSWORD]))
        self.world.fail_dial(error, draw(st.integers(0, len(self.world.dials) - 1)))

    def lose(self, draw: Draw) -> None:
        member = draw(st.sampled_from(self.open))
        if member.state is not State.CLOSING:
            self.open.remove(member)
        cause = draw(st.sampled_from([OSError(), None]))
        self.world.pool.lost(member, cause, self.world.now)
        self.world.carry_out()

    def close_one(self, draw: Draw) -> None:
        member, _ = self.world.close_one(draw(st.integers(0, len(self.world.closes) - 1)))
        if member in self.open:
            self.open.remove(member)

    # The clock.

    def wait(self, draw: Draw) -> None:
        self.world.wait(draw(st.sampled_from([0.01, 0.3, 1.0, 1.0, 2.5, 8.0])))

    def tick_early(self, draw: Draw) -> None:
        self.world.alarm = math.inf
        self.world.pool.tick(self.world.now)
        self.world.carry_out()

    def close(self, draw: Draw) -> None:
        timeout = draw(st.sampled_from([0.0, 2.0, 30.0]))
        self.closing_at = self.world.now + timeout
        self.closing = self.world.close(timeout)

    # The books.

    def waiting(self) -> list[User]:
        return [user for user in self.users if not user.waiter.done()]

    def given(self) -> list[User]:
        """Served, but not aware of it."""
        return [
            user
            for user in self.users
            if user.waiter.done()
            and not user.cancelled
            and user.taken is None
            and user.waiter.exception() is None
        ]

    def holding(self) -> list[User]:
        return [user for user in self.users if user.taken is not None]

    def holders(self) -> list[tuple[Member, bool]]:
        held = [(user.taken, user.exclusive) for user in self.holding()]
        return [
            *((member, exclusive) for member, exclusive in held if member is not None),
            *((user.waiter._outcome, user.exclusive) for user in self.given()),
        ]

    @invariant()
    def sizes(self) -> None:
        if not hasattr(self, "world"):
            return
        world, stats = self.world, self.world.pool.stats()
        dialled = [member for member in world.dials if member.state is State.DIALLING]
        assert stats.size == len(dialled) + len(self.open) <= self.options.max_size
        assert stats.dialling == len(dialled)
        assert all(member.state is not State.GONE for member in self.open)
        closing = {member for member, _ in world.closes}
        assert all((m.state is State.CLOSING) is (m in closing) for m in self.open)
        for member in self.open:  # what is not needed any more is ended
            if member.state is State.RETIRING and not member.load and not member.cursors:
                assert member.feeds
                assert self.closing is None
        for host in world.pool._hosts:
            assert host.dialling == sum(member.host is host for member in dialled)
            assert host.open == sum(member.host is host for member in self.open)

    @invariant()
    def loads(self) -> None:
        if not hasattr(self, "world"):
            return
        shared = Counter(member for member, exclusive in self.holders() if not exclusive)
        alone = Counter(member for member, exclusive in self.holders() if exclusive)
        for member in self.open:
            assert member.load == shared[member] <= self.options.per_connection
            if member.state is State.LENT:
                assert (alone[member], member.load) == (1, 0)
            elif member.state is not State.CLOSING:
                assert alone[member] <= 0 or member.state is State.RETIRING
        for member, _ in self.pinned:  # a cursor keeps its connection
            assert self.closing is not None or member.state is not State.CLOSING

    @invariant()
    def order(self) -> None:
        """Those of a kind were served in the order in which they came."""
        if not hasattr(self, "world"):
            return
        for exclusive in (False, True):
            numbers = [user.number for user in self.served if user.exclusive is exclusive]
            assert numbers == sorted(numbers)

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        if not hasattr(self, "world"):
            return
        world, waiting = self.world, self.waiting()
        in_turn = [member for member in self.open if member.state is State.IN_TURN]
        room = [m for m in in_turn if m.load < self.options.per_connection]
        idle = [member for member in in_turn if not member.load]
        assert not (room and any(not user.exclusive for user in waiting))
        assert not (idle and any(user.exclusive for user in waiting))
        draining = [member for member in self.open if member.state is State.DRAINING]
        assert all(member.load for member in draining)
        assert len(draining) <= sum(user.exclusive for user in waiting)
        assert len(waiting) == world.pool.stats().waiting <= self.options.max_waiting
        for user in waiting:
            assert self.closing is None
            assert world.now < user.deadline
            assert world.alarm <= user.deadline
        self.something_is_done(bool(waiting))

    def something_is_done(self, waiting: bool) -> None:
        """Too few connections: one is being opened, or will be; there are as many as may be."""
        world, stats = self.world, self.world.pool.stats()
        closing = sum(member.state is State.CLOSING for member in self.open)
        few = self.users and stats.size - closing < self.options.min_size
        if self.closing is None and (few or waiting) and stats.size < self.options.max_size:
            assert world.alarm < world.now + (5.0001 if waiting else 10.0001) or (
                stats.dialling and not waiting
            )
        if self.closing is not None and not self.closing.done():
            assert self.open
            late = world.now >= self.closing_at
            assert not late or all(member.state is State.CLOSING for member in self.open)
            assert late or world.alarm <= self.closing_at

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        while self.waiting():
            world.wait(1.0)
            self.nobody_waits_in_vain()
        if self.closing is None:
            self.closing = world.close(5.0)
        world.wait(self.closing_at - world.now if self.closing_at < math.inf else 5.0)
        while world.closes:
            world.close_one()
        assert self.closing.done()
        assert world.pool.stats().size == 0
        while world.dials:  # those that were given up, but came through
            world.open_dial()
            world.close_one()
        stats = world.pool.stats()
        assert (stats.size, stats.opened >= stats.lost) == (0, True)


TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=80)

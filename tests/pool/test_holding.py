"""Places on connections that are taken and given back in steps which nothing comes between."""

from __future__ import annotations

import signal
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb.pool.hold import Hold
from rethinkdb.pool.members import Member

from .world import World


def taken(world: World) -> Hold:
    hold = Hold()
    world.pool.take_for(hold)
    assert not world.pool.effects
    return hold


def levels(world: World) -> list[list[Member]]:
    return [list(level) for level in world.pool._levels]


def test_it_is_taken_and_given_back() -> None:
    world = World()
    (member,) = world.opened()
    hold = taken(world)
    assert (hold.member, hold.held, member.load) == (member, True, 1)
    hold.failed = False
    world.now = 3.0
    assert world.pool.let_go(hold, world.now)
    assert (hold.member, hold.held, member.load) == (member, False, 0)
    assert (member.queries, member.errors, member.idle_since) == (1, 0, 3.0)


def test_giving_back_twice_does_no_harm() -> None:
    world = World()
    (member,) = world.opened()
    first, second = taken(world), taken(world)
    for _ in range(3):
        assert world.pool.let_go(first, 0.0)
    assert member.load == 1
    assert world.pool.let_go(second, 0.0)
    assert (member.load, member.queries, member.errors) == (0, 2, 2)


def test_nobody_has_room() -> None:
    world = World(max_size=1, per_connection=1)
    assert not taken(world).held
    world.opened()
    assert taken(world).held
    hold = taken(world)
    assert (hold.member, hold.held) == (None, False)
    assert world.pool.let_go(hold, 0.0)


class StruckLevel(dict[Member, None]):
    """The members with equally many queries, while these are looked through: a signal strikes."""

    def __reversed__(self) -> Any:
        members = super().__reversed__()
        signal.raise_signal(signal.SIGALRM)
        return members


def struck(world: World, handler: Callable[[], object]) -> Hold:
    """A hold taken while a signal strikes, once."""

    def handle(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        handler()

    world.pool._levels[0] = StruckLevel(world.pool._levels[0])
    before = signal.signal(signal.SIGALRM, handle)
    try:
        return taken(world)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_another_takes_a_member_meanwhile() -> None:
    world = World(min_size=2, max_size=2)
    one, other = world.opened()
    held: list[Hold] = []

    def handler() -> None:
        held.append(taken(world))

    hold = struck(world, handler)
    assert {hold.member, held[0].member} == {one, other}
    assert (one.load, other.load) == (1, 1)


def test_what_a_handler_raises_meanwhile_reaches_the_caller() -> None:
    def handler() -> None:
        raise RuntimeError("the handler's")

    world = World()
    world.opened()
    with pytest.raises(RuntimeError, match="the handler's"):
        struck(world, handler)


@given(seed=st.integers(0, 1000), size=st.integers(1, 3), places=st.integers(1, 3))
def test_members_stand_where_taking_and_giving_back_puts_them(
    seed: int, size: int, places: int
) -> None:
    options: dict[str, Any] = {"min_size": size, "max_size": size, "per_connection": places}
    one, other = World(**options), World(**options)
    ours, theirs = one.opened(), other.opened()
    random, held = Random(seed), list[tuple[Hold, Member]]()
    for _ in range(40):
        if held and random.random() < 0.5:
            hold, member = held.pop(random.randrange(len(held)))
            assert one.pool.let_go(hold, 1.0)
            other.give_back(member, failed=True)
        else:
            hold, twin = taken(one), other.take()
            assert (hold.member is None) is (twin is None)
            if twin is not None:
                held.append((hold, twin))
        numbers = [[ours.index(member) for member in level] for level in levels(one)]
        assert numbers == [[theirs.index(member) for member in level] for level in levels(other)]
        assert one.pool._least == other.pool._least


def test_what_the_pool_must_decide_is_left_to_others() -> None:
    """Somebody waits; the connection is on its way out, or too old; a cursor is to be noticed."""
    world = World(max_size=1, per_connection=2)
    (member,) = world.opened()
    hold, other = taken(world), taken(world)
    ask = world.ask()
    assert not world.pool.let_go(hold, 0.0)
    assert (hold.held, member.load) == (True, 2)
    world.cancel(ask)
    world.give_back(other.member)
    other = taken(world)
    world.pool.pin(hold, feed=False)
    world.pool.pin(hold, feed=False)
    assert member.cursors == 1
    assert not world.pool.let_go(hold, 0.0)
    hold.busy = False
    world.unpin(member)
    assert world.pool.let_go(hold, 0.0)
    assert not world.pool.let_go(other, member.expires)
    world.close()
    assert not world.pool.let_go(other, 0.0)
    world.give_back(other.member)
    assert world.closes == [(member, True)]


def test_who_waits_and_got_nothing_is_left_to_others() -> None:
    world = World()
    hold = Hold()
    hold.busy = True
    assert not world.pool.let_go(hold, 0.0)


class Sly(dict[Member, None]):
    """A level in the midst of whose reading a signal handler uses the pool."""

    def __init__(self, world: World) -> None:
        super().__init__(world.pool._levels[0])
        self.world = world
        self.handled: list[Hold] = []

    def __reversed__(self) -> Any:
        members = list(self)
        if not self.handled:
            hold = Hold()
            self.handled.append(hold)
            self.world.pool.take_for(hold)
        return iter(reversed(members))


def test_a_signal_handler_takes_another_place_meanwhile() -> None:
    world = World(min_size=2, per_connection=1, max_size=2)
    world.opened()
    world.pool._levels[0] = sly = Sly(world)
    hold = taken(world)
    (handled,) = sly.handled
    assert {hold.member, handled.member} == set(world.pool._members.in_turn)
    assert world.pool.take() is None


def test_a_signal_handler_takes_the_last_place_meanwhile() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    world.pool._levels[0] = Sly(world)
    assert not taken(world).held

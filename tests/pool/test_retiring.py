"""Connections too old or not needed go, and nobody notices."""

from __future__ import annotations

from random import Random

import pytest

from rethinkdb.pool.members import State

from .world import World


def test_an_old_connection_is_replaced_before_it_is_closed() -> None:
    world = World(max_lifetime=100, random=0.0)
    (member,) = world.opened()
    world.wait(99)
    assert not world.dials
    world.wait(1)
    assert len(world.dials) == 1
    assert world.take() is member  # it takes queries until the other one does
    successor = world.open_dial()
    assert member.state is State.RETIRING
    assert not world.closes
    world.give_back(member)
    assert world.closes == [(member, True)]
    world.close_one()
    assert world.take() is successor
    assert world.pool.stats().retired == 1


def test_lifetimes_differ_by_a_tenth_and_are_never_longer_than_said() -> None:
    world = World(min_size=30, max_size=40, max_lifetime=100, random=Random(1).random)
    members = world.opened()
    lifetimes = [member.expires - member.opened_at for member in members]
    assert 90 <= min(lifetimes) < 92
    assert 98 < max(lifetimes) <= 100


def test_they_are_not_all_replaced_at_once() -> None:
    world = World(min_size=3, max_size=3, per_connection=4, max_lifetime=100, random=0.0)
    members = world.opened()
    world.take_all()
    world.wait(100)
    assert not world.closes  # all are full
    for member in members * 2:
        world.give_back(member)
    world.wait(1)
    # The others can take as many queries as one has in flight, but not as many as two have.
    assert [member.state for member in members].count(State.RETIRING) == 1
    assert len(world.take_all()) == 4


def test_the_only_one_there_may_be_is_replaced_when_it_is_unused() -> None:
    world = World(max_size=1, max_lifetime=100, random=0.0)
    (member,) = world.opened()
    world.take()
    world.wait(150)
    assert not world.closes
    world.give_back(member)
    assert world.closes == [(member, True)]
    ask = world.ask()
    world.close_one()
    world.open_dial()
    assert ask.done()


def test_a_cursor_keeps_its_connection() -> None:
    world = World(max_lifetime=100, random=0.0)
    (member,) = world.opened()
    world.take()
    world.pool.pinned(member)
    world.give_back(member)
    world.wait(1000)
    assert (world.dials, world.closes) == ([], [])
    assert world.take() is member
    world.give_back(member)
    world.unpin(member)
    assert len(world.dials) == 1


def test_a_cursor_got_meanwhile_keeps_its_connection() -> None:
    world = World(max_lifetime=100, random=0.0)
    (member,) = world.opened()
    world.take()
    world.wait(100)
    world.open_dial()
    world.pool.pinned(member, feed=True)
    world.give_back(member)
    assert not world.closes
    world.unpin(member, feed=True)
    assert world.closes == [(member, True)]


def test_the_end_of_a_cursor_on_a_young_connection_changes_nothing() -> None:
    world = World()
    (member,) = world.opened()
    world.pool.pinned(member)
    world.unpin(member)
    assert member.cursors == 0
    assert (world.dials, world.closes) == ([], [])


def test_a_lent_one_is_replaced_when_it_is_back() -> None:
    world = World(max_lifetime=100, random=0.0)
    (member,) = world.opened()
    world.borrow()
    world.wait(200)
    world.give_back_loan(member)
    assert len(world.dials) == 1
    world.open_dial()
    assert world.closes == [(member, True)]


def test_an_old_one_goes_on_while_it_cannot_be_replaced() -> None:
    world = World(max_lifetime=100, random=0.5)
    (member,) = world.opened()
    world.wait(100)
    for _ in range(20):
        world.wait_for_dial()
        world.fail_dial()
        world.give_back(world.take())
    assert not world.closes
    world.wait_for_dial()
    world.open_dial()
    assert world.closes == [(member, True)]


def test_unused_ones_are_closed_down_to_the_least_size() -> None:
    world = World(min_size=2, max_size=5, per_connection=1, max_idle=60, max_lifetime=None)
    world.opened()
    asks = world.asks(5)
    world.open_all()
    members = [ask.result() for ask in asks]
    world.wait(100)
    for member in members:
        world.wait(1)
        world.give_back(member)
    world.wait(57)
    assert [member for member, _ in world.closes] == members[:2]
    world.wait(100)
    assert [member for member, _ in world.closes] == members[:3]
    while world.closes:
        world.close_one()
    world.wait(1000)
    assert not world.closes
    assert world.pool.stats().idle == 2


def test_what_is_used_now_and_then_stays() -> None:
    world = World(min_size=0, max_idle=60, max_lifetime=None)
    ask = world.ask()
    world.open_dial()
    world.give_back(ask.result())
    for _ in range(10):
        world.wait(59)
        world.give_back(world.take())
    assert not world.closes
    world.wait(60)
    assert len(world.closes) == 1


@pytest.mark.parametrize("feed", [False, True])
def test_a_cursor_keeps_an_unused_one(feed: bool) -> None:
    world = World(min_size=0, max_idle=60, max_lifetime=None)
    ask = world.ask()
    member = world.open_dial()
    world.pool.pinned(member, feed)
    world.give_back(ask.result())
    world.wait(600)
    assert not world.closes
    assert world.pool.stats().idle == 0
    assert world.take() is member
    world.give_back(member)
    world.unpin(member, feed)
    assert world.pool.stats().idle == 1
    world.wait(60)
    assert len(world.closes) == 1


def test_nothing_need_ever_be_retired() -> None:
    world = World(max_idle=None, max_lifetime=None, min_size=0)
    ask = world.ask()
    world.open_dial()
    world.give_back(ask.result())
    world.wait(1e6)
    assert not world.closes


@pytest.mark.parametrize("load", [0, 1])
def test_a_retired_one_that_is_lost_is_gone(load: int) -> None:
    world = World(max_lifetime=100, random=0.0)
    (member,) = world.opened()
    world.take()
    world.wait(100)
    world.open_dial()
    if not load:
        world.give_back(member)
    world.lose(member)
    if world.closes:
        world.close_one()
    assert world.pool.stats().size == 1

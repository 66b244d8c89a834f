"""The end of a pool."""

from __future__ import annotations

import pytest

from rethinkdb.pool.errors import PoolClosedError
from rethinkdb.pool.members import State

from .world import World, error_of


def test_an_unused_pool_closes_at_once() -> None:
    world = World()
    assert world.close().done()
    assert world.close().done()
    for refused in (world.ask(), world.open(), world.borrow()):
        assert isinstance(error_of(refused), PoolClosedError)
        assert str(error_of(refused)) == "The pool is closed."
    world.wait(100)
    assert not world.dials


def test_it_waits_for_what_is_under_way() -> None:
    world = World(min_size=3, name="web")
    members = world.opened()
    busy = world.take()
    lent = world.borrow().result()
    reading = next(m for m in members if m not in (busy, lent))
    world.pool.pinned(reading)
    closed = world.close(10)
    assert world.take() is None
    assert str(error_of(world.ask())) == "The pool 'web' is closed."
    assert not world.closes
    world.give_back(busy)
    world.give_back_loan(lent)
    world.unpin(reading)
    assert world.closes == [(busy, True), (lent, True), (reading, True)]
    for _ in members:
        assert not closed.done()
        world.close_one()
    assert closed.result() is None
    assert world.pool.stats().size == 0


def test_then_it_ends_that() -> None:
    world = World(min_size=4)
    members = world.opened()
    world.take()
    world.borrow()
    world.pool.pinned(next(m for m in members if not m.load and m.state is State.IN_TURN))
    closed = world.close(10)
    assert len(world.closes) == 1  # had nothing to do, and is being closed gracefully
    world.wait(9.9)
    assert len(world.closes) == 1
    world.wait(0.1)
    assert sorted(member.host.label for member, _ in world.closes) == ["db:28015"] * 5
    assert {member for member, graceful in world.closes if not graceful} == set(members)
    for member in members:
        world.pool.returned(member, world.now)  # too late
        world.pool.closed(member, world.now)
    assert closed.done()
    world.wait(100)


def test_a_query_given_back_after_the_end() -> None:
    world = World()
    world.opened()
    member = world.take()
    world.close(0)
    assert world.closes == [(member, False)]
    world.give_back(member)
    world.close_one()
    world.pool.closed(member, world.now)  # twice is no harm
    assert world.pool.stats().queries == 1


def test_a_feed_is_not_waited_for() -> None:
    world = World()
    (member,) = world.opened()
    world.take()
    world.pool.pinned(member, feed=True)
    world.close(10)
    assert not world.closes
    world.give_back(member)
    assert world.closes == [(member, True)]


def test_those_who_wait_are_told() -> None:
    world = World(max_size=1, per_connection=1, min_size=1)
    opener = world.open()
    asks = [world.ask(), world.borrow()]
    world.close()
    for waiter in (opener, *asks):
        assert str(error_of(waiter)) == "The pool is closed."


def test_dials_are_given_up_and_closed_should_they_succeed() -> None:
    world = World()
    world.open()
    (member,) = world.dials
    assert world.close().done()
    assert world.closes == [(member, False)]
    world.closes.clear()
    world.open_dial()
    assert world.closes == [(member, False)]
    world.close_one()
    assert world.pool.stats().size == 0
    assert world.pool.stats().opened == 0


def test_a_dial_given_up_may_fail() -> None:
    world = World()
    world.open()
    world.close()
    world.fail_dial()
    assert world.pool.stats().failed == 0


def test_a_shorter_time_counts() -> None:
    world = World()
    world.opened()
    world.take()
    first = world.close(100)
    second = world.close(5)
    world.close(50)
    world.wait(5)
    assert len(world.closes) == 1
    world.close_one()
    assert first.done()
    assert second.done()


def test_who_gives_up_waiting_for_the_end_brings_it_about() -> None:
    world = World()
    (member,) = world.opened()
    world.take()
    closed = world.close(100)
    world.cancel(closed)
    assert world.closes == [(member, False)]


@pytest.mark.parametrize("cause", [None, OSError("reset")])
def test_losing_the_last_is_the_end_too(cause: OSError | None) -> None:
    world = World()
    (member,) = world.opened()
    world.borrow()
    closed = world.close(100)
    world.pool.lost(member, cause, world.now)
    assert closed.done()


def test_a_connection_lost_while_it_is_being_closed() -> None:
    world = World()
    (member,) = world.opened()
    closed = world.close(100)
    world.lose(member)
    assert not closed.done()
    world.close_one()
    assert closed.done()
    assert world.pool.stats().lost == 0


def test_a_drained_one_is_closed_too() -> None:
    world = World(max_size=1)
    (member,) = world.opened()
    world.take()
    loan = world.borrow()
    assert member.state is State.DRAINING
    world.close(100)
    assert isinstance(error_of(loan), PoolClosedError)
    world.give_back(member)
    assert world.closes == [(member, True)]


def test_closing_in_a_callback() -> None:
    world = World()
    ask = world.ask()
    ask.add_done_callback(lambda _: world.close(0))
    other = world.borrow()
    world.open_dial()
    assert ask.exception() is None
    assert isinstance(error_of(other), PoolClosedError)
    assert [member for member, _ in world.closes]

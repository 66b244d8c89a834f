"""Those who wait: growth, order, limits, giving up."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.waiter import Waiter
from rethinkdb.pool.errors import PoolFullError, PoolTimeoutError
from rethinkdb.pool.line import Ask
from rethinkdb.pool.members import Member

from .world import REFUSED, World, error_of


def served(waiters: list[Waiter[Member]]) -> list[bool]:
    return [waiter.done() for waiter in waiters]


# Growing.


def test_a_new_pool_does_nothing_until_somebody_asks() -> None:
    world = World()
    world.pool.tick(1000.0)
    world.carry_out()
    assert not world.dials
    ask = world.ask()
    assert len(world.dials) == 1
    member = world.open_dial()
    assert ask.result() is member
    assert (member.load, member.connection) == (1, "connection to db:28015")
    assert world.pool.members == (member,)


def test_a_connection_is_added_when_all_are_full_up_to_the_limit() -> None:
    world = World(max_size=3, per_connection=2)
    asks = [world.ask(), world.ask()]
    assert len(world.dials) == 1
    world.open_all()
    assert served(asks) == [True, True]
    asks = world.asks(3)
    assert len(world.dials) == 2
    asks += world.asks(3)
    assert len(world.dials) == 2
    world.open_all()
    assert served(asks) == [True] * 4 + [False] * 2
    assert world.pool.stats().size == 3


def test_a_host_not_known_to_be_well_gets_one_dial_and_then_as_many_as_it_takes() -> None:
    world = World(min_size=4)
    world.open()
    assert len(world.dials) == 1
    world.open_dial()
    assert len(world.dials) == 3


def test_asking_with_room_is_served_at_once() -> None:
    world = World()
    (member,) = world.opened()
    ask = world.ask()
    assert ask.result() is member
    assert world.pool.stats().waited == 0


# Order.


def test_first_in_first_out() -> None:
    world = World(max_size=1, per_connection=2)
    world.opened()
    held = world.take_all()
    asks = world.asks(5)
    for number in range(5):
        world.wait(1)
        assert served(asks) == [True] * number + [False] * (5 - number)
        world.give_back(held[0])
    stats = world.pool.stats()
    assert (stats.waited, stats.acquire_seconds, stats.acquire_longest) == (5, 15.0, 5.0)


def test_nobody_overtakes() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    member = world.take()
    ask = world.ask()
    world.give_back(member)
    assert ask.result() is member
    assert world.take() is None


def test_a_callback_may_give_back_and_ask_again() -> None:
    """As a Deferred's does: thousands of times in a row, in order, without deep recursion."""
    world = World(max_size=1, per_connection=1, max_waiting=3000)
    world.opened()
    member = world.take()
    order: list[int] = []
    late: list[Waiter[Member]] = []

    def serve(number: int, ask: Waiter[Member]) -> None:
        order.append(number)
        world.give_back(ask.result())
        if number == 7:
            late.append(world.ask())

    for number in range(2000):
        world.ask().add_done_callback(lambda ask, number=number: serve(number, ask))  # type: ignore[misc]
    world.give_back(member)
    assert order == list(range(2000))
    assert late[0].result() is member


def test_an_interrupt_in_a_callback_does_not_leave_others_waiting() -> None:
    world = World(max_size=1, per_connection=2)
    world.opened()
    held = world.take_all()
    asks = world.asks(2)

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    asks[0].add_done_callback(interrupt)
    world.wait(5)
    world.lose(held[0])
    with pytest.raises(KeyboardInterrupt):
        world.open_dial()
    assert served(asks) == [True, True]


# Limits.


def test_who_waits_too_long_is_told_the_numbers() -> None:
    world = World(min_size=2, max_size=2, per_connection=3, name="web")
    world.opened()
    world.take_all()
    late = world.ask()
    world.wait(4)
    later = world.ask()
    world.wait(5.9)
    assert not late.done()
    world.wait(0.2)
    error = error_of(late)
    assert isinstance(error, ReqlTimeoutError)
    assert str(error) == (
        "No connection of the pool 'web' had room within 10 s: 2 of at most 2 connections open, "
        "6 queries in flight, 1 waiting; a connection takes 3 at a time. Raise `max_size` or "
        "`per_connection`, or send fewer queries at a time."
    )
    assert error.__cause__ is None
    assert not later.done()
    assert world.pool.stats().timed_out == 1


def test_who_waits_for_borrowed_connections_is_told_so() -> None:
    world = World(min_size=2, max_size=2, name="web")
    world.opened()
    assert served([world.ask(exclusive=True), world.ask(exclusive=True)]) == [True, True]
    late = world.ask()
    world.wait(10)
    assert str(error_of(late)) == (
        "No connection of the pool 'web' had room within 10 s: 2 of at most 2 connections open, "
        "2 of them borrowed, 0 queries in flight, 0 waiting; a connection takes 64 at a time. "
        "Raise `max_size`, or give borrowed connections back sooner."
    )


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(PoolTimeoutError("too late")))
    assert (type(error), str(error)) == (PoolTimeoutError, "too late")


def test_who_asks_for_less_time_gets_less_and_who_asks_for_more_does_not() -> None:
    world = World(max_size=1, per_connection=1, acquire_timeout=5)
    world.opened()
    world.take()
    less, more = world.ask(timeout=2), world.ask(timeout=60)
    world.wait(2)
    assert "within 2 s" in str(error_of(less))
    world.wait(3)
    assert "within 5 s" in str(error_of(more))


def test_no_time_at_all_means_now_or_never() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    assert world.ask(timeout=0).exception() is None
    assert isinstance(error_of(world.ask(timeout=0)), PoolTimeoutError)


def test_one_too_many_fails_at_once_with_the_numbers() -> None:
    world = World(max_size=1, per_connection=1, max_waiting=2)
    world.opened()
    world.take()
    world.asks(2)
    world.wait(2.5)
    error = error_of(world.ask())
    assert isinstance(error, PoolFullError)
    assert isinstance(error, ReqlDriverError)
    assert str(error) == (
        "2 queries wait for a connection of the pool already (`max_waiting`), the first of them "
        "for 2.5 s: 1 of at most 1 connections open, 1 queries in flight, 2 waiting. "
        "Send fewer queries at a time, or raise `max_size`."
    )
    assert world.pool.stats().refused == 1


# Giving up.


def test_who_gives_up_leaves_the_line() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    member = world.take()
    first, second, third = world.asks(3)
    world.cancel(first)
    world.cancel(third)
    assert world.pool.stats().waiting == 1
    world.give_back(member)
    assert second.result() is member
    world.wait(20)
    assert world.pool.stats().timed_out == 0


def test_what_was_given_but_not_taken_goes_to_the_next() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    member = world.take()
    first, second = world.asks(2)
    world.give_back(member)
    assert first.done()
    assert not second.done()
    world.cancel(first)
    assert second.result() is member
    world.cancel(second)  # too late: it was taken
    assert world.pool.stats().in_flight == 1
    assert world.pool.stats().queries == 1


def test_giving_up_between_decision_and_outcome() -> None:
    """Two are served by one event; the first one's callback gives up the second."""
    world = World(max_size=1, per_connection=2)
    asks = world.asks(2)
    asks[0].add_done_callback(lambda _: world.cancel(asks[1]))
    world.open_dial()
    stats = world.pool.stats()
    assert (stats.in_flight, stats.waiting) == (1, 0)
    assert len(world.take_all()) == 1


@pytest.mark.parametrize("exclusive", [False, True])
def test_giving_up_after_a_handler_has_interrupted_the_decision(
    exclusive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    member = world.take()
    begun: list[Ask] = []

    def interrupt(now: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(world.pool, "_decide", interrupt)
        with pytest.raises(KeyboardInterrupt):
            world.pool.ask(world.now, exclusive=exclusive, begun=begun.append)
    world.cancel(begun.pop())
    later = world.ask()
    world.give_back(member)
    assert later.result() is member
    assert world.pool.stats().waiting == 0


def test_giving_up_when_it_is_too_late() -> None:
    world = World()
    ask = world.ask()
    world.wait(11)
    assert isinstance(error_of(ask), PoolTimeoutError)
    world.cancel(ask)
    assert isinstance(error_of(ask), PoolTimeoutError)


def test_giving_up_while_being_refused() -> None:
    world = World()
    asks = world.asks(2)
    asks[0].add_done_callback(lambda _: world.cancel(asks[1]))
    world.wait(10)
    assert all(served(asks))
    assert world.pool.stats().waiting == 0


def test_many_who_came_and_went_are_not_remembered() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    world.take()
    first = world.ask()
    for _ in range(1000):
        world.cancel(world.ask())
    assert len(world.pool._desk.line._deadlines) < 100
    last = world.ask()
    world.wait(10)
    assert (first.done(), last.done()) == (True, True)


# Opening.


def test_open_waits_for_the_least_size() -> None:
    world = World(min_size=2)
    waiter = world.open()
    world.open_dial()
    assert not waiter.done()
    world.open_dial()
    assert waiter.result() is None
    world.cancel(waiter)
    assert world.open().done()


def test_opening_with_nothing_to_open() -> None:
    world = World(min_size=0)
    waiter = world.open()
    world.cancel(waiter)
    assert waiter.done()
    assert not world.dials


def test_opening_may_take_too_long_and_may_be_given_up() -> None:
    world = World()
    late, early = world.open(), world.open()
    world.cancel(early)
    world.fail_dial()
    world.wait(10)
    error = error_of(late)
    assert str(error).startswith("The pool had no connection to db:28015 within 10 s: ")
    assert error.__cause__ is REFUSED
    world.wait_for_dial()

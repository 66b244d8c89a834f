"""Least loaded first."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rethinkdb.net.violations import LocalProtocolError

from .world import World


def test_the_least_loaded_takes_the_next_query() -> None:
    world = World(min_size=3, max_size=3, per_connection=2)
    members = world.opened()
    assert Counter(world.take_all()) == dict.fromkeys(members, 2)
    first, second, _ = members
    world.give_back(second)
    world.give_back(first)
    world.give_back(first)
    assert [world.take() for _ in range(4)] == [first, first, second, None]
    assert Counter(member.load for member in members) == {2: 3}


def test_of_equals_the_last_used_is_taken_so_that_the_others_become_idle() -> None:
    world = World(min_size=3, max_size=3)
    world.opened()
    taken = set()
    for _ in range(10):
        member = world.take()
        taken.add(member)
        world.give_back(member)
    assert len(taken) == 1


def test_nothing_to_take() -> None:
    world = World()
    assert world.take() is None
    world.opened()
    assert len(world.take_all()) == 64


def test_one_query_at_a_time() -> None:
    world = World(per_connection=1, max_size=1)
    world.opened()
    member = world.take()
    assert world.take() is None
    world.give_back(member)
    assert world.take() is member


def test_what_was_not_used_is_no_query() -> None:
    world = World(min_size=2, per_connection=1)
    members = world.opened()
    assert set(world.pool.resting()) == set(members)
    member = world.take()
    assert world.pool.resting() == [other for other in members if other is not member]
    world.pool.put_back(member, world.now)
    assert set(world.pool.resting()) == set(members)
    assert world.pool.stats().queries == 0


def test_giving_back_too_often_is_a_fault() -> None:
    world = World()
    world.opened()
    member = world.take()
    world.give_back(member)
    with pytest.raises(LocalProtocolError, match="once too often"):
        world.give_back(member)


def test_queries_and_errors_are_counted() -> None:
    world = World()
    world.opened()
    world.give_back(world.take())
    world.give_back(world.take(), failed=True)
    stats = world.pool.stats()
    assert (stats.queries, stats.errors, stats.in_flight) == (2, 1, 0)


@settings(max_examples=200)
@given(st.integers(1, 5), st.integers(1, 5), st.lists(st.integers(0, 9), max_size=80))
def test_it_is_always_the_least_loaded(size: int, per_connection: int, steps: list[int]) -> None:
    world = World(min_size=size, max_size=size, per_connection=per_connection)
    members = world.opened()
    held = []
    for step in steps:
        least = min(member.load for member in members)
        if step < 6:
            member = world.take()
            if member is None:
                assert least == per_connection
            else:
                assert member.load == least + 1
                held.append(member)
        elif held:
            world.give_back(held.pop(step % len(held)))
    assert world.pool.stats().in_flight == len(held)

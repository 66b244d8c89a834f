"""Several hosts: even spread, and a failing one is set aside and tried with one dial."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from rethinkdb.errors import ReqlAuthError
from rethinkdb.pool.hosts import Host
from rethinkdb.pool.statistics import HostStats

from .world import REFUSED, World, error_of


def labels(world: World) -> list[str]:
    return [member.host.label for member in world.dials]


def test_connections_are_spread_evenly() -> None:
    world = World("a", "b", "c", min_size=6)
    members = world.opened()
    assert Counter(member.host.label for member in members) == {
        "a:28015": 2,
        "b:28015": 2,
        "c:28015": 2,
    }


def test_at_first_one_dial_each() -> None:
    world = World("a", "b", min_size=4)
    world.open()
    assert sorted(labels(world)) == ["a:28015", "b:28015"]


def test_chance_decides_between_equals() -> None:
    first: Counter[str] = Counter()
    for seed in range(200):
        world = World("a", "b", "c", random=Random(seed).random)
        world.ask()
        first[labels(world)[0]] += 1
    assert min(first.values()) > 40


def test_when_a_host_fails_the_next_is_dialled_at_once() -> None:
    world = World("a", "b", "c")
    ask = world.ask()
    tried = set()
    for _ in range(3):
        tried |= set(labels(world))
        assert len(world.dials) == 1
        world.fail_dial()
    assert tried == {"a:28015", "b:28015", "c:28015"}
    assert not world.dials
    world.wait_for_dial()
    world.open_dial()
    assert ask.done()


def test_a_failed_host_is_tried_with_one_dial_while_others_serve() -> None:
    world = World("a", "b", max_size=4, random=0.999999, per_connection=1)
    world.ask()
    world.fail_dial()
    failing = next(host for host in world.pool._hosts if host.cause)
    world.open_dial()
    pauses = []
    for _ in range(9):
        pauses.append(world.wait_for_dial())
        assert [member.host for member in world.dials] == [failing]
        world.fail_dial()
    expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]
    assert pauses == pytest.approx(expected, rel=1e-3)
    world.wait_for_dial()
    member = world.open_dial()
    assert member.host is failing
    assert failing.cause is None
    world.wait(60)
    assert not world.dials


def test_nobody_waits_for_a_host_that_is_only_tried() -> None:
    world = World("a", "b", max_size=4, per_connection=1)
    world.ask()
    world.fail_dial()
    world.open_dial()
    world.wait_for_dial()  # the failing one
    ask = world.ask()
    assert len(world.dials) == 2
    tried, dialled = world.dials
    assert tried.host is not dialled.host
    world.open_dial(1)
    assert ask.result() is dialled


def test_nothing_is_tried_beyond_the_limit() -> None:
    world = World("a", "b", max_size=1)
    world.ask()
    world.fail_dial()
    world.open_dial()
    world.wait(100)
    assert not world.dials


def test_a_host_that_does_not_answer_is_not_relied_on() -> None:
    world = World("a", "b", min_size=2, max_size=4, per_connection=1)
    world.opened()
    world.take_all()
    ask = world.ask()
    (slow,) = [member.host for member in world.dials]
    world.wait(1.9)
    assert len(world.dials) == 1
    world.wait(0.1)
    assert len(world.dials) == 2
    assert world.dials[1].host is not slow
    world.open_dial(1)
    assert ask.done()


def test_with_one_host_there_is_nobody_else_to_rely_on() -> None:
    world = World(per_connection=1)
    world.opened()
    world.take_all()
    world.ask()
    world.wait(4)
    assert len(world.dials) == 1


def test_a_host_that_lost_one_of_several_is_trusted_still() -> None:
    world = World("a", "b", min_size=4)
    members = world.opened()
    world.wait(60)
    world.lose(members[0])
    (dial,) = world.dials
    assert dial.host is members[0].host
    world.open_dial()
    assert Counter(member.host for member in world.pool._members).most_common()[0][1] == 2


def test_a_host_that_lost_its_last_is_tried_but_not_relied_on() -> None:
    world = World("a", "b", min_size=2)
    members = {member.host.label[0]: member for member in world.opened()}
    world.wait(60)
    world.lose(members["a"])
    assert sorted(labels(world)) == ["a:28015", "b:28015"]


def test_nobody_waits_for_a_dial_while_another_host_as_empty_may_be_dialled() -> None:
    for seed in range(20):
        world = World("a", "b", per_connection=1, random=Random(seed).random)
        world.asks(2)
        world.open_dial()
        assert len(world.dials) == 1
        world.ask()
        assert len(set(labels(world))) == 2


def test_all_must_refuse_before_nobody_need_wait() -> None:
    world = World("a", "b")
    ask = world.ask()
    world.fail_dial(ReqlAuthError("Wrong password"))
    assert not ask.done()
    world.fail_dial(REFUSED)
    assert not ask.done()
    world.wait_for_dial()
    while world.dials:
        world.fail_dial(ReqlAuthError("Wrong password"))
        if not ask.done():
            world.wait_for_dial()
    assert isinstance(error_of(ask), ReqlAuthError)


def test_labels() -> None:
    assert Host(("::1", 28015), 5.0).label == "[::1]:28015"
    assert repr(Host(("db", 1), 5.0)) == "<host db:1: 0 open, 0 failures>"


def test_statistics_by_host() -> None:
    world = World("a", "b", min_size=2, max_idle=None)
    world.opened()
    world.wait(60)
    members = {member.host.label[0]: member for member in world.pool._members}
    taken = [world.take() for _ in range(4)]
    assert Counter(taken) == {members["a"]: 2, members["b"]: 2}
    world.give_back(members["a"], failed=True)
    world.give_back(members["b"])
    world.lose(members["a"])
    world.fail_dial(number=labels(world).index("a:28015"))
    world.give_back(members["a"], failed=True)
    assert world.pool.stats().hosts == (
        HostStats(
            host="a:28015", size=0, in_flight=0, opened=1, lost=1, failed=1, failures=1,
            queries=2, errors=2,
        ),
        HostStats(
            host="b:28015", size=2, in_flight=1, opened=1, lost=0, failed=0, failures=0,
            queries=1, errors=0,
        ),
    )  # fmt: skip


def sizes(world: World) -> dict[str, int]:
    return {host.host[0]: host.size for host in world.pool.stats().hosts}


def test_a_full_pool_gives_a_host_that_is_back_its_share_again() -> None:
    world = World("a", "b", min_size=6, max_size=6, per_connection=1, random=Random(1).random)
    members = [*world.opened(), *world.open_all()]
    assert sizes(world) == {"a": 3, "b": 3}
    world.wait(60)
    lost = [member for member in members if member.host.label == "b:28015"]
    for member in lost:
        world.lose(member)
    while world.dials:
        host = world.dials[0].host.label[0]
        world.open_dial() if host == "a" else world.fail_dial()
    assert sizes(world) == {"a": 6, "b": 0}
    for _ in range(3):  # it is still down
        while not world.closes:
            world.wait(max(0.0, world.alarm - world.now))
        world.close_one()
        assert sizes(world) == {"a": 5, "b": 1}
        world.fail_dial()
        world.open_dial()
        assert sizes(world) == {"a": 6, "b": 0}
    for _ in range(20):
        world.wait(1)
        while world.closes:
            world.close_one()
        world.open_all()
    assert sizes(world) == {"a": 3, "b": 3}


def test_busy_connections_move_when_their_queries_are_answered() -> None:
    world = World("a", "b", min_size=4, max_size=4, per_connection=1, random=Random(1).random)
    members = [*world.opened(), *world.open_all()]
    world.wait(60)
    for member in members:
        if member.host.label == "b:28015":
            world.lose(member)
    while world.dials:
        world.open_dial() if world.dials[0].host.label[0] == "a" else world.fail_dial()
    taken = world.take_all()
    world.wait(20)
    assert not world.closes, "all are at work"
    for member in taken:
        world.give_back(member)
    assert len(world.closes) == 1


def test_a_connection_with_a_cursor_stays_where_it_is() -> None:
    world = World("a", "b", min_size=4, max_size=4, random=Random(1).random)
    members = [*world.opened(), *world.open_all()]
    world.wait(60)
    for member in members:
        world.pool.pinned(member)
        if member.host.label == "b:28015":
            world.lose(member)
    while world.dials:
        if world.dials[0].host.label[0] == "a":
            world.pool.pinned(world.open_dial())
        else:
            world.fail_dial()
    world.wait(60)
    assert not world.closes
    assert sizes(world) == {"a": 4, "b": 0}

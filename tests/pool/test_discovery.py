"""Following a cluster: servers that are added, removed, and found elsewhere."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from rethinkdb.errors import ReqlConnectionLostError, ReqlDriverError, ReqlPermissionError
from rethinkdb.pool.discovery import Discovery
from rethinkdb.pool.options import PoolOptions

from .world import World

READY = {"state": "ready"}


def row(name: str, *hosts: str, port: Any = 28015) -> dict[str, Any]:
    addresses = [{"host": host, "port": 29015} for host in hosts or (name,)]
    return {"id": name, "network": {"reql_port": port, "canonical_addresses": addresses}}


def added(name: str, *hosts: str, port: Any = 28015) -> dict[str, Any]:
    return {"old_val": None, "new_val": row(name, *hosts, port=port)}


def removed(name: str) -> dict[str, Any]:
    return {"old_val": row(name), "new_val": None}


def initially(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"state": "initializing"}, *({"new_val": each} for each in rows), READY]


def tell(world: World, *changes: dict[str, Any]) -> None:
    for change in changes:
        world.pool.discovered(change, world.now)
        world.carry_out()


def hosts(world: World) -> list[str]:
    return [host.host for host in world.pool.stats().hosts]


def dialled(world: World) -> list[str]:
    return [member.host.label for member in world.dials]


def following(*given: str, **options: Any) -> World:
    """A pool that is open and has begun to follow its cluster."""
    world = World(*given, discover=True, **options)
    assert not world.discovers
    world.opened()
    assert world.discovers == 1
    return world


def test_a_cluster_is_followed_only_if_that_is_wanted() -> None:
    world = World("a")
    world.opened()
    assert not world.discovers


def test_the_servers_are_known_when_all_rows_have_come() -> None:
    world = following("a", max_size=3)
    tell(world, *initially(row("a"), row("b"), row("c"))[:-1])
    assert hosts(world) == ["a:28015"]
    tell(world, READY)
    assert hosts(world) == ["a:28015", "b:28015", "c:28015"]


def test_what_is_found_is_tried_with_one_dial_before_it_is_relied_on() -> None:
    world = following("a", max_size=8, per_connection=1)
    tell(world, *initially(row("a"), row("b")))
    assert dialled(world) == ["b:28015"]
    world.fail_dial()
    world.asks(2)
    assert dialled(world) == ["a:28015"]
    world.open_dial()
    world.wait_for_dial()
    assert dialled(world) == ["b:28015"]
    world.open_dial()
    world.ask()
    assert not world.dials


def test_a_server_that_is_added() -> None:
    world = following("a", max_size=2)
    tell(world, *initially(row("a")), added("b"))
    assert hosts(world) == ["a:28015", "b:28015"]
    assert world.open_dial().host.label == "b:28015"


def test_a_server_that_is_removed_is_left_as_soon_as_nobody_uses_it() -> None:
    world = following("a", max_size=2, per_connection=1)
    tell(world, *initially(row("a"), row("b")))
    used = world.open_dial()
    world.take_all()
    tell(world, removed("b"))
    assert hosts(world) == ["a:28015"]
    assert not world.closes
    world.give_back(used)
    assert world.close_one() == (used, True)


def test_a_dial_to_a_server_that_is_removed_is_given_up() -> None:
    world = following("a", max_size=3)
    tell(world, *initially(row("a"), row("b"), row("c")))
    dials = {member.host.label[0]: member for member in world.dials}
    assert set(dials) == {"b", "c"}
    tell(world, removed("b"))
    assert world.closes == [(dials["b"], False)]


def test_a_server_that_is_back_is_tried_with_one_dial_and_its_numbers_go_on() -> None:
    world = following("a", max_size=8)
    tell(world, *initially(row("a"), row("b")))
    member = world.open_dial()
    world.wait(60)
    world.lose(member)
    opened = world.pool.stats().opened
    tell(world, removed("b"))
    assert world.pool.stats().opened == opened
    world.dials.clear()
    tell(world, added("b"))
    assert dialled(world) == ["b:28015"]
    (_, back) = world.pool.stats().hosts
    assert (back.opened, back.lost) == (1, 1)


def test_a_server_that_is_found_elsewhere() -> None:
    world = following("a", max_size=2)
    tell(world, *initially(row("a"), row("b", "b1")))
    assert hosts(world) == ["a:28015", "b1:28015"]
    tell(world, {"old_val": row("b", "b1"), "new_val": row("b", "b2", port=28016)})
    assert hosts(world) == ["a:28015", "b2:28016"]


def test_given_hosts_that_are_not_among_the_servers_stand_in() -> None:
    """`db` is a name of `a`, and nobody can tell."""
    world = following("db", max_size=8, per_connection=1)
    tell(world, *initially(row("a"), row("b")))
    assert sorted(dialled(world)) == ["a:28015", "b:28015"]
    world.asks(2)
    assert sorted(dialled(world)) == ["a:28015", "b:28015", "db:28015"], "none is proven yet"
    world.open_all()
    world.asks(5)
    assert dialled(world)
    assert "db:28015" not in dialled(world)


def test_given_hosts_are_back_when_no_other_can_be_reached() -> None:
    world = following("db", max_size=8, per_connection=1)
    tell(world, *initially(row("a")))
    world.open_dial()
    (member,) = (m for m in world.pool._members.in_turn if m.host.label == "a:28015")
    world.wait(10)
    world.lose(member)
    world.take_all()
    world.ask()
    assert sorted(dialled(world)) == ["a:28015", "db:28015"]


def test_an_empty_table_changes_nothing() -> None:
    world = following("a")
    tell(world, *initially())
    assert hosts(world) == ["a:28015"]
    tell(world, added("a"), removed("a"))
    assert hosts(world) == ["a:28015"]


def test_a_feed_that_ends_is_begun_anew_after_a_growing_pause() -> None:
    world = following("a", random=0.999999)
    pauses = []
    for _ in range(8):
        begun, count = world.now, world.discovers
        world.pool.undiscovered(ReqlConnectionLostError(), world.now)
        world.carry_out()
        while world.discovers == count:
            world.wait(max(0.0, world.alarm - world.now))
        pauses.append(world.now - begun)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60], rel=1e-3)
    tell(world, *initially(row("a"), row("b")))
    world.pool.undiscovered(None, world.now)
    world.carry_out()
    assert hosts(world) == ["a:28015", "b:28015"], "what is known stays known"
    count = world.discovers
    world.wait(1)
    assert world.discovers == count + 1
    tell(world, *initially(row("a")))
    assert hosts(world) == ["a:28015"]


def test_without_a_connection_it_waits_for_one() -> None:
    world = following("a")
    (member,) = world.pool._members.in_turn
    world.wait(10)
    world.lose(member)
    world.pool.undiscovered(ReqlConnectionLostError(), world.now)
    world.carry_out()
    world.wait(5)
    assert world.discovers == 1
    world.open_dial()
    assert world.discovers == 2


def test_who_may_not_read_the_table_stays_with_the_given_hosts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = following("a")
    with caplog.at_level(logging.INFO, "rethinkdb.pool"):
        world.pool.undiscovered(ReqlPermissionError("no"), world.now)
        world.carry_out()
        world.wait(10_000)
    assert world.discovers == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stays with the hosts that it was given" in caplog.text


def test_a_closing_pool_does_not_care() -> None:
    world = following("a")
    world.close()
    tell(world, *initially(row("a"), row("b")))
    world.pool.undiscovered(None, world.now)
    world.carry_out()
    world.wait(10_000)
    assert world.discovers == 1
    assert not world.dials


def told(given: list[tuple[str, int]], network: dict[str, Any]) -> list[tuple[str, int]] | None:
    discovery = Discovery.of(given, True, lambda: 0.5)
    change = {"new_val": {"id": "x", "network": network}}
    assert discovery.told(change) is not None
    return discovery.told(change)


LOOPBACK = [("127.0.0.1", 28015)]
REMOTE = [("db.example.org", 28015)]


@pytest.mark.parametrize(
    ("given", "addresses", "port", "found"),
    [
        # The name that was given stays the name.
        ([("10.0.0.5", 28015)], ["10.0.0.9", "10.0.0.5"], 28015, ("10.0.0.5", 28015)),
        ([("localhost", 28015)], ["127.0.0.1"], 28015, ("localhost", 28015)),
        ([("::1", 28015)], ["127.0.0.1"], 28015, ("::1", 28015)),
        # All on this machine: their loopback address is ours.
        (LOOPBACK, ["10.0.0.5", "127.0.0.1", "::1"], 28016, ("127.0.0.1", 28016)),
        # On another one it is not.
        (REMOTE, ["127.0.0.1", "::1", "10.0.0.5"], 28015, ("10.0.0.5", 28015)),
        (REMOTE, ["127.0.0.1"], 28015, None),
        # Addresses of one link, and IPv6 beside IPv4.
        (REMOTE, ["fe80::1", "2001:db8::1", "10.0.0.5"], 28015, ("10.0.0.5", 28015)),
        (REMOTE, ["fe80::1", "2001:db8::1"], 28015, ("2001:db8::1", 28015)),
        (REMOTE, ["a.example.org"], 28017, ("a.example.org", 28017)),
        # No driver port: it takes no clients.
        (REMOTE, ["10.0.0.5"], "<no driver port>", None),
        (REMOTE, [], 28015, None),
        (REMOTE, None, 28015, None),
    ],
)
def test_where_a_server_can_be_reached(
    given: list[tuple[str, int]], addresses: Any, port: Any, found: tuple[str, int] | None
) -> None:
    hosts = addresses and [{"host": host, "port": 29015} for host in addresses]
    network = {"reql_port": port, "canonical_addresses": hosts}
    assert told(given, network) == ([] if found is None else [found])


def test_a_row_without_its_network() -> None:
    discovery = Discovery.of(REMOTE, True, lambda: 0.5)
    assert discovery.told({"new_val": {"id": "x"}}) == []


@pytest.mark.parametrize("bad", [None, 1, "yes"])
def test_discover_is_true_or_false(bad: Any) -> None:
    with pytest.raises(ReqlDriverError, match="`discover` must be True or False"):
        PoolOptions(discover=bad)

"""The server goes and comes back."""

from __future__ import annotations

import logging
import ssl
from random import Random

import pytest

from rethinkdb.errors import ReqlAuthError, ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.violations import RemoteProtocolError

from .world import REFUSED, World, error_of


def test_a_lost_connection_is_replaced_at_once() -> None:
    world = World()
    (member,) = world.opened()
    world.wait(60)
    world.lose(member)
    assert len(world.dials) == 1
    world.open_dial()
    assert world.take() is not member
    assert world.pool.stats().lost == 1


def test_then_after_pauses_that_double_to_ten_seconds() -> None:
    world = World(random=0.999999)
    (member,) = world.opened()
    world.wait(60)
    world.lose(member)
    pauses = []
    for _ in range(9):
        world.fail_dial()
        pauses.append(world.wait_for_dial())
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], rel=1e-3)


def test_a_failed_pool_tries_with_one_dial_at_a_time() -> None:
    world = World(min_size=4)
    members = world.opened()
    world.wait(60)
    for member in members:
        world.lose(member)
    assert len(world.dials) == 1
    world.asks(500)
    assert len(world.dials) == 1
    world.fail_dial()
    world.wait_for_dial()
    assert len(world.dials) == 1
    world.open_dial()
    assert len(world.dials) == 7


def test_while_somebody_waits_no_pause_is_longer_than_half_of_their_time() -> None:
    world = World(random=0.999999, acquire_timeout=3)
    world.opened()
    world.wait(60)
    world.lose(*world.pool._members)
    for _ in range(9):
        world.fail_dial()
        world.wait_for_dial()
    world.fail_dial()
    world.ask()
    assert world.wait_for_dial() == pytest.approx(1.5)


def test_the_first_who_asks_after_a_long_time_makes_it_try_again_soon() -> None:
    world = World(random=0.8)
    world.opened()
    world.lose(*world.pool._members)
    for _ in range(9):
        world.wait_for_dial()
        world.fail_dial()
    world.wait(5)
    assert not world.dials
    ask = world.ask()
    assert world.wait_for_dial() == 0
    world.open_dial()
    assert ask.done()


def test_a_server_that_drops_what_it_takes_is_not_dialled_in_a_tight_loop() -> None:
    world = World(random=0.999999, min_size=1)
    world.open()
    pauses = []
    for _ in range(9):
        pauses.append(world.wait_for_dial())
        member = world.open_dial()
        world.pool.lost(member, None, world.now)
        world.carry_out()
    assert pauses == pytest.approx([0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10], rel=1e-3)
    ask = world.ask(timeout=1)
    world.wait(1)
    assert "ended the connection right after it was opened" in str(error_of(ask))


def test_a_server_that_has_answered_is_dialled_at_once_however_soon_it_goes() -> None:
    world = World(random=0.999999)
    world.open()
    for _ in range(20):
        assert world.wait_for_dial() == 0
        member = world.open_dial()
        world.give_back(world.take())
        world.wait(0.5)
        world.lose(member)


def test_a_server_that_answers_with_errors_only_is_not_dialled_in_a_tight_loop() -> None:
    world = World(random=0.999999)
    world.open()
    pauses = []
    for _ in range(4):
        pauses.append(world.wait_for_dial())
        member = world.open_dial()
        world.give_back(world.take(), failed=True)
        world.lose(member)
    assert pauses == pytest.approx([0, 0.1, 0.2, 0.4], rel=1e-3)


def test_a_connection_that_lasts_ends_the_series() -> None:
    world = World(random=0.999999)
    world.open()
    for _ in range(5):
        world.wait_for_dial()
        world.fail_dial()
    world.wait_for_dial()
    member = world.open_dial()
    world.wait(0.5)
    world.lose(member)  # did not last
    assert world.wait_for_dial() == pytest.approx(3.2, rel=1e-3)
    member = world.open_dial()
    world.wait(5)
    world.lose(member)
    assert world.wait_for_dial() == 0
    world.fail_dial()
    assert world.wait_for_dial() == pytest.approx(0.1, rel=1e-3)


def test_several_that_fail_together_are_one_failure() -> None:
    world = World(min_size=4, random=0.999999)
    world.open()
    world.open_dial()
    assert len(world.dials) == 3
    world.wait(0.5)
    for _ in range(3):
        world.fail_dial()
    assert world.wait_for_dial() == pytest.approx(0.1, rel=1e-3)


def test_a_dial_that_hangs_does_not_keep_who_waits_from_a_server_that_is_back() -> None:
    world = World()
    world.ask()
    hanging = world.dials[0]
    world.wait(4.9)
    assert len(world.dials) == 1
    ask = world.ask()
    assert len(world.dials) == 1
    world.wait(0.1)
    assert len(world.dials) == 2
    assert world.events == []
    world.open_dial(1)
    assert ask.done()
    assert world.dials == [hanging]
    world.fail_dial()


def test_nobody_waits_so_nothing_is_done_about_a_dial_that_hangs() -> None:
    world = World(min_size=1, acquire_timeout=1)
    world.open()
    world.wait(15)
    assert len(world.dials) == 2  # `open` has waited, for a second


def test_at_the_limit_a_dial_that_hangs_is_given_up_for_another() -> None:
    world = World(max_size=1)
    ask = world.ask()
    hanging = world.dials[0]
    world.wait(5)
    assert len(world.dials) == 2
    assert world.closes == [(hanging, False)]
    world.wait(1)
    world.open_dial(1)
    assert ask.done()
    world.closes.clear()
    world.open_dial()  # after all, but too late
    assert world.closes == [(hanging, False)]


def test_at_the_limit_nothing_is_given_up_that_does_not_hang() -> None:
    world = World(max_size=2, per_connection=1)
    world.opened()
    world.take_all()
    world.asks(3)
    world.wait(4)
    assert len(world.dials) == 1
    assert not world.closes


def test_who_waits_while_the_server_is_away_is_served_when_it_is_back() -> None:
    world = World(random=Random(3).random)
    (member,) = world.opened()
    world.wait(60)
    world.lose(member)
    asks = world.asks(100)
    for _ in range(5):
        world.fail_dial()
        world.wait_for_dial()
    world.open_dial()
    world.open_dial()
    assert all(ask.exception() is None for ask in asks)
    assert world.pool.stats().waiting == 0


def test_who_cannot_be_served_in_time_gets_the_cause() -> None:
    world = World()
    ask = world.ask()
    world.wait(9)
    cause = ReqlDriverError("Could not connect to db:28015. Error: refused")
    for _ in range(2):
        world.fail_dial(cause)
    world.wait(0.99)
    assert not ask.done()
    world.dials.clear()
    world.wait(0.01)
    error = error_of(ask)
    assert isinstance(error, ReqlTimeoutError)
    assert str(error) == (
        "The pool had no connection to db:28015 within 10 s: 0 of at most 8 connections open, "
        "1 being opened, 0 queries in flight, 0 waiting. "
        "The last attempt failed: Could not connect to db:28015. Error: refused"
    )
    assert error.__cause__ is cause


def test_who_cannot_be_served_as_nobody_answered_at_all() -> None:
    world = World()
    ask = world.ask()
    world.wait(10)
    assert str(error_of(ask)) == (
        "The pool had no connection to db:28015 within 10 s: 0 of at most 8 connections open, "
        "2 being opened, 0 queries in flight, 0 waiting. There was no answer yet."
    )


def test_queries_of_a_lost_connection_are_given_back_to_nobody() -> None:
    world = World()
    (member,) = world.opened()
    world.take()
    world.take()
    world.wait(60)
    world.lose(member)
    world.give_back(member, failed=True)
    world.give_back(member, failed=True)
    world.lose(member)
    stats = world.pool.stats()
    assert (stats.in_flight, stats.queries, stats.errors, stats.lost) == (0, 2, 2, 1)


# What does not pass by itself.

FINAL = [
    ReqlAuthError("Wrong password", "db", 28015),
    RemoteProtocolError("This is no RethinkDB driver port"),
    TypeError("a fault of the program"),
]
PASSING = [
    REFUSED,
    ReqlDriverError("Could not connect"),
    ReqlTimeoutError("db", 28015),
    OSError("no route to host"),
]


def chained(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def tls_error() -> BaseException:
    """What it looks like when the server does not speak TLS."""
    incoming = ssl.MemoryBIO()
    incoming.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
    context = ssl.create_default_context()
    link = context.wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="db")
    with pytest.raises(ssl.SSLError) as caught:
        link.do_handshake()
    assert not isinstance(caught.value, ValueError)
    return chained(ReqlDriverError("TLS: the server does not speak TLS on this port"), caught.value)


FINAL += [
    chained(ReqlDriverError("no host name"), UnicodeError("label too long")),
    chained(ReqlDriverError("cannot load certificates"), FileNotFoundError("ca.pem")),
    chained(ReqlDriverError("refused"), chained(ValueError("ring"), ValueError("ring"))),
    tls_error(),
]


@pytest.mark.parametrize("error", FINAL, ids=lambda error: f"{error}")
def test_what_does_not_pass_is_told_at_once(error: Exception) -> None:
    world = World()
    first, second, opener = world.ask(), world.borrow(), world.open()
    world.fail_dial(error)
    for waiter in (first, second, opener):
        told = error_of(waiter)
        assert type(told) is type(error)
        assert str(told) == str(error)
        assert told is not error
        assert told.__cause__ is error.__cause__
    # From now on nobody need wait.
    assert type(error_of(world.ask())) is type(error)
    assert world.now == 0


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{error!r}")
def test_what_may_pass_is_waited_for(error: Exception) -> None:
    world = World()
    ask = world.ask()
    world.fail_dial(error)
    assert not ask.done()
    assert not world.ask().done()


def test_a_ring_of_causes_has_an_end() -> None:
    error = chained(ReqlDriverError("a"), other := ReqlDriverError("b"))
    chained(other, error)
    world = World()
    ask = world.ask()
    world.fail_dial(error)
    assert not ask.done()


def test_an_error_that_cannot_be_copied() -> None:
    class Stubborn(Exception):
        def __reduce__(self) -> str:
            raise TypeError("no")

    world = World()
    first, second = world.asks(2)
    world.fail_dial(stubborn := Stubborn("it is so"))
    assert str(error_of(first)) == "it is so"
    assert error_of(first) is not error_of(second)
    assert error_of(first).__cause__ is stubborn
    world.wait_for_dial()
    world.ask()
    world.fail_dial(Stubborn())
    ask = world.ask()
    assert str(error_of(ask)) == "Stubborn"


def test_the_pool_goes_on_trying_at_its_pace() -> None:
    world = World(random=0.999999)
    world.ask()
    world.fail_dial(FINAL[0])
    for pause in (0.1, 0.2, 0.4):
        world.wait(pause * 0.9)
        error_of(world.ask())
        assert not world.dials
        assert world.wait_for_dial() == pytest.approx(pause * 0.1, rel=1e-2)
        world.fail_dial(FINAL[0])
    world.wait_for_dial()
    ask = world.ask()
    assert not ask.done()  # it may be right by now
    world.open_dial()
    assert ask.done()


def test_whoever_can_be_served_by_others_is_not_refused() -> None:
    world = World(max_size=2, per_connection=1)
    world.opened()
    member = world.take()
    ask = world.ask()
    world.fail_dial(FINAL[0])
    assert not ask.done()
    world.give_back(member)
    assert ask.result() is member


# Events and log lines.


def test_events_tell_how_it_went() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    member = world.take()
    asks = world.asks(2)
    world.wait(60)
    assert world.events == ["opened", "exhausted"]
    world.give_back(member)
    assert world.events == ["opened", "exhausted", "recovered"]
    assert all(ask.done() for ask in asks)
    event = world.told[1]
    assert (event.host, event.cause) == (None, None)
    assert (event.size, event.in_flight, event.waiting) == (1, 1, 1)
    assert world.told[0].host == "db:28015"


def test_events_when_the_server_goes() -> None:
    world = World()
    (member,) = world.opened()
    world.wait(60)
    world.lose(member, cause := OSError("reset"))
    ask = world.ask()
    assert world.events == ["opened", "lost"]
    assert (world.told[1].host, world.told[1].cause) == ("db:28015", cause)
    world.fail_dial()
    assert world.events == ["opened", "lost", "down", "exhausted"]
    assert (world.told[2].host, world.told[2].cause) == ("db:28015", REFUSED)
    assert world.told[3].cause is REFUSED
    world.wait_for_dial()
    world.fail_dial()
    world.wait_for_dial()
    world.open_dial()
    assert world.events == ["opened", "lost", "down", "exhausted", "opened", "up", "recovered"]
    assert world.told[5].host == "db:28015"
    assert ask.done()


def test_a_server_that_drops_at_once_whom_it_lets_in_is_down() -> None:
    world = World()
    (member,) = world.opened()
    world.lose(member)
    assert world.events == ["opened", "lost", "down"]
    world.wait_for_dial()
    world.open_dial()
    assert world.events[-2:] == ["opened", "up"]


def test_growing_is_not_being_exhausted() -> None:
    world = World(max_size=2, per_connection=1)
    world.asks(2)
    world.open_dial()
    world.open_dial()
    assert world.events == ["opened", "opened"]


def test_it_is_recovered_only_when_there_is_room() -> None:
    world = World(max_size=1, per_connection=1)
    world.opened()
    member = world.take()
    ask = world.ask()
    world.give_back(member)
    assert world.events == ["opened", "exhausted"]
    world.give_back(ask.result())
    assert world.events == ["opened", "exhausted", "recovered"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(), ("WARNING", "pool: cannot connect to db:28015, 1 failed: OSError")),
        (KeyboardInterrupt(), ("DEBUG", "pool: connecting to db:28015 was cancelled")),
    ],
)
def test_dials_that_fail_without_a_text(
    error: BaseException, line: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "rethinkdb.pool")
    world = World()
    world.ask()
    world.fail_dial(error)
    assert line in [(record.levelname, record.getMessage()) for record in caplog.records]
    assert ("down" in world.events) == isinstance(error, Exception)


def test_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "rethinkdb.pool")
    world = World(name="web")
    (member,) = world.opened()
    world.wait(60)
    world.lose(member)
    world.ask()
    world.fail_dial()
    world.wait_for_dial()
    world.fail_dial()
    world.wait_for_dial()
    world.open_dial()
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert lines == [
        ("WARNING", "pool 'web': the connection to db:28015 is lost: reset"),
        ("WARNING", "pool 'web': cannot connect to db:28015, 1 failed: nobody listens"),
        (
            "INFO",
            "pool 'web': exhausted: 0 of at most 8 connections open, 0 queries in flight, "
            "1 waiting",
        ),
        ("DEBUG", "pool 'web': cannot connect to db:28015, 2 failed: nobody listens"),
        ("INFO", "pool 'web': connected to db:28015 again after 2 failed attempts"),
        (
            "INFO",
            "pool 'web': recovered: 1 of at most 8 connections open, 1 queries in flight, "
            "0 waiting",
        ),
    ]


def test_pools_without_a_name_have_log_lines_too(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    (member,) = world.opened()
    world.pool.lost(member, None, 60.0)
    assert caplog.messages == ["pool: the connection to db:28015 is lost: closed"]

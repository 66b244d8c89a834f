"""`reconnect()` of many callers at once: what those get who join one that is under way."""

from __future__ import annotations

from typing import Any

import pytest

from rethinkdb.errors import ReqlDriverError, ReqlTimeoutError
from rethinkdb.net.reconnecting import Reconnect
from rethinkdb.net.waiter import Waiter

from .pair import failure, settled


def nothing() -> None:
    pass


def test_those_who_join_are_told_that_it_is_open_again() -> None:
    under_way = Reconnect(nothing)
    first, second = under_way.join(), under_way.join()
    assert not under_way.ended
    assert not first.done()
    under_way.end(None)
    assert under_way.ended
    assert settled(first) is settled(second) is True


def test_an_error_of_connecting_is_everybodys() -> None:
    under_way = Reconnect(nothing)
    waiter, error = under_way.join(), ReqlTimeoutError("h", 1)
    under_way.end(error)
    assert failure(waiter) is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("of a signal handler")])
def test_any_other_error_is_for_the_one_who_did_it(error: BaseException) -> None:
    under_way = Reconnect(nothing)
    waiter = under_way.join()
    under_way.end(error)
    assert settled(waiter) is False


@pytest.mark.parametrize(("error", "told"), [(None, True), (KeyboardInterrupt(), False)])
def test_who_joins_after_the_end_is_told_at_once(error: Any, told: bool) -> None:
    under_way = Reconnect(nothing)
    under_way.end(error)
    assert settled(under_way.join()) is told


def test_only_the_first_end_counts() -> None:
    under_way = Reconnect(nothing)
    under_way.end(ReqlDriverError("first"))
    under_way.end(None)
    assert str(failure(under_way.join())) == "first"


def test_a_waiter_of_the_callers_own_is_settled() -> None:
    under_way = Reconnect(nothing)
    mine: Waiter[bool] = Waiter()
    told: list[Waiter[bool]] = []
    mine.add_done_callback(told.append)
    assert under_way.join(mine) is mine
    under_way.end(None)
    assert told == [mine]


def test_who_gives_up_harms_nobody() -> None:
    under_way = Reconnect(nothing)
    gone, there = under_way.join(), under_way.join()
    gone.abandon()
    under_way.end(None)
    assert settled(there) is True


def test_who_does_it_and_how_it_is_hurried_is_told() -> None:
    hurried: list[int] = []
    under_way = Reconnect(lambda: hurried.append(1), owner="me")
    under_way.hurry()
    assert (hurried, under_way.owner) == ([1], "me")


def test_its_own_close_does_not_end_it() -> None:
    under_way = Reconnect(nothing)
    under_way.closes_itself()
    under_way.close_called()
    assert not under_way.closed
    waiter = under_way.join()
    under_way.end(None)
    assert settled(waiter) is True


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
def test_any_other_close_ends_it_for_all(before: int, error: BaseException | None) -> None:
    """Also if the owner is stopped just then: nobody who joined before opens it again."""
    under_way = Reconnect(nothing)
    for _ in range(before):
        under_way.closes_itself()
        under_way.close_called()
    waiter = under_way.join()
    under_way.close_called()
    assert under_way.closed
    under_way.end(error)
    assert str(failure(waiter)) == str(under_way.closed_error())


def test_the_error_of_a_reconnect_that_was_closed_is_everybodys() -> None:
    under_way = Reconnect(nothing)
    waiter, error = under_way.join(), under_way.closed_error()
    under_way.close_called()
    under_way.end(error)
    assert failure(waiter) is error


def test_who_joins_after_the_close_is_to_reconnect_himself() -> None:
    under_way = Reconnect(nothing)
    under_way.close_called()
    waiter = under_way.join()
    assert not waiter.done()
    under_way.end(under_way.closed_error())
    assert settled(waiter) is settled(under_way.join()) is False

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from rethinkdb.net.violations import LocalProtocolError
from rethinkdb.net.waiter import Waiter


def test_settled_with_a_value():
    waiter: Waiter[int] = Waiter()
    assert not waiter.done()
    waiter.set_result(1)
    assert waiter.done()
    assert waiter.result() == 1
    assert waiter.exception() is None


def test_settled_with_an_error():
    error = ValueError("no")
    waiter: Waiter[int] = Waiter()
    waiter.set_exception(error)
    assert waiter.done()
    assert waiter.exception() is error
    with pytest.raises(ValueError, match="no"):
        waiter.result()


def test_made_settled():
    assert Waiter.succeeded(3).result() == 3
    assert isinstance(Waiter.failed(KeyError()).exception(), KeyError)


@pytest.mark.parametrize("method", ["result", "peek", "exception"])
def test_no_outcome_yet(method):
    waiter: Waiter[int] = Waiter()
    with pytest.raises(LocalProtocolError, match="pending"):
        getattr(waiter, method)()
    waiter.abandon()
    with pytest.raises(LocalProtocolError, match="abandoned"):
        getattr(waiter, method)()


def test_the_first_to_settle_wins():
    waiter: Waiter[int] = Waiter()
    waiter.set_result(1)
    waiter.set_result(2)
    waiter.set_exception(ValueError())
    assert waiter.result() == 1


def test_callbacks_run_once_in_order_and_at_once_when_late():
    calls: list[tuple[str, int]] = []
    waiter: Waiter[int] = Waiter()
    waiter.add_done_callback(lambda waiter: calls.append(("first", waiter.result())))
    waiter.add_done_callback(lambda waiter: calls.append(("second", waiter.result())))
    assert calls == []
    waiter.set_result(7)
    waiter.add_done_callback(lambda waiter: calls.append(("late", waiter.result())))
    assert calls == [("first", 7), ("second", 7), ("late", 7)]


def test_abandoning_tells_the_owner_once_and_forgets_the_callbacks():
    told: list[Waiter[int]] = []
    calls: list[object] = []
    waiter: Waiter[int] = Waiter(told.append)
    waiter.add_done_callback(calls.append)
    waiter.abandon()
    waiter.abandon()
    waiter.set_result(1)
    waiter.add_done_callback(calls.append)
    assert waiter.done()
    assert told == [waiter]
    assert calls == []


def test_abandoning_without_an_owner():
    waiter: Waiter[int] = Waiter()
    waiter.abandon()
    assert waiter.done()


def test_abandoning_a_settled_waiter_has_no_effect():
    told: list[Waiter[int]] = []
    waiter: Waiter[int] = Waiter(told.append)
    waiter.set_result(1)
    waiter.abandon()
    assert waiter.result() == 1
    assert told == []


def test_a_value_nobody_read_goes_back_once():
    told: list[object] = []
    back: list[int] = []
    waiter: Waiter[int] = Waiter(told.append, back.append)
    waiter.set_result(1)
    waiter.abandon()
    waiter.abandon()
    assert (told, back) == ([], [1])
    with pytest.raises(LocalProtocolError, match="abandoned"):
        waiter.result()


def test_a_value_that_was_only_peeked_at_goes_back():
    back = []
    waiter = Waiter(on_unclaimed=back.append)
    waiter.set_result("item")
    assert waiter.peek() == "item"
    waiter.abandon()
    assert back == ["item"]


def test_a_value_that_was_peeked_at_and_read_stays():
    back = []
    waiter = Waiter(on_unclaimed=back.append)
    waiter.set_result("item")
    assert (waiter.peek(), waiter.result()) == ("item", "item")
    waiter.abandon()
    assert back == []


def test_a_value_that_was_read_stays():
    back: list[int] = []
    waiter: Waiter[int] = Waiter(None, back.append)
    waiter.set_result(1)
    waiter.result()
    waiter.abandon()
    assert waiter.result() == 1
    assert back == []


def test_an_error_goes_nowhere():
    back: list[int] = []
    waiter: Waiter[int] = Waiter(None, back.append)
    waiter.set_exception(ValueError("no"))
    waiter.abandon()
    assert isinstance(waiter.exception(), ValueError)
    assert back == []


def test_a_failing_callback_is_logged_and_the_others_run(caplog):
    calls: list[object] = []

    def fail(waiter):
        raise RuntimeError("callback")

    waiter: Waiter[int] = Waiter()
    waiter.add_done_callback(fail)
    waiter.add_done_callback(calls.append)
    with caplog.at_level(logging.ERROR, "rethinkdb.net"):
        waiter.set_result(1)
        waiter.add_done_callback(fail)
    assert calls == [waiter]
    assert [record.exc_info[0] for record in caplog.records] == [RuntimeError, RuntimeError]


def test_an_interrupt_in_a_callback_is_raised_after_the_others_ran():
    calls: list[object] = []

    def interrupt(waiter):
        raise KeyboardInterrupt

    waiter: Waiter[int] = Waiter()
    waiter.add_done_callback(interrupt)
    waiter.add_done_callback(calls.append)
    with pytest.raises(KeyboardInterrupt):
        waiter.set_result(1)
    assert waiter.result() == 1
    assert calls == [waiter]


class Future:
    """The part of asyncio's that the core uses."""

    def __init__(self, done: bool = False) -> None:
        self.results: list[object] = []
        self.is_done = done
        self.looked: list[Callable[[], object]] = []

    def done(self) -> bool:
        is_done = self.is_done
        while self.looked:
            self.looked.pop()()
        return is_done

    def set_result(self, result: object) -> None:
        self.is_done = True
        self.results.append(result)


SETTLINGS: list[Callable[[Waiter[int]], object]] = [
    lambda waiter: waiter.set_result(1),
    lambda waiter: waiter.set_exception(ValueError()),
]


@pytest.mark.parametrize("settle", SETTLINGS)
def test_a_future_is_settled_with_its_waiter(settle):
    waiter: Waiter[int] = Waiter()
    waiter.future = future = Future()
    called: list[object] = []
    waiter.add_done_callback(called.append)
    settle(waiter)
    settle(waiter)
    assert future.results == [None]
    assert called == [waiter]


@pytest.mark.parametrize("settle", SETTLINGS)
def test_a_waiter_is_abandoned_if_its_future_is_done_already(settle):
    returned: list[int] = []
    waiter: Waiter[int] = Waiter(on_unclaimed=returned.append)
    waiter.future = future = Future(done=True)
    settle(waiter)
    assert future.results == []
    assert returned == ([1] if settle is SETTLINGS[0] else [])


def test_a_future_is_settled_once_also_by_a_signal_handler():
    returned: list[int] = []
    waiter: Waiter[int] = Waiter(on_unclaimed=returned.append)
    waiter.future = future = Future()
    future.looked.append(lambda: waiter.set_result(2))
    waiter.set_result(1)
    waiter._wake()
    assert future.results == [None]
    assert returned == []
    assert waiter.result() == 1


def test_an_error_of_a_future_is_logged(caplog):
    class Closed(Future):
        def set_result(self, result: object) -> None:
            raise RuntimeError("Event loop is closed")

    waiter: Waiter[int] = Waiter()
    waiter.future = Closed()
    waiter.set_result(1)
    assert "Event loop is closed" in caplog.text
    assert waiter.result() == 1

"""Sleeping until another thread wakes this one, or the time is up."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from rethinkdb.loops.transport.beds import Bed
from rethinkdb.net.waiter import Waiter

needs_alarms = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signals here")


@contextmanager
def handled(handler: Callable[[], object]) -> Iterator[None]:
    """A signal comes soon, whose handler is this."""
    before = signal.signal(signal.SIGALRM, lambda *_: handler())
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def rescued(wake: Callable[[None], object]) -> Iterator[threading.Event]:
    """Whoever sleeps far too long is woken; the event says so."""
    late = threading.Event()

    def rescue() -> None:
        late.set()
        wake(None)

    timer = threading.Timer(20, rescue)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        timer.join()


@needs_alarms
def test_a_handler_that_lasts_longer_than_the_time() -> None:
    """`SimpleQueue.get` then waits for ever, up to Python 3.12."""
    bed = Bed()
    with rescued(bed.wake) as late, handled(lambda: time.sleep(0.1)):
        assert not bed.sleep(0.05)
    assert not late.is_set()


@needs_alarms
def test_a_handler_wakes_its_own_thread() -> None:
    bed = Bed()
    with rescued(bed.wake) as late, handled(lambda: bed.wake(None)):
        assert bed.sleep(None)
    assert not late.is_set()


@needs_alarms
def test_an_error_of_a_handler_ends_the_sleep_and_breaks_nothing() -> None:
    bed = Bed()
    with rescued(bed.wake) as late, handled(lambda: 1 / 0), suppress(ZeroDivisionError):
        bed.sleep(None)
    assert not late.is_set()
    assert not bed.sleep(0)
    bed.wake(None)
    assert bed.sleep(None)


def test_a_wake_before_the_sleep_counts_once() -> None:
    bed = Bed()
    assert not bed.sleep(0)
    for _ in range(3):
        bed.wake(None)
    assert bed.sleep(None)
    assert not bed.sleep(0)


def test_it_is_woken_by_a_waiter() -> None:
    bed, waiter = Bed(), Waiter[int]()
    waiter.add_done_callback(bed.wake)
    waiter.set_result(1)
    assert bed.sleep(None)


def test_several_threads_wake_one_that_sleeps_again_and_again() -> None:
    bed = Bed()
    done: list[int] = []

    def sleeper() -> None:
        while not done:
            bed.sleep(None)

    def waker() -> None:
        for _ in range(500):
            bed.wake(None)

    asleep = threading.Thread(target=sleeper)
    wakers = [threading.Thread(target=waker) for _ in range(3)]
    for thread in (asleep, *wakers):
        thread.start()
    for thread in wakers:
        thread.join()
    done.append(1)
    bed.wake(None)
    asleep.join(20)
    assert not asleep.is_alive()

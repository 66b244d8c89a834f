"""Whose error it is, when a signal handler raises in the midst of something."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from rethinkdb.net.signals import handlers_error, raised_by_handler


@pytest.fixture
def handle() -> Iterator[Callable[[Any], None]]:
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda handler: signal.signal(signal.SIGUSR1, handler) and None
    signal.signal(signal.SIGUSR1, before)


class Handling:
    def method(self, signum: int, frame: Any) -> None:
        raise TimeoutError

    def __call__(self, signum: int, frame: Any) -> None:
        deeper()


def plain(signum: int, frame: Any) -> None:
    raise TimeoutError


def starred(*_: Any) -> None:
    raise TimeoutError


def closure(signum: int, frame: Any) -> None:
    def inner() -> Any:
        return frame

    raise TimeoutError(inner)


def further(extra: str, signum: int, frame: Any) -> None:
    raise TimeoutError


def deeper() -> None:
    raise TimeoutError


def work() -> None:
    signal.raise_signal(signal.SIGUSR1)


@pytest.mark.parametrize(
    "handler", [plain, starred, closure, Handling().method, Handling(), partial(further, "x")]
)
def test_what_a_handler_raises(handle: Callable[[Any], None], handler: Any) -> None:
    handle(handler)
    with pytest.raises(TimeoutError) as caught:
        work()
    assert raised_by_handler(caught.value)


def test_what_code_raises_by_itself() -> None:
    with pytest.raises(TimeoutError) as caught:
        starred(1, 2)
    assert not raised_by_handler(caught.value)
    assert not raised_by_handler(TimeoutError())


def test_what_code_raises_beside_a_handler(handle: Callable[[Any], None]) -> None:
    handle(lambda signum, frame: None)
    with pytest.raises(TimeoutError) as caught:
        work_and_fail()
    assert not raised_by_handler(caught.value)


def work_and_fail() -> None:
    work()
    starred((1, 2), [3])


def test_a_chain_of_causes_that_leads_back_into_itself() -> None:
    """As if a validator raises the same object each time it is asked."""
    again, wrapped = ValueError("the same object"), ValueError()
    wrapped.__cause__, again.__context__ = again, wrapped
    assert handlers_error(wrapped) is handlers_error(again) is None


def test_a_handler_s_error_behind_others(handle: Callable[[Any], None]) -> None:
    handle(plain)
    with pytest.raises(TimeoutError) as info:
        work()
    outer, inner = ValueError(), ValueError()
    outer.__cause__, inner.__context__ = inner, info.value
    assert handlers_error(outer) is info.value


class Term:
    """As a term of ReQL, it cannot be compared with everything."""

    def __eq__(self, other: object) -> bool:
        raise TypeError(f"cannot be compared with {other!r}")

    __hash__ = None  # type: ignore[assignment]


def with_arguments(*_: object) -> None:
    raise KeyError


def test_arguments_that_cannot_be_compared() -> None:
    with pytest.raises(KeyError) as caught:
        with_arguments(Term())
    assert not raised_by_handler(caught.value)

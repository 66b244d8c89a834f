"""What a pool may be told."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from rethinkdb.errors import ReqlDriverError
from rethinkdb.pool.checks import check_closing_time
from rethinkdb.pool.options import PoolOptions
from rethinkdb.pool.retrying import RetryPolicy

BAD: list[tuple[str, Any]] = [
    *((name, bad) for name in ("min_size", "max_size") for bad in (-1, 1.5, "3", None, True)),
    ("max_size", 0),
    *((name, bad) for name in ("per_connection", "max_waiting") for bad in (0, -1, 2.0, None)),
    ("acquire_timeout", None),
    *(
        (name, bad)
        for name in ("acquire_timeout", "max_lifetime", "max_idle", "keepalive", "deadline")
        for bad in (0, -1, "5", True, float("nan"), float("inf"))
    ),
    ("name", 5),
    ("name", b"web"),
]


def test_the_defaults() -> None:
    assert PoolOptions() == PoolOptions(
        min_size=1,
        max_size=8,
        per_connection=64,
        acquire_timeout=10,
        max_waiting=1000,
        max_lifetime=3600,
        max_idle=600,
        keepalive=20,
        deadline=None,
        retry=RetryPolicy(),
        name=None,
    )


def test_retry_takes_a_policy_or_whether_there_is_one() -> None:
    policy = RetryPolicy(attempts=2)
    for given, taken in ((policy, policy), (True, RetryPolicy()), (None, None), (False, None)):
        assert PoolOptions(retry=given).retry == taken  # type: ignore[arg-type]
    with pytest.raises(ReqlDriverError, match="`retry` must be a RetryPolicy, True or None, not i"):
        PoolOptions(retry=4)  # type: ignore[arg-type]


@pytest.mark.parametrize("timeout", ["2", None, math.nan, True])
def test_the_time_for_closing_is_a_number(timeout: Any) -> None:
    with pytest.raises(ReqlDriverError, match="`timeout` must be a number of seconds, not "):
        check_closing_time(timeout)


@pytest.mark.parametrize("timeout", [0, 2.5, math.inf, -1])
def test_any_number_is_a_time_for_closing(timeout: float) -> None:
    check_closing_time(timeout)


def test_they_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PoolOptions().max_size = 9  # type: ignore[misc]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_one_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(ReqlDriverError) as caught:
        PoolOptions(**{name: value})
    assert f"`{name}`" in str(caught.value)
    if name != "name":
        assert repr(value) in str(caught.value)


@pytest.mark.parametrize("name", ["max_lifetime", "max_idle", "keepalive", "deadline"])
def test_some_can_be_switched_off(name: str) -> None:
    assert getattr(PoolOptions(**{name: None}), name) is None


def test_the_sizes_must_agree() -> None:
    with pytest.raises(ReqlDriverError, match=r"`min_size` \(9\) must not be above `max_size`"):
        PoolOptions(min_size=9)
    assert PoolOptions(min_size=0, max_size=1).min_size == 0


def test_seconds_are_floats_and_within_what_systems_can_wait() -> None:
    options = PoolOptions(acquire_timeout=3, max_idle=1e300)
    assert (type(options.acquire_timeout), options.acquire_timeout) == (float, 3.0)
    assert options.max_idle == 2_000_000.0


def test_they_are_taken_from_among_others() -> None:
    arguments = {"host": "db", "max_size": 3, "keepalive": None, "timeout": 5}
    assert PoolOptions.taken_from(arguments) == PoolOptions(max_size=3, keepalive=None)
    assert arguments == {"host": "db", "timeout": 5}

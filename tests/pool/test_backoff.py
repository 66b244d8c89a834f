"""Pauses between attempts."""

from __future__ import annotations

from random import Random

import pytest

from rethinkdb.pool.backoff import Backoff


def test_limits_double_from_the_first_to_the_longest() -> None:
    backoff = Backoff(lambda: 0.5)
    limits = [backoff.limit(failures) for failures in range(1, 10)]
    assert limits == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0])
    assert backoff.pause(3) == pytest.approx(0.2)


def test_any_number_of_failures_will_do() -> None:
    assert Backoff(lambda: 1.0).pause(10**9) == 10.0


def test_other_limits() -> None:
    backoff = Backoff(lambda: 1.0, first=0.05, longest=2.0)
    assert [backoff.pause(failures) for failures in (1, 2, 7)] == pytest.approx([0.05, 0.1, 2.0])


def test_jitter_is_full() -> None:
    backoff = Backoff(Random(5).random)
    pauses = [backoff.pause(20) for _ in range(10_000)]
    assert min(pauses) < 0.01
    assert max(pauses) > 9.99
    assert sum(pauses) / len(pauses) == pytest.approx(5.0, abs=0.1)

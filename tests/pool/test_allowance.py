"""What the deadline of a query on a pool allows."""

from __future__ import annotations

from rethinkdb.net.deadlines import Deadline
from rethinkdb.pool.allowance import Allowance


def test_waiting_is_off_what_the_answer_may_take() -> None:
    allowance = Allowance.of(5.0, now=100.0)
    assert allowance.left(100.0) == 5.0
    assert allowance.left(102.0) == 3.0
    assert allowance.deadline(102.0) == Deadline(left=3.0, seconds=5.0)


def test_nothing_is_left_when_it_is_over() -> None:
    allowance = Allowance.of(5.0, now=100.0)
    assert allowance.left(105.0) == 0.0
    assert allowance.left(200.0) == 0.0
    assert allowance.deadline(200.0) == Deadline(left=0.0, seconds=5.0)

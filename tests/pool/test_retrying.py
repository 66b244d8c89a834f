"""When a query that failed is run again."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError
from random import Random
from typing import Any

import pytest

from rethinkdb import errors
from rethinkdb.pool import Dial, Pool, PoolOptions, PoolTimeoutError
from rethinkdb.pool.fates import Fate, fate_of
from rethinkdb.pool.reads import Doing
from rethinkdb.pool.retrying import Budget, GiveUp, Retrying, RetryPolicy, TryAgain

LOST = errors.ReqlConnectionLostError("Connection is closed.")
NOT_NOW = errors.ReqlOpFailedError(
    "Cannot perform write: primary replica for shard [-inf, +inf) not available"
)
MAYBE = errors.ReqlOpIndeterminateError("Cannot perform write: lost contact with primary replica")
GONE = errors.ReqlOpFailedError("Table `db.t` does not exist")

ALONE = (
    "The query failed because none of the servers were accessible. If it was an attempt to modify,"
    " the modification did not take place."
)

FATES: list[tuple[BaseException, Fate]] = [
    (LOST, Fate.UNKNOWN),
    (errors.ReqlCursorLostError("Connection is closed."), Fate.UNKNOWN),
    (MAYBE, Fate.UNKNOWN),
    (errors.ReqlInternalError(ALONE), Fate.UNKNOWN),
    (NOT_NOW, Fate.NOT_DONE),
    (errors.ReqlOpFailedError("Cannot perform read: lost contact with primary"), Fate.NOT_DONE),
    (errors.ReqlOpFailedError("Changefeed aborted (unavailable)"), Fate.NOT_DONE),
    (errors.ReqlOpFailedError("cannot subscribe to table `d.t`: primary replica"), Fate.NOT_DONE),
    (errors.ReqlOpFailedError("Table `d.t` is not available for any operations."), Fate.NOT_DONE),
    (GONE, Fate.FINAL),
    (errors.ReqlOpFailedError("Database `d` does not exist."), Fate.FINAL),
    # As each of these says what it wants to: the class decides, too.
    (errors.ReqlUserError("Cannot perform write: says the user"), Fate.FINAL),
    (errors.ReqlQueryLogicError("Cannot perform read: no sequence"), Fate.FINAL),
    (errors.ReqlInternalError("Unexpected exception: There is no table with the"), Fate.FINAL),
    (errors.ReqlPermissionError("User `u` does not have the required `read`"), Fate.FINAL),
    (errors.ReqlTimeoutError("a", 1), Fate.FINAL),
    (errors.ReqlDriverError("Query size (5) greater than maximum (4)."), Fate.FINAL),
    (PoolTimeoutError("no connection"), Fate.FINAL),
    (ValueError("Cannot perform read: of a decoder"), Fate.FINAL),
]


@pytest.mark.parametrize(("error", "fate"), FATES, ids=lambda value: str(value)[:40])
def test_fates(error: BaseException, fate: Fate) -> None:
    assert fate_of(error) is fate


def test_what_was_never_sent_has_not_begun() -> None:
    closed = errors.ReqlDriverError("Connection is closed.")
    assert fate_of(closed, sent=False) is Fate.NOT_BEGUN
    assert fate_of(LOST, sent=False) is Fate.NOT_BEGUN
    assert fate_of(closed) is Fate.FINAL
    assert fate_of(ValueError("of the program"), sent=False) is Fate.FINAL


def retrying(
    doing: Doing, idempotent: bool = False, deadline: float = math.inf, **policy: Any
) -> Retrying:
    chosen = RetryPolicy(**policy)
    return Retrying(chosen, Budget(chosen), lambda: 0.5, lambda: doing, idempotent, deadline)


AGAIN = {
    (Doing.READS, Fate.NOT_DONE),
    (Doing.READS, Fate.UNKNOWN),
    (Doing.WRITES_ONE, Fate.NOT_DONE),
}

ERRORS = {Fate.NOT_DONE: NOT_NOW, Fate.UNKNOWN: LOST, Fate.FINAL: GONE}


@pytest.mark.parametrize("doing", Doing)
@pytest.mark.parametrize("fate", ERRORS)
def test_the_table_of_doings_and_fates(doing: Doing, fate: Fate) -> None:
    error = ERRORS[fate]
    said = retrying(doing).failed(error, True, "a:1", 1, 0.0)
    assert isinstance(said, TryAgain) is ((doing, fate) in AGAIN)
    said = retrying(doing, idempotent=True).failed(error, True, "a:1", 1, 0.0)
    assert isinstance(said, TryAgain) is (fate is not Fate.FINAL)
    said = retrying(doing).failed(LOST, False, "a:1", 1, 0.0)
    assert said == TryAgain(0.025)


def test_what_a_query_does_is_looked_at_once_and_only_if_it_matters() -> None:
    asked = []

    def doing() -> Doing:
        asked.append(1)
        return Doing.READS

    policy = RetryPolicy()
    course = Retrying(policy, Budget(policy), lambda: 0.5, doing)
    course.failed(GONE, True, "a:1", 1, 0.0)
    course.failed(LOST, False, "a:1", 1, 0.0)
    assert not asked
    course.failed(LOST, True, "a:1", 1, 0.0)
    course.failed(NOT_NOW, True, "a:1", 1, 0.0)
    assert course.reads
    assert len(asked) == 1


def test_pauses_double_up_to_the_longest_and_are_jittered() -> None:
    course = retrying(Doing.READS, attempts=9)
    pauses = [course.failed(LOST, True, "a:1", 1, 0.0) for _ in range(8)]
    expected = [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert [said.at for said in pauses if isinstance(said, TryAgain)] == pytest.approx(
        [limit / 2 for limit in expected]
    )


def test_attempts_end_and_the_error_tells_of_them() -> None:
    course = retrying(Doing.READS)
    for host in ("a:1", "b:2", "a:1"):
        said = course.failed(errors.ReqlConnectionLostError(), True, host, 1, 0.0)
        assert isinstance(said, TryAgain)
    last = errors.ReqlConnectionLostError(host="b", port=2, cause=OSError("reset"))
    assert course.failed(last, True, "b:2", 1, 0.0) == GiveUp(last)
    assert last.tries == 4
    assert last.hosts == ("a:1", "b:2")
    assert str(last) == (
        "Connection is closed. The link to b:2 was lost: reset. Tried 4 times, on a:1, b:2."
    )
    assert isinstance(last.__cause__, OSError)
    assert pickle.loads(pickle.dumps(last)).tries == 4


class Shown:
    def render(self, frames: Any = None, enough: Any = None) -> Any:
        return "r.table('t')", (0, 12)


def test_an_error_that_shows_its_query_tells_of_attempts_on_a_line_of_its_own() -> None:
    course = retrying(Doing.READS, attempts=2)
    course.failed(LOST, True, "a:1", 1, 0.0)
    error = errors.ReqlOpFailedError("Cannot perform read: no.", Shown(), [])
    course.failed(error, True, "a:1", 1, 0.0)
    assert str(error).splitlines()[-1] == "Tried 2 times, on a:1."
    assert str(error).startswith("Cannot perform read: no in:\nr.table('t')\n")
    assert error.message == "Cannot perform read: no."


def test_a_cluster_that_needs_longer_than_the_attempts_is_told_of_with_advice() -> None:
    for attempts, advised in ((2, True), (9, True), (10, False)):
        course = retrying(Doing.WRITES_ONE, attempts=attempts)
        for _ in range(attempts):
            error = errors.ReqlOpFailedError("Cannot perform write: no.", Shown(), [])
            course.failed(error, True, "a:1", 1, 0.0)
        assert ("RetryPolicy(attempts=10)" in str(error)) is advised
        assert str(error).splitlines()[-1] == f"Tried {attempts} times, on a:1."


def test_a_final_error_at_once_is_left_as_it_is() -> None:
    error = errors.ReqlOpFailedError(GONE.message)
    retrying(Doing.READS).failed(error, True, "a:1", 1, 0.0)
    assert str(error) == "Table `db.t` does not exist"
    assert error.tries == 1
    assert error.hosts == ("a:1",)


def test_a_write_that_may_have_been_done_says_why_it_is_not_run_again() -> None:
    error = errors.ReqlOpIndeterminateError("Cannot perform write: lost contact")
    said = retrying(Doing.WRITES_ONE).failed(error, True, "a:1", 1, 0.0)
    assert said == GiveUp(error)
    assert "idempotent=True" in str(error)


def test_the_deadline_bounds_it() -> None:
    course = retrying(Doing.READS, deadline=10.0)
    assert course.failed(LOST, True, "a:1", 1, 9.9) == TryAgain(9.925)
    error = errors.ReqlConnectionLostError()
    assert course.failed(error, True, "a:1", 1, 9.98) == GiveUp(error)
    assert "deadline would have passed" in str(error)


def test_no_further_attempt_for_another_reason() -> None:
    course = retrying(Doing.READS)
    course.failed(LOST, True, "a:1", 1, 0.0)
    error = PoolTimeoutError("The pool had no connection.")
    assert course.ended(error) is error
    assert "Tried 1" not in str(error)
    assert error.hosts == ("a:1",)
    assert course.ended(ValueError("of the program")).args == ("of the program",)


def test_without_a_host() -> None:
    course = retrying(Doing.READS, attempts=2)
    course.failed(LOST, False, None, 1, 0.0)
    error = errors.ReqlConnectionLostError()
    course.failed(error, False, None, 1, 0.0)
    assert str(error).endswith("Tried 2 times, on no connection.")


def spend_all(budget: Budget, queries: int) -> int:
    count = 0
    while budget.spend(queries):
        count += 1
    return count


def test_the_budget_is_a_part_of_all_queries_and_a_reserve() -> None:
    budget = Budget(RetryPolicy(budget=0.1, reserve=10))
    assert spend_all(budget, 0) == 10
    assert spend_all(budget, 19) == 0  # the attempts again are queries, too, but earn nothing
    assert spend_all(budget, 20) == 1
    assert spend_all(budget, 511) == 49
    assert budget.spent == 60


def test_a_budget_holds_in_the_long_run() -> None:
    budget, random = Budget(RetryPolicy()), Random(3)
    queries = 0
    for _ in range(20_000):
        queries += 1
        while random.random() < 0.9 and budget.spend(queries):
            queries += 1
    assert budget.spent <= 0.1 * (queries - budget.spent) + 10
    assert budget.spent > 0.09 * (queries - budget.spent)


def test_savings_are_limited() -> None:
    budget = Budget(RetryPolicy())
    assert spend_all(budget, 10_000_000) == 1_000


def test_a_query_whose_budget_is_spent_is_not_run_again() -> None:
    course = retrying(Doing.READS, reserve=0)
    error = errors.ReqlConnectionLostError()
    assert course.failed(error, True, "a:1", 1, 0.0) == GiveUp(error)
    assert "budget of retries is spent" in str(error)


def test_no_budget_is_no_limit() -> None:
    budget = Budget(RetryPolicy(budget=None, reserve=0))
    assert all(budget.spend(0) for _ in range(10_000))
    assert budget.spent == 10_000


BAD: list[tuple[str, Any]] = [
    *(("attempts", bad) for bad in (0, -1, 1.5, "4", True, None)),
    *(("reserve", bad) for bad in (-1, 1.5, "4", True, None)),
    *(
        (name, bad)
        for name in ("first_pause", "longest_pause")
        for bad in (-1, "1", None, True, math.inf, math.nan)
    ),
    ("first_pause", 3),
    *(("budget", bad) for bad in (-0.1, 1.1, "0.1", True, math.nan)),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_option_is_named_with_its_value(name: str, value: Any) -> None:
    with pytest.raises(errors.ReqlDriverError) as caught:
        RetryPolicy(**{name: value})
    assert f"`{name}`" in str(caught.value)
    assert repr(value) in str(caught.value)


def test_a_policy_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        RetryPolicy().attempts = 9  # type: ignore[misc]


def test_a_pool_has_one_budget_for_all_its_queries() -> None:
    pool = Pool(PoolOptions(retry=RetryPolicy(reserve=2)), [("a", 1)])
    for _ in range(2):
        course = pool.retrying(lambda: Doing.READS, False, math.inf)
        assert isinstance(course.failed(LOST, True, "a:1", pool.queries, 0.0), TryAgain)
    course = pool.retrying(lambda: Doing.READS, False, math.inf)
    assert isinstance(course.failed(LOST, True, "a:1", pool.queries, 0.0), GiveUp)
    assert pool.stats().retried == 2


def test_a_pool_counts_all_attempts() -> None:
    pool = Pool(PoolOptions(), [("a", 1)])
    assert pool.queries == 0
    pool.ask(0.0)
    (member,) = (effect.member for effect in pool.effects if isinstance(effect, Dial))
    pool.opened(member, 0.0)
    pool.give_back(member, 0.0)
    assert pool.queries == 1
    pool.lost(member, None, 5.0)
    assert pool.queries == 1


def test_a_pool_without_retries_runs_nothing_again() -> None:
    pool = Pool(PoolOptions(retry=None), [("a", 1)])
    course = pool.retrying(lambda: Doing.READS, True, math.inf)
    error = errors.ReqlConnectionLostError()
    assert course.failed(error, False, "a:1", 0, 0.0) == GiveUp(error)
    assert str(error) == "Connection is closed."

"""A connection for one alone."""

from __future__ import annotations

import pytest

from rethinkdb.pool.errors import PoolTimeoutError
from rethinkdb.pool.members import State

from .world import World, error_of


def test_a_lent_connection_takes_no_queries() -> None:
    world = World(max_size=1)
    (member,) = world.opened()
    loan = world.borrow()
    assert loan.result() is member
    assert world.take() is None
    ask = world.ask()
    assert not ask.done()
    world.give_back_loan(member)
    assert ask.result() is member
    assert world.pool.stats().lent == 0


def test_one_without_queries_is_lent_at_once_and_best_one_without_cursors() -> None:
    world = World(min_size=3)
    _, second, third = world.opened()
    world.pool.pinned(third)
    world.pool.pinned(second, feed=True)
    first = world.borrow().result()
    assert first not in (second, third)
    assert world.borrow().result() in (second, third)


def test_with_none_unused_one_is_opened() -> None:
    world = World()
    (member,) = world.opened()
    world.take()
    loan = world.borrow()
    assert len(world.dials) == 1
    assert world.take() is member  # meanwhile the others go on
    opened = world.open_dial()
    assert loan.result() is opened


def test_at_the_limit_the_least_loaded_is_drained() -> None:
    world = World(min_size=2, max_size=2, per_connection=3)
    busy, quiet = world.opened()
    world.take(), world.take(), world.take()
    loads = {member: member.load for member in (busy, quiet)}
    quiet, busy = sorted(loads, key=lambda member: member.load)
    loan = world.borrow()
    assert quiet.state is State.DRAINING
    assert world.take() is busy
    assert world.take() is None
    world.give_back(quiet)
    assert loan.result() is quiet


def test_whichever_is_unused_first_is_lent() -> None:
    """One may be drained for long, by a query that takes long, while another becomes free."""
    world = World(min_size=2, max_size=2)
    world.opened()
    first, second = world.take(), world.take()
    loan = world.borrow()
    drained = next(m for m in (first, second) if m and m.state is State.DRAINING)
    other = first if drained is second else second
    world.give_back(other)
    assert loan.result() is other
    assert world.take() is drained


def test_the_line_is_one_for_both_kinds() -> None:
    world = World(max_size=1, per_connection=1)
    (member,) = world.opened()
    world.take()
    order: list[str] = []
    for name in ("share 1", "alone 2", "share 3", "share 4", "alone 5", "alone 6", "share 7"):
        ask = world.ask(exclusive=name.startswith("alone"))
        ask.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
    for _ in range(7):
        if member.state is State.LENT:
            world.give_back_loan(member)
        else:
            world.give_back(member)
    assert order == [
        "share 1", "alone 2", "share 3", "share 4", "alone 5", "alone 6", "share 7"
    ]  # fmt: skip


def test_who_shares_need_not_wait_for_who_waits_for_one_alone() -> None:
    world = World(min_size=2, max_size=2, per_connection=1)
    world.opened()
    first, second = world.take(), world.take()
    loan, ask = world.borrow(), world.ask()
    drained = next(m for m in (first, second) if m and m.state is State.DRAINING)
    other = first if drained is second else second
    world.give_back(other)  # is lent, as it is the first without queries
    assert loan.result() is other
    assert not ask.done()
    world.give_back(drained)
    assert ask.result() is drained


def test_who_shares_passes_who_waits_for_a_drained_one() -> None:
    world = World(min_size=2, max_size=2, per_connection=2)
    world.opened()
    world.take_all()
    loan = world.borrow()
    ask = world.ask()
    busy = next(m for m in world.pool._members if m.state is State.IN_TURN)
    world.give_back(busy)
    assert ask.result() is busy
    assert not loan.done()


def test_giving_up_lets_the_drained_one_take_queries_again() -> None:
    world = World(max_size=1, per_connection=2)
    (member,) = world.opened()
    world.take()
    loan = world.borrow()
    ask = world.ask()
    assert not ask.done()
    world.cancel(loan)
    assert ask.result() is member


def test_waiting_in_vain_for_a_drained_one() -> None:
    world = World(max_size=1)
    (member,) = world.opened()
    world.take()
    loan = world.borrow()
    world.wait(10)
    assert isinstance(error_of(loan), PoolTimeoutError)
    assert world.take() is member


def test_a_loan_not_taken_goes_back() -> None:
    world = World(max_size=1)
    (member,) = world.opened()
    loan = world.borrow()
    assert loan.done()
    world.cancel(loan)
    assert world.take() is member


def test_a_loan_given_up_between_decision_and_outcome_goes_back() -> None:
    world = World(min_size=2, max_size=2, per_connection=1)
    world.opened()
    lent, taken = world.borrow().result(), world.take()
    ask, loan = world.ask(), world.borrow()

    def give_up(_: object) -> None:
        world.give_back_loan(lent)
        assert not loan.done()  # it will be, when this has returned
        world.cancel(loan)

    ask.add_done_callback(give_up)
    world.give_back(taken)
    assert ask.result() is taken
    assert world.take() is lent


def test_handed_back_unclean_it_is_closed_and_replaced() -> None:
    world = World(max_size=1)
    (member,) = world.opened()
    world.borrow()
    ask = world.ask()
    world.give_back_loan(member, clean=False)
    assert world.closes == [(member, True)]
    assert not world.dials  # it would be one too many
    world.close_one()
    assert ask.done() is False
    assert world.open_dial() is ask.result()


def test_handed_back_unclean_it_is_kept_for_the_cursors_of_others() -> None:
    world = World(max_size=1)
    (member,) = world.opened()
    world.take()
    world.pool.pinned(member)
    world.give_back(member)
    world.borrow()
    world.give_back_loan(member, clean=False)
    assert not world.closes
    world.unpin(member)
    assert world.closes == [(member, True)]


@pytest.mark.parametrize("cause", [None, OSError("reset")])
def test_closed_by_its_borrower_or_lost_it_is_replaced(cause: OSError | None) -> None:
    world = World()
    (member,) = world.opened()
    world.borrow()
    world.wait(5)
    world.pool.lost(member, cause, world.now)
    world.carry_out()
    assert len(world.dials) == 1
    assert world.events == ["opened", "lost"][: 1 if cause is None else 2]
    world.give_back_loan(member)
    assert world.pool.stats().size == 1
    assert world.pool.stats().lost == (cause is not None)


def test_with_all_lent_everybody_waits() -> None:
    world = World(min_size=2, max_size=2)
    world.opened()
    first, second = world.borrow().result(), world.borrow().result()
    asks = [world.borrow(), world.ask(), world.borrow()]
    assert not any(ask.done() for ask in asks)
    world.give_back_loan(first)
    world.give_back_loan(second)
    assert [ask.done() for ask in asks] == [True, True, False]

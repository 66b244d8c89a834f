"""A feed over its runs: gaps, tries, ends, and what is asked of the loop meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import rethinkdb as r
from rethinkdb.errors import (
    ReqlAuthError,
    ReqlCursorEmpty,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlNonExistenceError,
    ReqlOpFailedError,
    ReqlPermissionError,
    ReqlTimeoutError,
)
from rethinkdb.net.query import Query
from rethinkdb.net.stream import Stream
from rethinkdb.pool import PoolClosedError, PoolTimeoutError
from rethinkdb.pool.feeds import Begin, Cease, Pause, Pull, Run, Stop
from rethinkdb.pool.resuming import Resumption
from rethinkdb.pool.retrying import RetryPolicy
from rethinkdb.ql2 import QueryType

from .feed_world import ABORTED, START, Connection, World

GONE = ReqlOpFailedError("Table `test.t` does not exist.")
NOT_NOW = ReqlOpFailedError("Cannot perform read: primary replica not available")


def restarted(**options: Any) -> World:
    return World(resume="restart", **options).open()


def test_after_a_loss_comes_a_gap_and_then_what_has_changed_since() -> None:
    world = restarted()
    assert world.feed.opened.result() is world.feed
    assert world.feed.is_feed
    assert world.feed.token == 7
    world.server.write("a", {"id": "a", "n": 1})
    world.now = 10.0
    world.serve()
    assert [item["new_val"] for item in world.take()] == [{"id": "a", "n": 1}]
    world.now = 30.0
    world.lose()
    world.server.write("b", {"id": "b", "n": 1})
    world.serve()
    gap, item = world.take()
    assert gap == {
        "state": "gap",
        "since": START + timedelta(seconds=10),
        "until": START + timedelta(seconds=30 + world.pauses[0]),
        "cause": "Connection is closed.",
    }
    assert item == {"old_val": None, "new_val": {"id": "b", "n": 1}}
    assert world.asked == 0


def test_a_feed_that_the_server_ends_is_run_again() -> None:
    world = restarted()
    world.abort()
    (gap,) = world.take()
    assert gap["cause"] == ABORTED


def test_what_had_arrived_comes_before_the_gap() -> None:
    world = restarted(include_initial=True)
    world.server.write("a", {"id": "a", "n": 1})
    world.serve()
    world.lose()
    kinds = [item.get("state", "row") for item in world.take()]
    assert kinds == ["row", "gap", "row"]


def test_gaps_that_follow_each_other_are_one() -> None:
    world = restarted()
    world.lose()
    first = world.feed.buffer[0]
    ends = first["until"]
    world.now = 5.0
    world.lose()  # it waits until the consumer has seen the first gap
    assert world.runs == 2
    world.feed.read_ahead()
    world.feed.low_water = 2
    world.feed.read_ahead()
    world.act()
    assert world.runs == 3
    assert list(world.feed.buffer) == [first]
    assert first["until"] > ends


def test_a_dropped_table_ends_the_feed() -> None:
    """The feed ends with the same text as when a primary moves: only the next run tells."""
    world = restarted()
    world.errors.append(GONE)
    world.abort()
    waiter = world.feed.next()
    with pytest.raises(ReqlOpFailedError, match="does not exist") as raised:
        waiter.result()
    assert str(raised.value.__cause__) == ABORTED
    assert world.feed.finished


@pytest.mark.parametrize(
    "error", [ReqlPermissionError("no"), ReqlAuthError("no", "db", 28015), KeyError("x")]
)
def test_what_would_fail_again_is_not_tried_again(error: Exception) -> None:
    world = restarted()
    world.errors.append(error)
    world.lose()
    with pytest.raises(type(error)):
        world.feed.next().result()
    assert world.runs == 1


def test_an_error_of_the_query_itself_ends_the_feed() -> None:
    world = restarted()
    world.lose(ReqlNonExistenceError("No attribute `x` in object"))
    with pytest.raises(ReqlNonExistenceError):
        world.feed.next().result()
    assert world.runs == 1


def test_what_may_pass_is_tried_again_with_pauses_that_double() -> None:
    world = restarted()
    world.errors += [NOT_NOW, PoolTimeoutError("none in time"), NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW]
    world.lose()
    assert world.pauses == pytest.approx([0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0])
    assert world.runs == 2
    world.now += 60.0
    world.settle()
    world.lose()
    assert world.pauses[-1] == pytest.approx(0.025)


def test_runs_that_end_at_once_are_not_repeated_without_pauses() -> None:
    world = restarted()
    for _ in range(8):
        world.lose()
        world.take()
    assert world.pauses[-1] == pytest.approx(1.0)


def test_tries_are_bounded() -> None:
    world = restarted(policy=RetryPolicy(feed_attempts=3))
    refusals = [ReqlOpFailedError(NOT_NOW.message) for _ in range(5)]
    world.errors += refusals
    world.lose()
    with pytest.raises(ReqlOpFailedError, match="Cannot perform read") as raised:
        world.feed.next().result()
    assert raised.value.tries == 3
    assert isinstance(raised.value.__cause__, ReqlCursorLostError)
    assert len(world.errors) == 2
    with pytest.raises(ReqlDriverError, match="feed_attempts"):
        RetryPolicy(feed_attempts=0)


def test_tries_may_be_endless() -> None:
    world = restarted(policy=RetryPolicy(feed_attempts=None))
    world.errors += [NOT_NOW] * 500
    world.lose()
    assert world.runs == 2


def test_the_first_run_is_tried_again_too() -> None:
    for resume in ("restart", "diff"):
        world = World(resume=resume)
        world.errors += [NOT_NOW, NOT_NOW]
        world.open()
        assert world.runs == 1
        assert len(world.pauses) == 2
        assert world.feed.opened.done()
        assert not world.take()  # nothing was lost: no gap


def test_a_first_run_that_fails() -> None:
    world = World(resume="restart")
    world.errors.append(GONE)
    world.open()
    with pytest.raises(ReqlOpFailedError, match="does not exist"):
        world.feed.opened.result()
    assert world.feed.finished


def test_a_pool_that_is_closed_ends_the_feed_as_it_ends_plain_ones() -> None:
    world = restarted()
    world.errors.append(PoolClosedError("The pool is closed."))
    world.lose()
    with pytest.raises(ReqlCursorLostError, match="Connection is closed"):
        world.feed.next().result()
    world = restarted()
    world.errors.append(PoolClosedError("The pool is closed."))
    world.abort()
    with pytest.raises(PoolClosedError) as raised:
        world.feed.next().result()
    assert str(raised.value.__cause__) == ABORTED
    world = World(resume="restart")
    world.errors.append(PoolClosedError("The pool is closed."))
    world.open()
    with pytest.raises(PoolClosedError):
        world.feed.opened.result()


def test_a_pool_that_is_closed_does_not_say_that_its_feeds_go_on(caplog: Any) -> None:
    world = restarted()
    world.pool_closed = True
    world.lose()
    with pytest.raises(ReqlCursorLostError, match="Connection is closed"):
        world.feed.next().result()
    assert world.runs == 1
    assert not caplog.records


def test_a_feed_that_ends_by_itself() -> None:
    world = restarted()
    assert world.link is not None
    world.link.end(None)
    with pytest.raises(ReqlCursorEmpty):
        world.feed.next().result()
    world = World(resume="restart", include_initial=True)
    world.follows_at_once = False
    world.open()
    step = world.feed.step()
    assert step is not None
    stream = Stream(Query(QueryType.START, b"", lambda _: None), 1, int, int)  # type: ignore[arg-type,return-value]
    stream.end(None)
    connection: Any = Connection()
    world.feed.answered(r_cursor(connection, stream))
    assert world.feed.opened.result() is world.feed
    assert world.feed.finished


def r_cursor(connection: Any, stream: Stream) -> Any:
    from rethinkdb.net.cursor import BaseCursor

    return BaseCursor(connection, stream)


def test_closing_stops_the_run() -> None:
    world = restarted()
    world.feed.close()
    world.feed.close()
    world.act()
    assert world.link is not None
    assert world.link.stopped
    with pytest.raises(ReqlCursorEmpty):
        world.feed.next().result()
    assert world.feed.step() is None
    world.feed.read_ahead()
    assert not world.feed.effects


def test_it_is_stopped_when_the_server_has_answered_the_stop_of_its_run() -> None:
    world = restarted()
    assert world.feed.stopped().done()  # there is nothing to wait for
    cursor = world.feed.cursor
    world.feed.close()
    stopped = world.feed.stopped()
    assert not stopped.done()
    assert world.feed.cursor is cursor  # whoever waits must read from its connection
    world.act()
    world.feed.left()
    assert stopped.done()
    assert world.feed.cursor is None


def test_closing_while_it_is_being_run_again() -> None:
    world = restarted()
    world.follows_at_once = False
    world.lose()
    pause, run = world.feed.step(), world.feed.step()
    assert pause is not None
    assert run is not None
    world.feed.close()
    assert [type(effect) for effect in world.feed.effects] == [Cease]
    world.feed.failed(NOT_NOW)  # its late outcome, or
    stream = Stream(Query(QueryType.START, b"", lambda _: None), 1, int, int)  # type: ignore[arg-type,return-value]
    connection: Any = Connection()
    world.feed.answered(r_cursor(connection, stream))
    world.feed.answered(None)
    assert stream.finished


def test_closing_while_it_rests() -> None:
    world = World(include_initial=True).open()
    world.serve()
    world.lose()
    world.feed.close()
    assert not world.feed.effects


def test_giving_up_the_opening_closes_it() -> None:
    world = World(resume="restart")
    world.follows_at_once = False
    opened = world.feed.open()
    assert [type(effect) for effect in world.feed.effects] == [Begin]
    opened.abandon()
    assert world.feed.finished
    world = restarted()
    world.feed.opened.abandon()  # it was settled, and nobody had taken it
    assert [type(effect) for effect in world.feed.effects] == [Stop]


def test_batches_are_asked_for_as_by_a_plain_stream() -> None:
    world = restarted(include_initial=True)
    for number in range(9):
        world.server.write(str(number), {"id": str(number), "n": 1})
    world.serve(3)
    world.serve(3)
    assert world.link is not None
    assert len(world.feed.buffer) == 6
    assert not world.link.owed
    world.feed.take()
    assert not world.feed.effects
    for _ in range(3):
        world.feed.take()
    assert [type(effect) for effect in world.feed.effects] == [Pull]
    world.act()
    assert world.link.owed
    world.lose()
    world.feed.effects.clear()
    world.feed._cursor = None
    world.feed.pull()  # the run has ended meanwhile


@pytest.mark.parametrize("resume", ["restart", "diff"])
def test_rows_that_are_taken_before_the_feed_hears_of_them_do_not_silence_it(resume: str) -> None:
    """Another thread may take rows as soon as they are in the buffer, and wait for more."""
    world = World(resume=resume).open()
    world.server.write("a", {"id": "a", "n": 0})
    world.serve()
    world.server.write("a", {"id": "a", "n": 1})
    taken = overtaken(world)
    world.serve()
    assert [item["new_val"]["n"] for item in taken] == [0, 1]
    world.server.write("a", {"id": "a", "n": 2})
    world.serve()
    assert [item["new_val"]["n"] for item in taken] == [0, 1, 2]


def overtaken(world: World) -> list[Any]:
    """Take the items of the next batch, and wait for more, before the feed hears of the batch."""
    assert world.link is not None
    stream = world.link.stream
    taken: list[Any] = []
    heard, front = stream.follower, stream.front
    assert heard is not None

    def late() -> None:
        stream.follower, stream.front = heard, front
        taken.extend(world.feed.take_batch())
        world.feed.next().add_done_callback(lambda waiter: taken.append(waiter.result()))
        heard()

    stream.follower, stream.front = late, None
    return taken


def test_a_late_word_of_a_run_is_not_heard() -> None:
    world = restarted()
    stale = world.feed._followed
    world.feed.close()
    stale()
    assert world.feed.finished


def test_a_query_that_is_no_feed() -> None:
    world = World(resume="restart")
    world.follows_at_once = False
    world.open()
    world.feed.step()
    world.feed.answered([1, 2])
    with pytest.raises(ReqlDriverError, match="is for changefeeds"):
        world.feed.opened.result()


def test_changes_that_the_server_has_dropped_are_compared_for_not_reported() -> None:
    world = World(include_initial=True).open()
    assert world.link is not None
    world.server.write("a", {"id": "a", "n": 1})
    world.link.changes.queue.append({"error": "Changefeed cache over array size limit, skipped 3"})
    world.server.rows["b"] = {"id": "b", "n": 1}
    world.serve()
    rows = [item["new_val"]["id"] for item in world.settle()]
    assert rows == ["a", "b"]
    assert world.runs == 2


def test_a_restarted_feed_shows_that_changes_were_dropped() -> None:
    world = restarted()
    assert world.link is not None
    world.link.changes.queue.append({"error": "skipped 3"})
    world.serve()
    assert world.take() == [{"error": "skipped 3"}]
    assert world.runs == 1


@pytest.mark.parametrize("row", [{"n": 1}, 5, None])
def test_rows_without_a_primary_key_end_the_feed(row: Any) -> None:
    for initial in (True, False):
        world = World(include_initial=initial).open()
        assert world.link is not None
        item = {"new_val": row, "old_val": None} if row is not None else 7
        payload = b'{"t":3,"r":[%s]}' % r_json(item)
        with pytest.raises(ReqlDriverError, match="no primary key 'id'"):
            world.link.stream.query.decode(payload)


def r_json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()


def test_other_replies_are_left_alone() -> None:
    world = World(include_initial=True).open()
    assert world.link is not None
    decode = world.link.stream.query.decode
    assert decode(b'{"t":1,"r":[5]}').results == [5]
    with pytest.raises(ValueError, match="not a JSON object"):
        decode(b"[]")
    with pytest.raises(ValueError, match="no list r"):
        decode(b'{"t":3,"r":7}')


def test_a_multi_index_is_refused_once_the_server_has_told() -> None:
    query = r.table("t").between(0, 2, index="tags").changes()
    world = World(query)
    world.facts = [
        "id",
        [
            {"index": "n", "multi": True},
            {"index": "tags", "multi": True},
        ],
    ]
    world.open()
    with pytest.raises(ReqlDriverError, match="'tags' is a multi index"):
        world.feed.opened.result()


def test_a_decoder_that_fails_on_what_is_told_ends_the_feed(monkeypatch: Any) -> None:
    from rethinkdb.pool import views

    class Fussy(r.ReQLDecoder):
        def decode(self, text: str, *args: Any) -> Any:
            if '"new_val": null' in text and "b" in text:
                raise RuntimeError("I will not")
            return super().decode(text)

    monkeypatch.setattr(views, "GONE_AT_ONCE", 1)
    world = World(decoder=Fussy, include_initial=True)
    for key in "abc":
        world.server.write(key, {"id": key, "n": 1})
    world.open()
    world.settle()
    world.lose()
    world.server.rows.clear()
    (gone,) = world.take(1)
    assert gone["old_val"]["id"] == "a"
    with pytest.raises(RuntimeError):
        world.feed.next().result()
    world.act()
    assert world.link is not None
    assert world.link.stopped


def test_a_consumer_may_ask_while_the_feed_is_being_run() -> None:
    world = World(resume="restart")
    world.follows_at_once = False
    world.feed.open()
    waiter = world.feed.next()
    world.feed.low_water = 1
    world.feed.read_ahead()
    world.feed.read_ahead()
    assert [type(effect) for effect in world.feed.effects] == [Begin]
    world.feed.close()
    world.feed._pull()
    with pytest.raises(ReqlCursorEmpty):
        waiter.result()


def test_timeouts_of_the_pool_are_no_end() -> None:
    world = restarted()
    world.errors.append(ReqlTimeoutError("db", 28015))
    world.lose()
    assert world.runs == 2


def test_what_is_left_of_the_time_for_opening_is_told_to_each_run() -> None:
    world = World(opens_by=10.0)
    world.follows_at_once = False
    world.feed.open()
    step = world.feed.step()
    assert isinstance(step, Run)
    assert step.options["deadline"] == pytest.approx(10.5)
    world.now = 9.0
    world.feed.answered(["id"])
    step = world.feed.step()
    assert isinstance(step, Run)
    assert step.options["deadline"] == pytest.approx(1.5)
    world.now = 10.0
    world.feed.failed(NOT_NOW)
    with pytest.raises(ReqlOpFailedError):
        world.feed.opened.result()


def test_a_feed_whose_loop_ends_is_cut_off() -> None:
    world = restarted()
    world.feed.cut_off(ReqlDriverError("The loop has ended."))
    world.feed.cut_off(ReqlDriverError("The loop has ended twice."))
    with pytest.raises(ReqlDriverError, match="has ended"):
        world.feed.next().result()


def test_a_feed_that_nobody_holds_any_more_is_dropped() -> None:
    world = restarted()
    assert world.feed.cursor is not None
    world.feed.drop()
    assert world.link is not None
    assert world.link.stopped
    assert world.feed.step() is None
    world = World(resume="restart")
    world.feed.drop()
    assert world.feed.finished


def test_a_feed_that_is_dropped_while_it_gets_its_run_stops_that_run(monkeypatch: Any) -> None:
    """The garbage collector may call `drop` at any point."""
    world = World(resume="restart")
    began = Resumption.began

    def dropped(*args: Any) -> Any:
        world.feed.drop()
        return began(*args)

    monkeypatch.setattr(Resumption, "began", dropped)
    world.open()
    assert world.link is not None
    assert world.link.stopped


def test_a_loss_in_the_midst_of_its_background_work_begins_no_second_one() -> None:
    world = World(resume="restart")
    world.follows_at_once = False
    world.feed.open()
    world.feed.effects.clear()
    world.feed.step()
    stream = Stream(Query(QueryType.START, b"", lambda _: None), 1, int, int)  # type: ignore[arg-type,return-value]
    stream.end(ReqlCursorLostError("Connection is closed.", None, []))
    connection: Any = Connection()
    world.feed.answered(r_cursor(connection, stream))
    assert not world.feed.effects
    assert isinstance(world.feed.step(), Pause)
    assert isinstance(world.feed.step(), Run)


class Interrupt(BaseException):
    """What a signal handler raises."""


def interrupted(world: World, error: Exception) -> int:
    """End the run. The first one that hears of that is interrupted. Returns how many have heard."""
    heard: list[None] = []

    def changed() -> None:
        heard.append(None)
        if len(heard) == 1:
            raise Interrupt

    world.feed.on_change = changed
    assert world.link is not None
    stream = world.link.stream
    with pytest.raises(Interrupt):
        world.link.end(error)
    stream.serve()  # as is done after an interrupt
    world.act()
    return len(heard)


def test_a_loss_that_was_interrupted_is_heard_of_again() -> None:
    world = restarted()
    waiter = world.feed.next()
    assert interrupted(world, ReqlCursorLostError("Connection is closed.", None, [])) > 1
    assert world.runs == 2
    assert waiter.result()["state"] == "gap"


def test_a_loss_after_which_nothing_was_begun_is_heard_of_again() -> None:
    world = restarted()
    waiter = world.feed.next()
    act, asked = world.feed._act, list[None]()

    def interrupted_once(feed: Any) -> None:
        asked.append(None)
        if len(asked) == 1:
            raise Interrupt
        act(feed)

    world.feed._act = interrupted_once
    assert world.link is not None
    stream = world.link.stream
    with pytest.raises(Interrupt):
        world.link.end(ReqlCursorLostError("Connection is closed.", None, []))
    stream.serve()  # as is done after an interrupt
    assert world.runs == 2
    assert waiter.result()["state"] == "gap"


def test_an_end_that_was_interrupted_is_told_all_the_same() -> None:
    world = restarted()
    waiter = world.feed.next()
    interrupted(world, GONE)
    assert waiter.exception() is GONE


def test_an_opening_whose_end_was_interrupted_fails_all_the_same() -> None:
    world = World()
    world.server.write("a", {"id": "a", "n": 1})
    world.server.write("b", {"id": "b", "n": 1})
    world.batch = 1
    world.open()
    assert not world.feed.opened.done()
    interrupted(world, GONE)
    assert world.feed.opened.exception() is GONE


def test_what_is_begun_twice_is_followed_once() -> None:
    world = World(resume="restart")
    world.follows_at_once = False
    assert not world.feed.claim()  # nothing is to be done
    world.feed.open()
    assert world.feed.claim()
    assert not world.feed.claim()
    world.follows_at_once = True
    world.act()
    assert not world.feed.claim()
    world.lose()
    assert world.runs == 2
    world.take()
    world.follows_at_once = False
    world.lose()
    assert world.feed.claim()


def test_a_pool_does_not_run_the_runs_of_a_feed_again_by_itself() -> None:
    class Renewal:
        forgotten = 0

        def forget(self) -> None:
            self.forgotten += 1

    world = World(resume="restart")
    world.follows_at_once = False
    world.feed.open()
    world.feed.step()
    stream = Stream(Query(QueryType.START, b"", lambda _: None), 1, int, int)  # type: ignore[arg-type,return-value]
    stream.renewal = renewal = Renewal()
    connection: Any = Connection()
    cursor = r_cursor(connection, stream)
    world.feed.answered(cursor)
    assert stream.renewal is None
    assert renewal.forgotten == 1

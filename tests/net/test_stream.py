"""Cursors: batches, read-ahead, STOP, errors, close and loss."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb.codec import Codec
from rethinkdb.errors import (
    ReqlConnectionLostError,
    ReqlCursorEmpty,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlQueryLogicError,
    ReqlRuntimeError,
)
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter
from rethinkdb.ql2 import ResponseNote

from .pair import (
    ATOM,
    CLIENT_ERROR,
    CONTINUE,
    PARTIAL,
    RUNTIME_ERROR,
    SEQUENCE,
    STOP,
    Pair,
    byte_by_byte,
    failure,
    settled,
    whole,
)

splits = pytest.mark.parametrize("split", [whole, byte_by_byte])


def drain(stream):
    """All items at hand, by next()."""
    items = []
    while stream.buffer:
        items.append(settled(stream.next()))
    return items


def empty(stream):
    """Asserts that it ended well, and says so each time."""
    for _ in range(2):
        assert settled(stream.has_next()) is False
        assert isinstance(failure(stream.next()), ReqlCursorEmpty)
    return True


# Batches.


@splits
def test_a_sequence_in_one_batch_sends_no_continue(split):
    pair = Pair(split=split)
    waiter, token = pair.run()
    pair.answer(token, SEQUENCE, 1, 2)
    stream = settled(waiter)
    assert pair.types() == []
    assert stream.finished
    assert stream.stopped() is None  # the session knows
    assert stream.error is None
    assert settled(stream.has_next()) is True
    assert drain(stream) == [1, 2]
    assert empty(stream)
    assert pair.session.tokens_in_use == 0


@splits
def test_batches(split):
    pair = Pair(split=split)
    stream, token = pair.stream(1, 2)
    assert stream.token == token
    assert not stream.finished
    pair.answer(token, SEQUENCE, 3)
    assert stream.finished
    assert drain(stream) == [1, 2, 3]
    assert empty(stream)
    assert pair.types() == []
    assert pair.session.tokens_in_use == 0


def test_read_ahead_is_one_batch():
    pair = Pair()
    stream, token = pair.stream(1, 2, 3)
    pair.answer(token, PARTIAL, 4, 5, 6)
    assert [stream.take() for _ in range(3)] == [1, 2, 3]
    assert pair.types() == []  # three unused items, as many as the last batch brought
    assert stream.take() == 4
    assert pair.types() == [CONTINUE]
    pair.answer(token, PARTIAL, 7)
    assert pair.types() == []
    assert [stream.take() for _ in range(2)] == [5, 6]
    assert pair.types() == []
    assert stream.take() == 7
    assert pair.types() == [CONTINUE]
    pair.answer(token, SEQUENCE)
    assert empty(stream)


def test_read_ahead_of_batches_of_different_sizes():
    pair = Pair()
    stream, token = pair.stream(*range(10))
    pair.answer(token, PARTIAL, *range(10, 30))
    assert pair.types() == []  # two batches, and no more
    assert len(stream.buffer) == 30
    assert [stream.take() for _ in range(10)] == list(range(10))
    assert pair.types() == []
    stream.take()
    assert pair.types() == [CONTINUE]
    pair.answer(token, PARTIAL, 30)
    assert pair.types() == []
    assert len(stream.take_batch()) == 20
    assert pair.types() == [CONTINUE]
    pair.answer(token, PARTIAL, *range(31, 40))
    assert pair.types() == [CONTINUE]  # nothing is left of earlier ones


def test_read_ahead_when_a_part_of_a_batch_is_taken_while_the_next_one_travels():
    pair = Pair()
    stream, token = pair.stream(1, 2, 3, 4)
    assert stream.take() == 1
    pair.answer(token, PARTIAL, 5, 6, 7, 8)
    assert pair.types() == []
    assert [stream.take() for _ in range(3)] == [2, 3, 4]
    assert pair.types() == []
    assert stream.take() == 5
    assert pair.types() == [CONTINUE]


WAYS = ["take", "take_batch", "next", "has_next", "directly"]


@given(
    st.lists(
        st.tuples(st.sampled_from([*WAYS, "arrive"]), st.integers(0, 5)), min_size=5, max_size=60
    )
)
def test_two_batches_and_no_more_whatever_way_items_are_taken(steps):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL)
    stream = settled(waiter)
    asked, batches = len(pair.types()), 0
    for way, count in steps:
        if way == "arrive":
            if asked:
                batches += 1
                asked -= 1
                pair.answer(token, PARTIAL, *[batches] * count)
        elif way == "take_batch":
            stream.take_batch()
        else:
            for _ in range(min(count, len(stream.buffer))):
                if way == "directly":
                    stream.buffer.popleft()
                    settled(stream.read_ahead())
                else:
                    getattr(stream, way)()
        asked += len(pair.types())
        assert len(set(stream.buffer)) + asked <= 2
        assert stream.buffer or asked == 1  # whoever keeps up waits for what is under way


def test_take_needs_an_item():
    pair = Pair()
    stream, _ = pair.stream()
    with pytest.raises(IndexError):
        stream.take()


def test_take_batch():
    pair = Pair()
    stream, token = pair.stream(1, 2)
    pair.answer(token, PARTIAL, 3, 4)
    assert pair.types() == []
    assert stream.take_batch() == [1, 2, 3, 4]
    assert pair.types() == [CONTINUE]
    assert stream.take_batch() == []
    assert pair.types() == []
    pair.answer(token, SEQUENCE, 5)
    assert stream.take_batch() == [5]
    assert empty(stream)


def test_taking_from_the_buffer_directly():
    pair = Pair()
    stream, token = pair.stream(1)
    pair.answer(token, PARTIAL, 2)
    assert stream.low_water == 1
    assert settled(stream.read_ahead()) is None
    assert pair.types() == []
    assert [stream.buffer.popleft(), stream.buffer.popleft()] == [1, 2]
    settled(stream.read_ahead())
    assert pair.types() == [CONTINUE]
    settled(stream.read_ahead())
    assert pair.types() == []


@pytest.mark.parametrize("operation", ["next", "has_next"])
def test_whoever_finds_the_buffer_empty_asks_for_more(operation):
    pair = Pair()
    stream, token = pair.stream(1)
    pair.answer(token, PARTIAL, 2)
    stream.buffer.clear()
    waiter = getattr(stream, operation)()
    assert pair.types() == [CONTINUE]
    pair.answer(token, SEQUENCE, 3)
    assert settled(waiter) in (3, True)


@splits
def test_a_feed_that_is_kept_up_with_always_has_a_continue_outstanding(split):
    pair = Pair(split=split)
    waiter, token = pair.run()
    pair.answer(token, PARTIAL, n=[ResponseNote.SEQUENCE_FEED, ResponseNote.INCLUDES_STATES])
    feed = settled(waiter)
    assert feed.is_feed
    assert feed.notes == (1, 5)
    assert pair.types() == [CONTINUE]
    for n in range(3):
        item = feed.next()
        assert not item.done()
        pair.answer(token, PARTIAL, n)
        assert settled(item) == n
        assert pair.types() == [CONTINUE]
    assert feed.notes == (1, 5)


@pytest.mark.parametrize(
    ("notes", "is_feed"), [([], False), ([5], False), ([2], True), ([3], True), ([4], True)]
)
def test_is_feed(notes, is_feed):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL, n=notes)
    assert settled(waiter).is_feed is is_feed


def test_each_batch_has_its_profile():
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL, 1, p=["first"])
    stream = settled(waiter)["value"]
    pair.answer(token, SEQUENCE, 2, p=["second"])
    assert list(stream.profiles) == [["first"], ["second"]]


# Waiting.


@splits
def test_waiters_are_served_in_order(split):
    pair = Pair(split=split)
    stream, token = pair.stream()
    first, known, second, third = stream.next(), stream.has_next(), stream.next(), stream.next()
    pair.answer(token, PARTIAL, "a")
    assert settled(first) == "a"
    assert not known.done()
    pair.answer(token, PARTIAL, "b")
    assert settled(known) is True
    assert settled(second) == "b"
    pair.answer(token, SEQUENCE)
    assert isinstance(failure(third), ReqlCursorEmpty)
    assert empty(stream)


def test_abandoning_a_next_loses_nothing():
    pair = Pair()
    stream, token = pair.stream()
    first, second = stream.next(), stream.next()
    first.abandon()
    pair.answer(token, PARTIAL, "a", "b")
    assert settled(second) == "a"
    assert settled(stream.next()) == "b"
    assert STOP not in pair.types()


def test_abandoning_a_next_whose_item_nobody_read_loses_nothing():
    pair = Pair()
    stream, token = pair.stream()
    first, second, third = stream.next(), stream.next(), stream.next()
    pair.answer(token, PARTIAL, "a", "b")
    first.abandon()
    assert settled(second) == "b"
    assert settled(third) == "a"
    immediate = stream.next()
    pair.answer(token, PARTIAL, "c")
    immediate.abandon()
    assert settled(stream.next()) == "c"


def test_items_put_back_are_the_next_ones_again():
    pair = Pair()
    stream, token = pair.stream()
    pair.answer(token, PARTIAL, "a", "b", "c")
    taken = [stream.take(), stream.take()]
    assert settled(stream.put_back(taken)) is None
    assert list(stream.buffer) == ["a", "b", "c"]


def test_items_put_back_go_to_those_who_wait():
    pair = Pair()
    stream, token = pair.stream()
    pair.answer(token, PARTIAL, "a", "b")
    taken = stream.take_batch()
    first, second = stream.next(), stream.next()
    stream.put_back(taken)
    assert (settled(first), settled(second)) == ("a", "b")
    assert STOP not in pair.types()


def test_items_put_back_by_who_is_told_of_the_error_stay():
    pair = Pair()
    stream, token = pair.stream()
    pair.answer(token, PARTIAL, "a", "b")
    taken = stream.take_batch()
    stream.next().add_done_callback(lambda waiter: stream.put_back(taken))
    pair.answer(token, RUNTIME_ERROR, "lost")
    assert list(stream.buffer) == ["a", "b"]


def test_a_stream_counts_the_items_that_have_come():
    pair = Pair()
    stream, token = pair.stream()
    pair.answer(token, PARTIAL, "a", "b")
    assert stream.received == 2
    stream.take_batch()
    pair.answer(token, SEQUENCE, "c")
    assert stream.received == 3


def test_abandoning_has_next():
    pair = Pair()
    stream, token = pair.stream()
    stream.has_next().abandon()
    pair.answer(token, PARTIAL, "a")
    assert settled(stream.next()) == "a"


def test_an_item_that_interrupts_kept_from_its_waiter_goes_to_the_next(monkeypatch):
    pair = Pair()
    stream, _ = pair.stream()
    first = stream.next()

    def interrupt(*args):
        raise KeyboardInterrupt

    serve = stream.serve
    with monkeypatch.context() as patch:
        patch.setattr(Waiter, "set_result", interrupt)
        patch.setattr(Stream, "serve", interrupt)
        stream.buffer.append("a")
        with pytest.raises(KeyboardInterrupt):
            serve()
    assert not stream.buffer
    first.abandon()
    assert settled(stream.next()) == "a"


def test_has_next_takes_nothing():
    pair = Pair()
    stream, token = pair.stream()
    known = stream.has_next()
    pair.answer(token, PARTIAL, "a")
    assert settled(known) is True
    assert settled(stream.has_next()) is True
    assert settled(stream.next()) == "a"


def test_another_thread_may_be_quicker():
    class Contended(deque):
        def popleft(self):
            self.clear()
            return super().popleft()

    pair = Pair()
    stream, token = pair.stream()
    waiter = stream.next()
    stream.buffer = Contended()
    pair.answer(token, PARTIAL, "stolen")
    assert not waiter.done()
    assert pair.types() == [CONTINUE]
    stream.buffer = deque()
    pair.answer(token, PARTIAL, "mine")
    assert settled(waiter) == "mine"


# Errors.


@splits
def test_items_come_before_the_error_and_the_error_again_and_again(split):
    pair = Pair(split=split)
    stream, token = pair.stream(1, 2)
    pair.answer(token, RUNTIME_ERROR, "bad row", e=3000000, b=[])
    assert stream.finished
    assert isinstance(stream.error, ReqlQueryLogicError)
    assert drain(stream) == [1, 2]
    for _ in range(3):
        assert settled(stream.has_next()) is True
        assert failure(stream.next()) is stream.error
    assert pair.types() == []
    assert pair.session.tokens_in_use == 0
    assert pair.session.is_open


def test_raising_the_error_again_does_not_grow_it():
    def depth(error):
        count, traceback = 0, error.__traceback__
        while traceback is not None:
            count, traceback = count + 1, traceback.tb_next
        return count

    pair = Pair()
    stream, token = pair.stream()
    pair.answer(token, RUNTIME_ERROR, "bad row", b=[])
    depths = set()
    for _ in range(3):
        with pytest.raises(ReqlRuntimeError) as info:
            stream.next().result()
        depths.add(depth(info.value))
    assert len(depths) == 1


def test_waiters_get_the_error():
    pair = Pair()
    stream, token = pair.stream()
    first, second, known = stream.next(), stream.next(), stream.has_next()
    pair.answer(token, RUNTIME_ERROR, "bad row", b=[])
    assert failure(first) is failure(second) is stream.error
    assert settled(known) is True


def test_an_unexpected_reply_ends_the_stream():
    pair = Pair()
    stream, token = pair.stream(1)
    pair.answer(token, ATOM, 2)
    assert "Unknown Response type 1" in str(stream.error)
    assert pair.session.is_open


def test_a_batch_nobody_asked_for_ends_the_connection():
    pair = Pair()
    stream, token = pair.stream(1)
    pair.answer(token, PARTIAL, 2)
    assert pair.types() == []
    pair.answer(token, PARTIAL, 3)
    assert "Unexpected response" in str(pair.session.cause)
    assert drain(stream) == [1, 2]
    assert isinstance(failure(stream.next()), ReqlRuntimeError)


def test_a_batch_that_cannot_be_decoded_ends_the_stream_and_stops_it():
    pair = Pair()
    plain = Codec().decoder({})
    error = OverflowError("year 10000")

    def decode(payload):
        if b"10000" in payload:
            raise error
        return plain(payload)

    waiter, token = pair.run(decode=decode)
    pair.answer(token, PARTIAL, 1)
    assert pair.types() == [CONTINUE]
    stream = settled(waiter)
    pair.answer(token, PARTIAL, 10000)
    assert pair.received() == [(token, [STOP])]
    assert drain(stream) == [1]
    assert failure(stream.next()) is error
    assert settled(stream.close()) is None
    assert pair.types() == []
    pair.answer(token, SEQUENCE)
    assert pair.session.tokens_in_use == 0
    assert pair.session.is_open


# Close.


@splits
@pytest.mark.parametrize(
    "replies",
    [
        [(SEQUENCE,), (SEQUENCE,)],
        [(PARTIAL, 8, 9), (SEQUENCE,)],
        [(SEQUENCE, 8), (CLIENT_ERROR, "Token 1 not in stream cache.")],
        [(RUNTIME_ERROR, "bad row"), (CLIENT_ERROR, "Token 1 not in stream cache.")],
    ],
)
def test_close_keeps_items_and_drops_what_crosses_the_stop(replies, split):
    pair = Pair(split=split)
    stream, token = pair.stream(1, 2)
    assert settled(stream.close()) is None
    assert pair.received() == [(token, [STOP])]
    assert stream.finished
    for reply in replies:
        assert pair.session.tokens_in_use == 1
        pair.answer(token, *reply)
    assert pair.session.tokens_in_use == 0
    assert drain(stream) == [1, 2]
    assert empty(stream)
    assert pair.types() == []
    assert pair.session.is_open


def test_close_with_no_continue_outstanding():
    pair = Pair()
    stream, token = pair.stream(1)
    pair.answer(token, PARTIAL, 2)
    stream.close()
    assert pair.types() == [STOP]
    pair.answer(token, SEQUENCE)
    assert pair.session.tokens_in_use == 0
    assert drain(stream) == [1, 2]
    assert pair.types() == []


def test_closing_twice_or_at_the_end_sends_nothing():
    pair = Pair()
    stream, token = pair.stream()
    stream.close()
    stream.close()
    assert pair.types() == [STOP]
    waiter, token = pair.run()
    pair.answer(token, SEQUENCE, 1)
    settled(waiter).close()
    assert pair.types() == []
    assert drain(settled(waiter)) == [1]


def test_close_ends_those_who_wait():
    pair = Pair()
    stream, _ = pair.stream()
    item, known = stream.next(), stream.has_next()
    stream.close()
    assert isinstance(failure(item), ReqlCursorEmpty)
    assert settled(known) is False


def test_closing_after_an_error_keeps_the_error():
    pair = Pair()
    stream, token = pair.stream()
    pair.answer(token, RUNTIME_ERROR, "bad row", b=[])
    stream.close()
    assert failure(stream.next()) is stream.error
    assert pair.types() == []


# The end of the connection.


class Term:
    def render(self, frames=None):
        return "r.table('t')", (0, 12)


def cut(pair):
    pair.session.receive_eof(ConnectionResetError("reset by peer"))


def close(pair):
    pair.session.close(noreply_wait=False)


@pytest.mark.parametrize("end", [cut, close])
def test_items_at_hand_survive_the_connection(end):
    pair = Pair()
    stream, _ = pair.stream(1, 2, printable=Term())
    end(pair)
    assert stream.finished
    assert settled(stream.has_next()) is True
    assert drain(stream) == [1, 2]
    for _ in range(2):
        error = failure(stream.next())
        assert type(error) is ReqlCursorLostError
        assert isinstance(error, ReqlRuntimeError)
        assert isinstance(error, ReqlConnectionLostError)
        assert error.message == "Connection is closed."
        assert error.frames == []
        shown, line = str(error).rsplit("\n", 1)
        assert shown == "Connection is closed in:\nr.table('t')\n^^^^^^^^^^^^"
        assert line.startswith("Connection is closed. ")
        assert "db.example:28015" in line
        assert str(pair.session.cause or "This side closed the link") in line
        assert error.__cause__ is pair.session.cause
    assert settled(stream.close()) is None
    assert pair.session.data_to_send() == b""


@pytest.mark.parametrize("end", [cut, close])
def test_those_who_wait_on_a_feed_learn_of_the_end_at_once(end):
    pair = Pair()
    stream, _ = pair.stream()
    waiter = stream.next()
    end(pair)
    assert isinstance(failure(waiter), ReqlRuntimeError)


@pytest.mark.parametrize("end", [cut, close])
def test_streams_that_ended_before_are_not_touched(end):
    pair = Pair()
    complete, token = pair.stream(1)
    pair.answer(token, SEQUENCE, 2)
    closed, _ = pair.stream(3)
    closed.close()
    assert pair.types() == [STOP]
    failed, token = pair.stream(4)
    pair.answer(token, CLIENT_ERROR, "no")
    end(pair)
    assert drain(complete) == [1, 2]
    assert empty(complete)
    assert drain(closed) == [3]
    assert empty(closed)
    assert drain(failed) == [4]
    assert type(failed.error) is ReqlDriverError


# Re-entrancy.


def test_a_callback_may_ask_for_the_next_item():
    pair = Pair()
    stream, token = pair.stream()
    items = []

    def take(waiter):
        if waiter.exception() is None:
            items.append(waiter.result())
            stream.next().add_done_callback(take)

    stream.next().add_done_callback(take)
    pair.answer(token, PARTIAL, 1, 2, 3)
    assert items == [1, 2, 3]
    pair.answer(token, SEQUENCE, 4)
    assert items == [1, 2, 3, 4]


def test_a_callback_asking_again_goes_to_the_end_of_the_queue():
    pair = Pair()
    stream, token = pair.stream()
    first, second = stream.next(), stream.next()
    again = []
    first.add_done_callback(lambda _: again.append(stream.next()))
    pair.answer(token, PARTIAL, 1, 2, 3)
    assert [settled(first), settled(second), settled(again[0])] == [1, 2, 3]


def test_a_callback_may_close_the_stream():
    pair = Pair()
    stream, token = pair.stream()
    first, second = stream.next(), stream.next()
    first.add_done_callback(lambda _: stream.close())
    pair.answer(token, PARTIAL, 1)
    assert settled(first) == 1
    assert isinstance(failure(second), ReqlCursorEmpty)
    assert pair.types() == [CONTINUE, STOP]
    pair.answer(token, SEQUENCE)
    pair.answer(token, SEQUENCE)
    assert pair.session.tokens_in_use == 0


def test_a_callback_may_close_the_connection():
    pair = Pair()
    stream, token = pair.stream()
    first, second, third = stream.next(), stream.next(), stream.next()
    first.add_done_callback(lambda _: close(pair))
    pair.answer(token, PARTIAL, 1, 2)
    assert [settled(first), settled(second)] == [1, 2]
    assert isinstance(failure(third), ReqlRuntimeError)


def test_a_callback_may_abandon_another_waiter():
    pair = Pair()
    stream, token = pair.stream()
    first, second, third = stream.next(), stream.next(), stream.next()
    first.add_done_callback(lambda _: second.abandon())
    pair.answer(token, PARTIAL, 1, 2)
    assert settled(third) == 2


def test_a_callback_may_start_with_the_stream_it_gets():
    pair = Pair()
    waiter, token = pair.run()
    items = []
    waiter.add_done_callback(lambda waiter: items.extend(waiter.result().take_batch()))
    pair.answer(token, PARTIAL, 1, 2)
    assert items == [1, 2]


def test_an_interrupt_in_a_callback_does_not_keep_the_others_waiting():
    pair = Pair()
    stream, token = pair.stream()
    first, second = stream.next(), stream.next()

    def interrupt(_):
        raise KeyboardInterrupt

    first.add_done_callback(interrupt)
    pair.reply(token, PARTIAL, 1, 2)
    with pytest.raises(KeyboardInterrupt):
        pair.move()
    assert settled(second) == 2


# The end of it, for those who keep something as long as it goes on.


@pytest.mark.parametrize("ending", ["complete", "failed", "closed", "lost"])
def test_whoever_waits_for_its_end_is_told(ending):
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, PARTIAL, 1)
    stream = settled(waiter)
    ended = stream.ended
    assert not ended.done()
    assert stream.ended is ended
    if ending == "complete":
        pair.answer(token, SEQUENCE, 2)
    elif ending == "failed":
        pair.answer(token, RUNTIME_ERROR, "failed")
    elif ending == "closed":
        stream.close()
    else:
        pair.session.receive_eof()
    assert ended.done()
    assert ended.exception() is None


def test_whoever_asks_after_its_end_is_told_at_once():
    pair = Pair()
    waiter, token = pair.run()
    pair.answer(token, SEQUENCE, 1)
    assert settled(waiter).ended.done()


def test_an_interrupted_wait_takes_no_item_with_it(monkeypatch):
    """A signal handler raises when somebody has just begun to wait."""

    def raises(stream, request):
        stream._requests.append(request)
        raise KeyboardInterrupt

    pair = Pair()
    stream, _ = pair.stream()
    for wait in (stream.next, stream.has_next):
        with monkeypatch.context() as patch:
            patch.setattr(Stream, "_stand_in_line", raises)
            with pytest.raises(KeyboardInterrupt):
                wait(print)
    assert not stream._requests


@pytest.mark.parametrize("way", ["error", "end", "close", "loss"])
def test_a_stream_that_has_ended_asks_for_nothing(way):
    pair = Pair()
    stream, token = pair.stream(1, 2)
    if way == "error":
        pair.answer(token, RUNTIME_ERROR, "enough")
    elif way == "end":
        pair.answer(token, SEQUENCE)
    elif way == "close":
        stream.close()
        assert pair.types() == [STOP]
    else:
        pair.session.receive_eof()
    drain(stream)
    for _ in range(2):
        assert failure(stream.next())
    assert stream.low_water == 0  # those who take items directly go by it
    assert pair.types() == []

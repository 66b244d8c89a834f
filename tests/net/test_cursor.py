"""Cursors, without a loop."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import re
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb import r
from rethinkdb.errors import (
    ReqlCursorEmpty,
    ReqlCursorLostError,
    ReqlDriverError,
    ReqlError,
    ReqlQueryLogicError,
    ReqlTypeError,
)
from rethinkdb.net.cursor import AsyncIterableCursor, BaseCursor, CursorEmpty, IterableCursor

from .memory import AsyncMemoryConnection, MemoryConnection, Term
from .pair import CONTINUE, PARTIAL, RUNTIME_ERROR, SEQUENCE, STOP


class Script:
    """What the server does with one query: its answers, in order, as the driver waits for them."""

    def __init__(self, conn: MemoryConnection) -> None:
        self.pair = conn.pair
        self.token = 0
        self.conn = conn

    def first(self, type: int, *items: Any, **extra: Any) -> None:
        def play(pair: Any) -> None:
            self.token = pair.queries[-1][0]
            pair.answer(self.token, type, *items, **extra)

        self.conn.answers.append(play)

    def then(self, type: int, *items: Any, **extra: Any) -> None:
        self.conn.answers.append(lambda pair: pair.answer(self.token, type, *items, **extra))

    def types(self) -> list[int]:
        return self.pair.types()


def connect() -> tuple[MemoryConnection, Script]:
    conn = MemoryConnection.make()
    return conn, Script(conn)


def open_cursor(*items: Any) -> tuple[IterableCursor, Script]:
    """A cursor whose first batch is here, and whose CONTINUE is out."""
    conn, script = connect()
    script.first(PARTIAL, *items)
    cursor = conn.run(Term("stream"), array_limit=5)
    assert script.types() == [1, CONTINUE]
    return cursor, script


def test_iteration_crosses_batches() -> None:
    cursor, script = open_cursor(1, 2)
    script.then(PARTIAL, 3)
    script.then(SEQUENCE, 4, 5)
    assert iter(cursor) is cursor
    assert list(cursor) == [1, 2, 3, 4, 5]
    assert list(cursor) == []


def test_taking_directly_still_reads_ahead() -> None:
    cursor, script = open_cursor(1, 2, 3)
    # The second batch comes while the first lies unread: no further one is due yet.
    script.pair.answer(script.token, PARTIAL, 4, 5, 6)
    assert script.types() == []
    assert [next(cursor) for _ in range(3)] == [1, 2, 3]
    assert script.types() == []
    assert next(cursor) == 4
    assert script.types() == [CONTINUE]


def test_to_list() -> None:
    cursor, script = open_cursor(1, 2)
    script.then(SEQUENCE)
    assert cursor.to_list() == [1, 2]


def test_to_list_crosses_batches_and_asks_for_each_in_time() -> None:
    cursor, script = open_cursor(1, 2, 3)
    script.then(PARTIAL, 4, 5)
    script.then(PARTIAL)
    script.then(PARTIAL, 6)
    script.then(SEQUENCE, 7, 8, 9)
    assert next(cursor) == 1
    assert cursor.to_list() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert set(script.types()) <= {CONTINUE}


def test_to_list_ends_with_the_error_and_takes_nothing() -> None:
    cursor, script = open_cursor(1, 2)
    script.then(PARTIAL, 3)
    script.then(RUNTIME_ERROR, "Broken.", e=3000000, b=[])
    for _ in range(2):
        with pytest.raises(ReqlQueryLogicError):
            cursor.to_list()
    assert [cursor.next() for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ReqlQueryLogicError):
        cursor.to_list()


def test_to_list_that_is_interrupted_takes_nothing() -> None:
    cursor, script = open_cursor(1, 2)

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    script.then(PARTIAL, 3)
    script.conn.answers.append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        cursor.to_list()
    script.then(SEQUENCE, 4)
    assert cursor.to_list() == [1, 2, 3, 4]


def test_what_is_here_needs_no_call_into_the_core() -> None:
    cursor, script = open_cursor(1, 2)
    calls = len(script.conn.timeouts)
    assert cursor.fetch_next() is True
    assert (cursor.next(), next(cursor)) == (1, 2)
    assert len(script.conn.timeouts) == calls


@pytest.mark.parametrize(("wait", "limit"), [(True, None), (None, None), (False, 0), (2, 2)])
def test_wait_is_the_time_limit(wait: Any, limit: Any) -> None:
    cursor, script = open_cursor(1)
    assert cursor.next(wait) == 1
    assert script.conn.timeouts[-1] == limit
    script.then(PARTIAL, 2)
    assert cursor.fetch_next(wait=wait) is True
    assert script.conn.timeouts[-1] == limit


class Overtaken(deque[Any]):
    """Has an item when it is looked at; another thread takes it before this one does."""

    def __len__(self) -> int:
        return 1


def let_have(cursor: IterableCursor, items: deque[Any]) -> None:
    """Give a cursor other items than those that have arrived."""
    cursor._items, cursor._taking = items, map(type(items).popleft, repeat(items))


def test_another_thread_may_take_the_item_that_was_there() -> None:
    cursor, _ = open_cursor(1)
    let_have(cursor, Overtaken())
    assert next(cursor) == 1


def test_a_bad_wait_is_refused() -> None:
    cursor, _ = open_cursor(1)
    with pytest.raises(ReqlDriverError, match="Invalid wait timeout '-1'"):
        cursor.next(-1)
    with pytest.raises(ReqlDriverError, match="Invalid wait timeout 'soon'"):
        cursor.fetch_next("soon")


def test_the_end() -> None:
    cursor, script = open_cursor(1)
    script.then(SEQUENCE)
    assert cursor.next() == 1
    for _ in range(2):
        with pytest.raises(ReqlCursorEmpty, match=r"^Cursor is empty\.$") as caught:
            cursor.next()
        assert type(caught.value) is CursorEmpty
        assert isinstance(caught.value, StopIteration)
    assert cursor.fetch_next() is False
    assert next(cursor, "nothing") == "nothing"


def test_items_come_before_the_error() -> None:
    cursor, script = open_cursor(1, 2)
    script.then(RUNTIME_ERROR, "Broken.", e=3000000, b=[])
    seen: list[Any] = []
    with pytest.raises(ReqlQueryLogicError, match=r"^Broken in:"):
        seen.extend(iter(cursor.next, "never"))
    assert cursor.fetch_next() is True
    for _ in range(2):
        with pytest.raises(ReqlQueryLogicError):
            next(cursor)
    assert isinstance(cursor.error, ReqlQueryLogicError)


def test_error_tells_the_state() -> None:
    cursor, script = open_cursor(1)
    while_streaming = cursor.error
    assert while_streaming is None
    script.pair.answer(script.token, SEQUENCE, 2)
    assert isinstance(cursor.error, ReqlCursorEmpty)
    assert list(cursor.items) == [1, 2]


def test_close_stops_the_query_and_keeps_what_came() -> None:
    cursor, script = open_cursor(1, 2)
    cursor.close()
    assert script.types() == [STOP]
    cursor.close()
    assert script.types() == []
    assert list(cursor) == [1, 2]
    assert isinstance(cursor.error, ReqlCursorEmpty)


def test_context_manager_closes() -> None:
    cursor, script = open_cursor(1)
    with cursor as same:
        assert same is cursor
    assert script.types() == [STOP]


def test_close_on_a_closed_connection_is_silent() -> None:
    cursor, script = open_cursor(1)
    script.conn.close(noreply_wait=False)
    cursor.close()
    assert next(cursor) == 1
    with pytest.raises(ReqlCursorLostError, match=r"^Connection is closed in:\nterm\(\)\n\^{6}\n"):
        next(cursor)


COPYING = [copy.copy, copy.deepcopy, pickle.dumps, partial(pickle.dumps, protocol=0)]


@pytest.mark.parametrize("copying", COPYING)
def test_copies_are_refused(copying: Any) -> None:
    cursor, script = open_cursor(1, 2)
    script.then(SEQUENCE, 3)
    for thing in (cursor, {"value": cursor}, script.conn):
        if not (copying is copy.copy and isinstance(thing, dict)):
            with pytest.raises(TypeError, match=r"cannot be copied or pickled: \w+"):
                copying(thing)
    gc.collect()
    assert script.conn.discarded == []
    assert list(cursor) == [1, 2, 3]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [IterableCursor, AsyncIterableCursor])
def test_a_cursor_that_was_never_complete_goes_in_silence(kind: type[BaseCursor]) -> None:
    kind.__new__(kind)
    gc.collect()  # an exception of __del__ would be an error of this test


def test_a_cursor_is_an_array_in_a_query_but_a_feed_is_not() -> None:
    conn, script = connect()
    script.first(SEQUENCE, 1, 2)
    assert r.expr(conn.run(Term())).build() == [2, [1, 2]]
    script.first(PARTIAL, n=[1])
    feed = conn.run(Term())
    with pytest.raises(ReqlTypeError, match="It is a changefeed, which never ends"):
        r.expr([feed])
    feed.close()


def test_the_query_behind_it() -> None:
    cursor, script = open_cursor(1)
    assert cursor.query.term.wire == "stream"
    assert cursor.query.token == script.token
    assert cursor.query.global_optargs == {"array_limit": 5}


def shown(*items: Any) -> str:
    cursor, _ = open_cursor(*items)
    return str(cursor)


NAME = "rethinkdb.net.cursor.IterableCursor"


def test_str() -> None:
    assert shown() == f"{NAME} (streaming): []"
    assert shown(1, "a") == f"{NAME} (streaming): [1, 'a']"
    assert shown(*range(10)) == f"{NAME} (streaming): [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
    assert shown(*range(11)) == f"{NAME} (streaming): [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"
    assert shown("a" * 50, "b" * 50).startswith(f"{NAME} (streaming): \n['aaa")


def test_str_of_the_end() -> None:
    cursor, script = open_cursor(1)
    script.pair.answer(script.token, SEQUENCE, 2)
    assert str(cursor) == f"{NAME} (done streaming): [1, 2]"


def test_str_and_repr_of_an_error() -> None:
    cursor, script = open_cursor(1)
    script.pair.answer(script.token, RUNTIME_ERROR, "Broken.", e=3000000, b=[])
    assert str(cursor) == f"{NAME} (error: Broken in:\nterm()\n^^^^^^): [1]"
    assert re.fullmatch(
        rf"<{NAME} object at 0x[0-9a-f]+ \(error: <ReqlQueryLogicError instance: Broken in:\n"
        r"term\(\)\n\^{6} >\): \[1\]>",
        repr(cursor),
    )


def test_str_of_items_nested_deeper_than_can_be_shown() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # an embedded server of another test may have raised it
    try:
        assert shown(deep) == f"{NAME} (streaming): [...]"
    finally:
        sys.setrecursionlimit(limit)


def test_the_name_that_programs_know_is_that_of_one_class() -> None:
    class Known(IterableCursor):
        KNOWN_AS = "package.Known"

    class Derived(Known):
        pass

    cursor, script = open_cursor(1)
    known = Known(script.conn, cursor._stream)
    assert str(known) == "package.Known (streaming): [1]"
    assert repr(known).startswith("<package.Known object at 0x")
    assert str(Derived(script.conn, cursor._stream)).startswith(f"{__name__}.test_the_name")


def test_repr() -> None:
    cursor, _ = open_cursor(1)
    assert re.fullmatch(rf"<{NAME} object at 0x[0-9a-f]+ \(streaming\): \[1\]>", repr(cursor))


def finish(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


async def open_async(*items: Any) -> tuple[AsyncIterableCursor, Script]:
    conn = AsyncMemoryConnection.make()
    script = Script(conn)
    script.first(PARTIAL, *items)
    return await conn.run(Term()), script


def test_async_a_cursor_is_no_value() -> None:
    async def use() -> str:
        cursor, _ = await open_async(1, 2)
        with pytest.raises(ReqlTypeError) as caught:
            r.expr(cursor)
        return str(caught.value)

    assert "`rows = await cursor.to_list()`" in finish(use())


def test_async_iteration() -> None:
    async def use() -> list[Any]:
        cursor, script = await open_async(1, 2)
        assert aiter(cursor) is cursor
        script.pair.answer(script.token, PARTIAL, 3, 4)  # comes early: taking 1 and 2 is direct
        script.then(SEQUENCE, 5)
        return [item async for item in cursor]

    assert finish(use()) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("awaited", [True, False])
def test_async_with_closes(monkeypatch: pytest.MonkeyPatch, awaited: bool) -> None:
    async def use() -> list[int]:
        cursor, script = await open_async(1)
        if not awaited:  # as on loops where `close()` gives nothing to wait for
            stream = cursor._stream
            monkeypatch.setattr(cursor, "close", lambda: stream.close() and None)
        async with cursor as same:
            assert same is cursor
        script.pair.move()
        return script.types()

    assert STOP in finish(use())


def test_async_to_list() -> None:
    async def use() -> list[Any]:
        cursor, script = await open_async(1)
        script.then(SEQUENCE, 2)
        return await cursor.to_list()

    assert finish(use()) == [1, 2]


def test_async_to_list_that_is_cancelled_takes_nothing() -> None:
    async def use() -> list[Any]:
        cursor, script = await open_async(1, 2)

        def cancel(_: Any) -> None:
            raise asyncio.CancelledError

        script.then(PARTIAL, 3)
        script.conn.answers.append(cancel)
        with pytest.raises(asyncio.CancelledError):
            await cursor.to_list()
        script.then(SEQUENCE, 4)
        return await cursor.to_list()

    assert finish(use()) == [1, 2, 3, 4]


def test_async_to_list_that_fails_at_once() -> None:
    async def use() -> list[Any]:
        cursor, script = await open_async()
        script.then(RUNTIME_ERROR, "Broken.", e=3000000, b=[])
        with pytest.raises(ReqlQueryLogicError):
            await cursor.to_list()
        return [*cursor.items]

    assert finish(use()) == []


def test_async_end_of_next_is_no_stop_iteration() -> None:
    async def use() -> BaseException:
        cursor, script = await open_async()
        script.then(SEQUENCE)
        with pytest.raises(ReqlCursorEmpty) as caught:
            await cursor.next()
        return caught.value

    assert not isinstance(finish(use()), StopIteration)


def test_async_what_is_here_needs_no_call_into_the_core() -> None:
    async def use() -> None:
        cursor, script = await open_async(1, 2)
        calls = len(script.conn.timeouts)
        assert await cursor.fetch_next() is True
        assert [await cursor.next(), await cursor.next(0)] == [1, 2]
        assert len(script.conn.timeouts) == calls

    finish(use())


def test_async_a_bad_wait_is_refused_at_once() -> None:
    async def use() -> None:
        cursor, _ = await open_async(1)
        for method in (cursor.next, cursor.fetch_next):
            with pytest.raises(ReqlDriverError, match="Invalid wait timeout '-1'"):
                method(-1)

    finish(use())


def test_async_in_another_loop_nothing_can_be_taken() -> None:
    async def use() -> None:
        cursor, script = await open_async(1)
        script.conn.elsewhere = True
        with pytest.raises(ReqlDriverError, match="belongs elsewhere"):
            await cursor.next()
        script.conn.elsewhere = False
        assert await cursor.next() == 1

    finish(use())


async def plainly(cursor: AsyncIterableCursor) -> Any:
    return await cursor.conn._call(cursor._next)


async def by_next(cursor: AsyncIterableCursor) -> Any:
    return await cursor.next()


async def by_fetch_next(cursor: AsyncIterableCursor) -> Any:
    await cursor.fetch_next()
    return await cursor.next()


async def by_iteration(cursor: AsyncIterableCursor) -> Any:
    try:
        return await anext(cursor)
    except StopAsyncIteration:
        raise ReqlCursorEmpty from None


Way = Callable[[AsyncIterableCursor], Awaitable[Any]]


async def course(
    batches: list[list[int]], early: list[bool], fails: bool, ways: list[Way]
) -> list[Any]:
    """Each item, with how often the next batch had been asked for when it was there; and the end.

    Args:
        batches: what the server answers in turn.
        early: for each item whether the server answers, if it was asked, before the next is taken.
        fails: the sequence ends in an error.
        ways: how the items are taken, in turn.
    """
    cursor, script = await open_async()
    asked, left = 0, deque(batches)

    def answer(pair: Any = script.pair) -> None:
        if left:
            pair.answer(script.token, PARTIAL, *left.popleft())
        elif fails:
            pair.answer(script.token, RUNTIME_ERROR, "Broken.", e=3000000, b=[])
        else:
            pair.answer(script.token, SEQUENCE)

    script.conn.answers.extend([answer] * (len(batches) + 1))
    seen: list[Any] = []
    for step, way in enumerate(ways):
        try:
            item = await way(cursor)
        except (ReqlCursorEmpty, ReqlError) as exc:
            seen.append(type(exc))
            return seen
        asked += script.types().count(CONTINUE)
        seen.append((item, asked))
        if early[step % len(early)] and asked > len(batches) - len(left) and left:
            answer()
            asked += script.types().count(CONTINUE)
    return seen


@given(
    batches=st.lists(st.lists(st.integers(0, 99), max_size=6), max_size=8),
    early=st.lists(st.booleans(), min_size=1, max_size=5),
    fails=st.booleans(),
    ways=st.lists(st.sampled_from([by_next, by_fetch_next, by_iteration, plainly]), max_size=60),
)
def test_each_way_of_taking_items_gives_the_same(
    batches: list[list[int]], early: list[bool], fails: bool, ways: list[Way]
) -> None:
    """The same items and end, and each batch is asked for at the same item."""
    mixed = asyncio.run(course(batches, early, fails, ways))
    assert mixed == asyncio.run(course(batches, early, fails, [plainly] * len(ways)))


def test_a_cursor_is_a_cursor_on_every_loop() -> None:
    assert issubclass(IterableCursor, BaseCursor)
    assert issubclass(AsyncIterableCursor, BaseCursor)


def test_a_cursor_nobody_holds_is_discarded() -> None:
    cursor, script = open_cursor(1, 2)
    stream = cursor._stream
    del cursor
    gc.collect()
    assert script.conn.discarded == [stream]


def test_an_index_error_of_a_signal_handlers_is_no_empty_cursor() -> None:
    class Items(deque[Any]):
        def popleft(self) -> Any:
            handler(0, sys._getframe())

    def handler(signum: int, frame: Any) -> None:
        raise IndexError("the handler's")

    cursor, _ = open_cursor()
    let_have(cursor, Items([1]))
    with pytest.raises(IndexError, match="the handler's"):
        next(cursor)
    with pytest.raises(IndexError, match="the handler's"):
        cursor.to_list()


def test_an_index_error_of_a_signal_handlers_ends_no_list() -> None:
    class Items(deque[Any]):
        def popleft(self) -> Any:
            if len(self) == 1:
                handler(0, sys._getframe())
            return super().popleft()

    def handler(signum: int, frame: Any) -> None:
        raise IndexError("the handler's")

    cursor, _ = open_cursor()
    let_have(cursor, Items([1, 2]))
    with pytest.raises(IndexError, match="the handler's"):
        cursor.to_list()


def test_a_wait_holds_its_cursor() -> None:
    cursor, script = open_cursor()
    stream = cursor._stream
    waiter = cursor._next()
    del cursor
    gc.collect()
    assert not script.conn.discarded
    script.pair.answer(script.token, PARTIAL, 1)
    gc.collect()
    assert waiter.result() == 1
    assert script.conn.discarded == [stream]


class Renewal:
    """What a pool gives a cursor, so that it can go on with another run of its query."""

    def __init__(self, replacement: BaseCursor | None = None) -> None:
        self.replacement = replacement
        self.forgotten = False
        self.under_way = False
        self.asks: list[str] = []

    def forget(self) -> None:
        self.forgotten = True

    def _begin(self, cursor: BaseCursor) -> bool:
        if self.replacement is None:
            return False
        fresh = self.replacement
        cursor.conn, cursor._stream = fresh.conn, fresh._stream
        cursor._items, cursor._taking = fresh._items, fresh._taking
        return True


class WaitingRenewal(Renewal):
    def asked(self, cursor: BaseCursor, operation: Callable[[], Any]) -> Any:
        self.asks.append(operation.__name__)
        return cursor.conn._call(operation)

    def begins(self, cursor: BaseCursor, stream: Any, error: Exception) -> bool:
        assert stream.error is error
        return self._begin(cursor)


class AwaitingRenewal(Renewal):
    async def asked(self, cursor: Any, operation: Callable[[], Any]) -> Any:
        self.asks.append(operation.__name__)
        return await cursor._asked(operation)

    async def begins(self, cursor: BaseCursor, stream: Any, error: Exception) -> bool:
        assert stream.error is error
        return self._begin(cursor)


def test_what_begins_a_cursor_anew_is_asked_when_nothing_is_at_hand() -> None:
    cursor, script = open_cursor(1)
    renewal = cursor._stream.renewal = WaitingRenewal()
    assert cursor.fetch_next()
    assert next(cursor) == 1
    script.then(PARTIAL, 2)
    assert cursor.fetch_next()
    assert next(cursor) == 2
    script.then(PARTIAL, 3)
    assert next(cursor) == 3
    script.then(PARTIAL, 4)
    assert cursor.next(wait=5) == 4, "which has no time for that"
    assert renewal.asks == ["_has_next", "_next"]


def test_to_list_begins_anew_as_nobody_has_seen_its_items() -> None:
    fresh, again = open_cursor(1, 2, 3)
    again.then(SEQUENCE, 4)
    cursor, script = open_cursor(1, 2)
    script.then(RUNTIME_ERROR, "lost", e=4100000)
    cursor._stream.renewal = WaitingRenewal(fresh)
    assert cursor.to_list() == [1, 2, 3, 4]


def test_to_list_fails_if_it_cannot_begin_anew() -> None:
    cursor, script = open_cursor(1, 2)
    script.then(RUNTIME_ERROR, "lost", e=4100000)
    cursor._stream.renewal = WaitingRenewal()
    with pytest.raises(ReqlError, match="lost"):
        cursor.to_list()
    assert list(cursor.items) == [1, 2]


def test_a_closed_cursor_does_not_begin_anew() -> None:
    cursor, _ = open_cursor(1, 2)
    renewal = cursor._stream.renewal = WaitingRenewal()
    cursor.close()
    assert renewal.forgotten
    assert cursor._renewal is None
    cursor.close()


def test_a_wait_with_a_limit_takes_what_there_is_and_begins_nothing_anew() -> None:
    for under_way in (False, True):
        cursor, script = open_cursor(1)
        script.then(SEQUENCE, 2)
        assert cursor.next() == 1
        renewal = cursor._stream.renewal = WaitingRenewal()
        renewal.under_way = under_way
        assert cursor.next(wait=5) == 2
        assert not renewal.forgotten  # the query goes on, as far as anybody knows
        with pytest.raises(ReqlCursorEmpty):
            cursor.next(wait=5)
        assert renewal.forgotten is not under_way
        assert renewal.asks == []


def test_async_what_begins_a_cursor_anew_is_asked_when_nothing_is_at_hand() -> None:
    async def main() -> None:
        cursor, script = await open_async(1)
        renewal = cursor._stream.renewal = AwaitingRenewal()
        assert await cursor.fetch_next()
        assert await cursor.next(wait=5) == 1, "which has no time for that"
        assert renewal.asks == []
        script.then(PARTIAL, 2)
        assert await cursor.fetch_next()
        assert await cursor.next() == 2
        script.then(PARTIAL, 3)
        assert await cursor.next() == 3
        script.then(SEQUENCE)
        assert not await cursor.fetch_next(wait=5)
        assert renewal.asks == ["_has_next", "_next"]

    asyncio.run(main())


def test_async_to_list_begins_anew_as_nobody_has_seen_its_items() -> None:
    async def main() -> None:
        fresh, again = await open_async(1, 2, 3)
        again.then(SEQUENCE, 4)
        cursor, script = await open_async(1, 2)
        script.then(RUNTIME_ERROR, "lost", e=4100000)
        cursor._stream.renewal = AwaitingRenewal(fresh)
        assert await cursor.to_list() == [1, 2, 3, 4]

    asyncio.run(main())


def test_async_to_list_fails_if_it_cannot_begin_anew() -> None:
    async def main() -> None:
        cursor, script = await open_async(1, 2)
        script.then(RUNTIME_ERROR, "lost", e=4100000)
        cursor._stream.renewal = AwaitingRenewal()
        with pytest.raises(ReqlError, match="lost"):
            await cursor.to_list()
        assert list(cursor.items) == [1, 2]

    asyncio.run(main())

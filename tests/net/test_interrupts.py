"""What a signal handler raises while the core is at work harms nobody.

Each scenario is run once without an interrupt, then with one at each place where a signal handler
can strike. Every waiter must end as it did without, and the server must have been told the same.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from rethinkdb.net.exchange import Exchange
from rethinkdb.net.frames import FrameReader
from rethinkdb.net.protocol import Protocol
from rethinkdb.net.session import Session
from rethinkdb.net.stream import Stream
from rethinkdb.net.waiter import Waiter

from .interrupts import Interrupt, Interrupts
from .pair import (
    ATOM,
    CLIENT_ERROR,
    INFO,
    PARTIAL,
    RUNTIME_ERROR,
    SEQUENCE,
    WAIT_COMPLETE,
    Pair,
    start,
)
from .test_observing import Diary


class Scene:
    """A connection on which something is under way, and the bytes that come next.

    Attributes:
        ends: by name, each waiter as often as it told its end, and buffers.
    """

    def __init__(self) -> None:
        self.pair = Pair()
        self.ends: dict[str, list[Any]] = {}
        self.replies: list[tuple[Any, ...]] = []
        self.chunks: list[bytes] = []
        self.eof = False

    def watch(self, name: str, waiter: Waiter[Any]) -> None:
        # As where threads wait: a callback that is no Python code cannot be interrupted itself.
        waiter.add_done_callback(self.keep(name, []).append)

    def keep(self, name: str, ends: list[Any]) -> list[Any]:
        self.ends[f"{len(self.ends)} {name}"] = ends
        return ends

    def reply(self, *reply: Any, **extra: Any) -> None:
        """What the server will say: token, type, results."""
        self.replies.append((reply, extra))

    def arrive(self) -> None:
        """Make bytes of the replies."""
        for reply, extra in self.replies:
            self.pair.reply(*reply, **extra)
        data = self.pair.server.data_to_send()
        third = len(data) // 3
        self.chunks = [data[:third], data[third : 2 * third], data[2 * third :]]

    def step(self) -> None:
        """What an adapter does, and does again if it was interrupted."""
        session = self.pair.session
        session.receive_data(b"")
        while self.chunks:
            session.incoming += self.chunks[:1]
            del self.chunks[0]
            session.receive_data(b"")
        if self.eof:
            session.receive_eof(OSError("reset"))

    def seen(self) -> Any:
        """All that users and the server can see."""
        session = self.pair.session
        return (
            {name: [*map(outcome, ends)] for name, ends in self.ends.items()},
            session.data_to_send(),
            session.tokens_in_use,
            session.close_requested,
            repr(session.cause),
        )


def outcome(end: Any) -> str:
    if not isinstance(end, Waiter):
        return repr(end)
    error = end.exception()
    if error is not None:
        return repr((error, error.__cause__))
    value = end.result()
    stream = value["value"] if isinstance(value, dict) and "value" in value else value
    if isinstance(stream, Stream):
        return repr((stream.buffer, stream.profiles, stream.finished))
    return repr(value)


def values(scene: Scene) -> None:
    pair = scene.pair
    for number in range(3):
        waiter, token = pair.run()
        scene.watch(f"query {number}", waiter)
        scene.watch(f"query {number} again", waiter)
        scene.reply(token, *((ATOM, number) if number < 2 else (CLIENT_ERROR, "no")))
    for name, type, result in [("server", INFO, [{"id": 1}]), ("noreply_wait", WAIT_COMPLETE, [])]:
        scene.watch(name, getattr(pair.session, name)())
        scene.reply(pair.asked(), type, *result)


def observed_values(scene: Scene) -> None:
    scene.pair.session.observer = Diary()
    values(scene)


def started_streams(scene: Scene) -> None:
    for type in (PARTIAL, SEQUENCE):
        waiter, token = scene.pair.run()
        scene.watch("stream", waiter)
        scene.reply(token, type, 1, 2, p=["profile"])


def waiting_consumers(scene: Scene) -> None:
    pair = scene.pair
    for last in ((PARTIAL, 3, 4, 5), (SEQUENCE,), (RUNTIME_ERROR, "bad row"), (PARTIAL, {})):
        stream, token = pair.stream()
        for number in range(3):
            scene.watch(f"{last} next {number}", stream.next())
        scene.watch(f"{last} has_next", stream.has_next())
        scene.keep("buffer", [stream.buffer])
        scene.keep("profiles", [stream.profiles])
        scene.reply(token, PARTIAL, 1, p=["first"])
        scene.reply(token, *last, p=["second"])


def undecodable(scene: Scene) -> None:
    pair = scene.pair
    stream, token = pair.stream()
    scene.watch("next", stream.next())
    waiter, other = pair.run()
    scene.watch("query", waiter)
    scene.watch("server", pair.session.server())
    for token_, type in ((token, PARTIAL), (other, ATOM), (pair.asked(), INFO)):
        scene.reply(token_, type, {"$reql_type$": "NEW"})


def dropped(scene: Scene) -> None:
    pair = scene.pair
    waiter, token = pair.run()
    waiter.abandon()
    pair.received()
    scene.watch("stopped", pair.session.stopped(token))
    scene.reply(token, ATOM, 1)
    scene.reply(token, SEQUENCE)
    pair.session.start(start(noreply=True))
    scene.reply(pair.asked(), CLIENT_ERROR, "no")
    values(scene)


def closing(scene: Scene) -> None:
    pair = scene.pair
    pending(scene)
    scene.watch("close", pair.session.close())
    scene.reply(pair.asked(), WAIT_COMPLETE)


def pending(scene: Scene) -> None:
    pair = scene.pair
    for number in range(2):
        scene.watch(f"query {number}", pair.run()[0])
        stream, _ = pair.stream(1)
        scene.keep("buffer", [stream.buffer])
        scene.watch(f"item {number}", stream.next())
        scene.watch(f"next {number}", stream.next())
        scene.watch(f"has_next {number}", stream.has_next())
    scene.watch("closed", pair.session.closed)


def violated(scene: Scene) -> None:
    pending(scene)
    waiter, token = scene.pair.run()
    scene.watch("broken", waiter)
    scene.reply(token, ATOM)


def unexpected(scene: Scene) -> None:
    pending(scene)
    scene.reply(1000, ATOM, 1)


def lost(scene: Scene) -> None:
    values(scene)
    pending(scene)
    scene.eof = True


SCENES: list[Callable[[Scene], None]] = [
    values,
    observed_values,
    started_streams,
    waiting_consumers,
    undecodable,
    dropped,
    closing,
    violated,
    unexpected,
    lost,
]


@pytest.mark.parametrize("prepare", SCENES)
def test_an_interrupt_anywhere_harms_nobody(prepare: Callable[[Scene], None]) -> None:
    calm = Scene()
    prepare(calm)
    calm.arrive()
    calm.step()
    expected = repr(calm.seen())
    assert any(calm.ends.values())
    count = 0
    while True:
        scene = Scene()
        prepare(scene)
        scene.arrive()
        interrupts = Interrupts(count)
        interrupts.run(scene.step)
        scene.step()
        assert repr(scene.seen()) == expected, interrupts.place
        if not interrupts.raised:
            break
        count += 1
    assert count > 100


def test_an_interrupted_close_can_be_completed() -> None:
    count, raised = 0, True
    while raised:
        scene = Scene()
        pending(scene)
        session = scene.pair.session
        interrupts = Interrupts(count)
        interrupts.run(partial(session.close, noreply_wait=False))
        session.close(noreply_wait=False)
        session.receive_data(b"")
        assert all(len(end) == 1 for end in scene.ends.values()), interrupts.place
        count, raised = count + 1, interrupts.raised
    assert count > 40


# The same with the place named: after a step, as a signal handler that strikes there would.

STEPS: list[tuple[type, str]] = [
    (Exchange, "release"),
    (Exchange, "send_continue"),
    (Exchange, "send_stop"),
    (FrameReader, "feed_from"),
    (Protocol, "close"),
    (Protocol, "process"),
    (Session, "_batch_read"),
    (Session, "_batch_received"),
    (Session, "_deliver"),
    (Session, "_done_with"),
    (Session, "_end"),
    (Session, "_finish"),
    (Session, "_finish_last"),
    (Session, "_read_quickly"),
    (Session, "_retire"),
    (Session, "_settle_all"),
    (Stream, "_continue"),
    (Stream, "_settle"),
    (Stream, "batch_received"),
    (Stream, "end"),
    (Stream, "serve"),
    (Waiter, "_run"),
    (Waiter, "_settle"),
    (Waiter, "set_result"),
]


@pytest.mark.parametrize(("owner", "name"), STEPS)
@pytest.mark.parametrize("prepare", SCENES)
def test_an_interrupt_after_a_step(
    prepare: Callable[[Scene], None], owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = Scene()
    prepare(calm)
    calm.arrive()
    calm.step()
    expected = repr(calm.seen())
    step = getattr(owner, name)
    raised, nth = True, 0
    while raised:
        scene = Scene()
        prepare(scene)
        scene.arrive()
        calls = 0

        def interrupted(*args: Any, nth: int = nth, **kwargs: Any) -> Any:
            nonlocal calls
            result = step(*args, **kwargs)
            calls += 1
            if calls == nth + 1:
                raise Interrupt
            return result

        monkeypatch.setattr(owner, name, interrupted)
        with suppress(Interrupt):
            scene.step()
        monkeypatch.setattr(owner, name, step)
        raised, nth = calls > nth, nth + 1
        scene.step()
        assert repr(scene.seen()) == expected, nth

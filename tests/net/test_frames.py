from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rethinkdb.net.frames import FrameReader, FrameTooLarge, frame_header


def frame(token: int, body: bytes) -> bytes:
    return frame_header(token, len(body)) + body


def read_all(pieces: list[bytes], limit: int = 1000) -> tuple[list[tuple[int, bytes]], bytes]:
    reader = FrameReader(limit)
    frames = []
    for piece in pieces:
        reader.feed(piece)
        while (found := reader.next_frame()) is not None:
            frames.append(found)
    return frames, reader.unread()


def test_header_layout():
    assert frame(1, b"[4]") == b"\x01\0\0\0\0\0\0\0\x03\0\0\0[4]"


@pytest.mark.parametrize("token", [0, 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
def test_any_64_bit_token_comes_back(token):
    assert read_all([frame(token, b"x")]) == ([(token, b"x")], b"")


FRAMES = [(1, b"abc"), (2, b""), (3, b"x" * 50)]
DATA = b"".join(frame(*each) for each in FRAMES) + b"\0\1\2"


@pytest.mark.parametrize("cut", range(len(DATA) + 1))
def test_cut_at_every_offset(cut):
    assert read_all([DATA[:cut], DATA[cut:]]) == (FRAMES, b"\0\1\2")


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=40))), st.data())
def test_any_split_gives_the_same_frames(frames, data):
    stream = b"".join(frame(*each) for each in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert read_all(pieces) == (frames, b"")


@given(st.lists(st.binary(max_size=30)))
def test_noise_is_read_or_refused(pieces):
    try:
        frames, rest = read_all(pieces)
    except FrameTooLarge:
        return
    assert b"".join(frame(*each) for each in frames) + rest == b"".join(pieces)


def test_limit():
    assert read_all([frame(1, b"x" * 10)], limit=10) == ([(1, b"x" * 10)], b"")
    reader = FrameReader(10)
    reader.feed(frame_header(5, 11))
    with pytest.raises(
        FrameTooLarge, match=r"announced 11 bytes for query 5.* limit is 10"
    ) as info:
        reader.next_frame()
    assert (info.value.token, info.value.length) == (5, 11)


def test_pieces_may_be_fed_before_frames_are_taken():
    reader = FrameReader(1000)
    for piece in (frame(1, b"a") + frame(2, b"b")[:5], frame(2, b"b")[5:], frame(3, b"")):
        reader.feed(piece)
    assert [reader.next_frame() for _ in range(4)] == [(1, b"a"), (2, b"b"), (3, b""), None]
    reader.feed(frame(4, b"d") + frame(5, b"e") + b"rest")
    assert reader.next_frame() == (4, b"d")
    reader.feed(b" of it")
    assert reader.next_frame() == (5, b"e")
    assert reader.unread() == b"rest of it"


def test_of_a_frame_that_lacks_its_end_all_is_unread():
    whole = frame(7, b"x" * 100)
    reader = FrameReader(1000)
    for end in range(len(whole)):
        reader.feed(whole[end : end + 1])
        assert reader.next_frame() == ((7, b"x" * 100) if end == len(whole) - 1 else None)
        assert reader.unread() == (b"" if end == len(whole) - 1 else whole[: end + 1])


def test_a_body_put_together_of_pieces_is_not_changed_later():
    reader = FrameReader(1000)
    for piece in (frame(1, b"abc")[:13], frame(1, b"abc")[13:] + frame(2, b"def")[:13]):
        reader.feed(piece)
        first = reader.next_frame()
    assert reader.next_frame() is None
    reader.feed(b"ef")
    assert reader.next_frame() == (2, b"def")
    assert first == (1, b"abc")

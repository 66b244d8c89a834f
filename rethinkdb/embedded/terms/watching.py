"""`changes`: changefeeds on whatever reads a table."""

from __future__ import annotations

from rethinkdb.embedded.data import datum
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.streams import Origin, Refusal, Stream
from rethinkdb.embedded.data.values import SingleSelection
from rethinkdb.embedded.failures import Backtrace, logic, op_failed, resource
from rethinkdb.embedded.feeds.feed import ENDLESS, Feed, UnionFeed
from rethinkdb.embedded.feeds.subscriptions import FeedOptions, PointFeed, RangeFeed
from rethinkdb.embedded.feeds.tops import LimitFeed
from rethinkdb.embedded.language import options
from rethinkdb.embedded.language.evaluation import Call
from rethinkdb.embedded.language.registry import term
from rethinkdb.embedded.storage import access
from rethinkdb.ql2 import TermType

_FLAGS = ("include_states", "include_types", "include_initial", "include_offsets")


@term(
    TermType.CHANGES,
    1,
    options=("squash", "changefeed_queue_size", *_FLAGS),
)
def changes(call: Call) -> Stream:
    """`changes`: a stream of changes, which does not end."""
    squash = _squash(call)
    flags = {name: bool(call.option_as(name, datum.truth, False)) for name in _FLAGS}
    subject = call.value(0)
    chosen = FeedOptions(
        squash=squash is not False,
        interval=0.0 if isinstance(squash, bool) else float(squash),
        initial=flags["include_initial"],
        states=flags["include_states"],
        offsets=flags["include_offsets"],
        types=flags["include_types"],
        queue_size=_queue_size(call),
    )
    feed = (
        _row_feed(call, subject, chosen)
        if isinstance(subject, SingleSelection)
        else _stream_feed(call, chosen)
    )
    return Stream(feed, feed=feed, refusal=Refusal(ENDLESS), backtrace=call.place)


def _squash(call: Call) -> bool | float:
    squash: Datum = call.option_as("squash", _checked_squash, False)
    return squash  # type: ignore[no-any-return]  # the check leaves these two types


def _checked_squash(squash: Datum) -> Datum:
    if datum.is_number(squash):
        if squash < 0:
            raise logic("Expected BOOL or a positive NUMBER but found a negative NUMBER.")
    elif not isinstance(squash, bool):
        raise logic(f"Expected BOOL or NUMBER but found {datum.type_name(squash)}.")
    return squash


def _queue_size(call: Call) -> int:
    size: int = call.option_as(
        "changefeed_queue_size", datum.as_integer, options.DEFAULT_QUEUE_SIZE
    )
    return options.checked_limit("changefeed queue size", size)


def _row_feed(call: Call, subject: SingleSelection, chosen: FeedOptions) -> Feed:
    access.require_watch(call.environment, subject.table)
    if subject.extreme is not None:
        return _top_feed(call, Origin(subject.extreme), 1, chosen, call.backtrace(0))
    if chosen.offsets:
        raise logic("Cannot include offsets for point subs.")
    place = call.backtrace(0)
    return PointFeed(subject.table, subject.key, chosen, call.environment, place)


def _stream_feed(call: Call, chosen: FeedOptions) -> Feed:
    origins = call.stream(0).followed_origins()
    feeds = [_origin_feed(call, origin, chosen) for origin in origins]
    if len(feeds) == 1:
        return feeds[0]
    return UnionFeed(feeds, states=len(feeds))


def _origin_feed(call: Call, origin: Origin, chosen: FeedOptions) -> Feed:
    access.require_watch(call.environment, origin.slice.table)
    if origin.limit is None:
        if chosen.offsets:
            kind = "empty" if origin.slice.keys == () else "range"
            raise logic(f"Cannot include offsets for {kind} subs.")
        return RangeFeed(origin, chosen, call.environment, call.place)
    if origin.limit > call.array_limit:
        raise resource(
            f"Array size limit `{call.array_limit}` exceeded.  (`.limit(X).changes()` is illegal"
            " if X is larger than the array size limit.)"
        )
    if origin.slice.sorting is None:
        raise logic("Cannot get changes on the first elements of an unordered stream.", ())
    return _top_feed(call, origin, origin.limit, chosen, call.place)


def _top_feed(
    call: Call, origin: Origin, limit: int, chosen: FeedOptions, place: Backtrace
) -> Feed:
    if origin.slice.table.data.is_system:
        raise op_failed("System tables don't support changefeeds on `.limit()`.")
    return LimitFeed(origin, limit, chosen, call.environment, place)

"""Streams split into groups; later transformations apply within each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from rethinkdb.embedded.data import datum, shards
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.data.streams import Accumulator, Origin, Refusal, Stream, Transform
from rethinkdb.embedded.failures import Backtrace, QueryFailure, logic, resource

GROUPING_CHUNK = 1024
"""How many rows are sorted into groups before the transformations that follow see them."""

_NOT_A_STREAM = "Cannot treat the output of `group` as a stream (did you mean to `ungroup`?)."

Groups: TypeAlias = "dict[tuple[Any, ...], tuple[Datum, list[Datum]]]"
"""Rows by group, keyed by the order key of the group."""


class GroupedStream(Stream):
    """Rows in groups.

    Its rows are never one sequence. They are aggregated per group, or collected into grouped data.
    """

    __slots__ = ("_groups_of", "_transforms", "array_limit")

    def __init__(
        self,
        source: Iterable[Any],
        groups_of: Callable[[Any], tuple[Iterable[Datum], Datum]],
        *,
        array_limit: int,
        backtrace: Backtrace,
        refusal: Refusal | None = None,
        transforms: tuple[Transform, ...] = (),
        origins: tuple[Origin, ...] = (),
    ) -> None:
        """Splits the items of `source`.

        Args:
            source: what `groups_of` understands: rows, or rows with their value in an index.
            groups_of: from one of these to the groups it belongs to, and the row itself.
            array_limit: the query's.
            backtrace: the term that gave this stream.
            refusal: see `Stream`.
            transforms: what is done to the rows of each group.
            origins: see `Stream`.
        """
        super().__init__(source, refusal=refusal, backtrace=backtrace, origins=origins)
        self._groups_of = groups_of
        self._transforms = transforms
        self.array_limit = array_limit

    def __iter__(self) -> Iterator[Datum]:
        """Raises when it is pulled, because there is not one sequence."""
        return _refused(self.backtrace)

    def located_source(self) -> Iterable[Datum]:
        """Raises likewise."""
        return _refused(self.backtrace)

    def through(
        self,
        transform: Transform,
        backtrace: Backtrace,
        *,
        obstacle: QueryFailure | None = None,
        may_follow_limit: bool = False,
    ) -> GroupedStream:
        """The grouped stream with a row-wise transformation applied within each group."""
        return GroupedStream(
            self._rows,
            self._groups_of,
            array_limit=self.array_limit,
            backtrace=backtrace,
            refusal=self.refusal and self.refusal.moved_to(backtrace),
            transforms=(*self._transforms, transform),
            origins=self.origins,
        )

    def aggregate_groups(
        self, start: Callable[[], Accumulator]
    ) -> Iterator[tuple[Datum, Accumulator]]:
        """Each group with an aggregation over its rows.

        Groups in which there was nothing to aggregate are left out.
        """
        self.check_finite()
        total: dict[tuple[Any, ...], tuple[Datum, Accumulator]] = {}
        parts = shards.parts_of(self._rows)
        try:
            for part in parts:
                for key, (group, accumulator) in self._aggregated(part, start).items():
                    known = total.get(key)
                    if known is None:
                        total[key] = (group, accumulator)
                    else:
                        known[1].join(accumulator)
        except QueryFailure as failure:
            if failure.backtrace is None and len(parts) > 1:
                failure.backtrace = ()
            raise
        return iter(total.values())

    def _aggregated(
        self, part: Iterable[Any], start: Callable[[], Accumulator]
    ) -> dict[tuple[Any, ...], tuple[Datum, Accumulator]]:
        found: dict[tuple[Any, ...], tuple[Datum, Accumulator]] = {}
        for groups in self._chunks(part):
            for key, (group, rows) in groups.items():
                known = found.get(key)
                accumulator = start() if known is None else known[1]
                useful = accumulator.add(self._transformed(rows))
                if useful and known is None:
                    found[key] = (group, accumulator)
        return found

    def _transformed(self, rows: list[Datum]) -> Iterator[Datum]:
        pulled = iter(rows)
        for transform in self._transforms:
            pulled = transform(pulled)
        return pulled

    def _chunks(self, part: Iterable[Any]) -> Iterator[Groups]:
        entries = iter(part)
        order_key = datum.order_key
        seen: set[tuple[Any, ...]] = set()
        while chunk := list(islice(entries, GROUPING_CHUNK)):
            groups: Groups = {}
            for entry in chunk:
                names, row = self._groups_of(entry)
                keys = [(order_key(group), group) for group in names]
                for key, group in keys:
                    groups.setdefault(key, (group, []))[1].append(row)
                self._check_number(len(keys))
            if not self._reads_tables:
                seen.update(groups)
                self._check_number(len(seen))
            yield groups

    @property
    def _reads_tables(self) -> bool:
        """Whether a real server groups the rows one by one where they are stored."""
        return any(origin.limit is None for origin in self.origins)

    def _check_number(self, groups: int) -> None:
        # A real server counts the rows that are still to be grouped as one group more. What it
        # groups row by row, it counts per row.
        if groups + 1 > self.array_limit:
            raise resource(f"Too many groups (> {self.array_limit}).", ())


def _refused(place: Backtrace | None) -> Iterator[Datum]:
    yield from ()
    raise logic(_NOT_A_STREAM, place)

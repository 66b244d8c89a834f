"""Decides for each read and write of a cluster's table whether the table is available."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rethinkdb.embedded import blocking
from rethinkdb.embedded.cluster.circumstances import Circumstances
from rethinkdb.embedded.cluster.parts import Division, Part
from rethinkdb.embedded.cluster.phases import (
    CAUGHT_UP_SECONDS,
    DIVIDED,
    FOUND_AGAIN,
    LOST,
    LOST_REPLICAS,
    MOVED,
    NO_REPLICA,
    READS,
    WRITES,
    Answer,
    Phase,
    Steps,
)
from rethinkdb.embedded.data.datum import Datum
from rethinkdb.embedded.failures import FailureKind, QueryFailure, op_failed
from rethinkdb.embedded.storage.placement import Health, ServerIdentity
from rethinkdb.embedded.storage.tables import StoredTable

if TYPE_CHECKING:
    from rethinkdb.embedded.data.values import Table
    from rethinkdb.embedded.language.evaluation import Environment
    from rethinkdb.embedded.storage.indexes import Range

_OUTDATED = ("outdated", "_debug_direct")


class TableGate:
    """A `Gate`: tracks the state of each part of one table.

    Args:
        table: the table.
        circumstances: the state that all tables of the cluster share.
    """

    def __init__(self, table: StoredTable, circumstances: Circumstances) -> None:
        self._table = table
        self._around = circumstances
        self._division = Division(table)
        self._gone = False

    # -- called by queries that use the table

    def health(self) -> Health:
        """The availability of the table now."""
        parts = self._division.parts
        replicas = [server for part in parts for server in part.shard.replicas]
        leader = next((server for server in replicas if server.up), None)
        reads = all(part.phase not in READS for part in parts)
        writes = all(part.phase not in WRITES for part in parts)
        return Health(
            leader if all(part.has_majority for part in parts) else None,
            [part.health() for part in parts],
            outdated_reads=all(_any_up(part) for part in parts),
            reads=reads,
            writes=writes,
            settled=writes and all(server.up for server in replicas),
            reachable=any(server.up for server in replicas),
        )

    def pass_to_read(
        self,
        environment: Environment,
        table: Table,
        keys: Iterable[Datum] | None,
        bounds: Range | None,
    ) -> None:
        """See `Gate`."""
        division = self._division
        parts = division.of(keys) if bounds is None else division.within(bounds)
        check = self._outdated_readable if table.read_mode in _OUTDATED else self._readable
        try:
            self._await(environment, parts, lambda: check(parts))
        except QueryFailure as failure:
            failure.message = f"Cannot perform read: {failure.message}"
            raise

    def pass_to_watch(self, environment: Environment, table: Table) -> None:
        """See `Gate`."""
        parts = self._division.parts
        try:
            self._await(environment, parts, lambda: self._readable(parts))
        except QueryFailure as failure:
            failure.message = f"cannot subscribe to table `{table.display_name}`: {failure.message}"
            failure.backtrace = ()
            raise

    @contextmanager
    def writing(self, environment: Environment, keys: Iterable[Datum] | None) -> Iterator[None]:
        """See `Gate`."""
        parts = self._division.of(keys)
        with _writing_failures():
            losses = self._await(environment, parts, lambda: self._writable(parts))
        yield
        with _writing_failures():
            self._await(environment, parts, lambda: self._confirmed(parts, losses))

    def wait(self, environment: Environment, readiness: str, seconds: float | None) -> bool:
        """See `Gate`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        with self._around.news() as news, environment.interruption.ending(news.set):
            while not self._gone and not self.health().ready_for(readiness):
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                with blocking.elsewhere():
                    news.wait(left)
                news.clear()
                environment.check_interrupted()
        return True

    def _await(
        self, environment: Environment, parts: Sequence[Part], ready: Callable[[], bool]
    ) -> list[int]:
        """Waits until the parts are ready. Returns how often each has been lost by then."""
        with self._around.lock:
            before = _losses(parts)
            if ready():
                return before
        with self._around.news() as news, environment.interruption.ending(news.set):
            while True:
                with self._around.lock:
                    _check_not_lost(parts, before)
                    if ready():
                        return before
                with blocking.elsewhere():
                    news.wait()
                news.clear()
                environment.check_interrupted()

    def _readable(self, parts: Sequence[Part]) -> bool:
        for part in parts:
            _refuse(READS.get(part.phase), part)
        return not any(self._around.is_frozen(part.primary) for part in parts)

    def _outdated_readable(self, parts: Sequence[Part]) -> bool:
        if not all(map(_any_up, parts)):
            raise op_failed(NO_REPLICA)
        return not any(self._around.is_frozen(part.primary) for part in parts)

    def _writable(self, parts: Sequence[Part]) -> bool:
        if self._gone:
            raise QueryFailure(FailureKind.INTERNAL, _NO_TABLE)
        for part in parts:
            _refuse(WRITES.get(part.phase), part)
        return not any(self._around.is_frozen(part.primary, for_writing=True) for part in parts)

    def _confirmed(self, parts: Sequence[Part], losses: list[int]) -> bool:
        """Whether enough replicas have acknowledged a write."""
        if self._gone:
            raise QueryFailure(FailureKind.INTERNAL, _NO_TABLE)
        _check_not_lost(parts, losses)
        return all(self._around.acknowledges(part) for part in parts)

    # -- events; the caller holds the store's lock

    def reshape(self) -> None:
        """The shards of the table have changed: moves the table to the new ones."""
        self.reshape_within(None)

    def reshape_within(self, seconds: float | None) -> None:
        """As `reshape`, in so many seconds; None: in the usual time."""
        shards, parts = self._table.shards, self._division.parts
        if len(shards) == len(parts):
            for part, shard in zip(parts, shards, strict=True):
                part.shard = shard
                if part.primary is not shard.primary:
                    self._go_through(part, MOVED, seconds)
        else:
            self._division = Division(self._table)
            for part in parts:
                part.lose()
                part.plan += 1
            self._table.end_feeds()
            for part in self._division.parts:
                self._go_through(part, DIVIDED, seconds)
        self._around.changed()

    def server_lost(self, server: ServerIdentity, steps: Steps, seconds: float | None) -> None:
        """A server has stopped."""
        for part in self._division.parts:
            if part.primary is server:
                self._go_through(part, steps, seconds)
            elif part.primary is not None and not part.has_majority:
                part.lose(LOST_REPLICAS)
                part.plan += 1
                part.phase, part.moving = Phase.NO_QUORUM, False

    def server_found(self, server: ServerIdentity) -> None:
        """A server has started again."""
        for part in self._division.parts:
            if server not in part.shard.replicas or part.moving or not part.has_majority:
                continue
            if part.primary is None:
                self._go_through(part, FOUND_AGAIN, None)
            else:
                self._ready(part)

    def drop(self) -> None:
        """The table was dropped."""
        self._gone = True
        self._around.changed()

    def _go_through(self, part: Part, steps: Steps, seconds: float | None) -> None:
        part.plan += 1
        part.moving = True
        plan, scale = part.plan, self._around.scale(steps, seconds)

        def enter(place: int) -> None:
            if part.plan != plan or self._gone:
                return
            if place == len(steps):
                self._ready(part)
            elif self._enter(part, steps[place].phase):
                self._around.after(steps[place].seconds * scale, lambda: enter(place + 1))
            else:
                part.moving = False
            self._around.changed()

        enter(0)

    def _enter(self, part: Part, phase: Phase) -> bool:
        """Puts a part into a phase. Returns False if the following phases cannot come by time."""
        if phase is Phase.NO_PRIMARY:
            part.primary = None
            part.lose()
            self._table.end_feeds()
        elif phase is Phase.SETTLING:
            part.primary = part.candidate()
            if part.primary is None:
                return False
        elif part.primary is None:  # there is no primary that could lose the lead
            return True
        part.phase = phase
        return True

    def _ready(self, part: Part) -> None:
        part.moving = False
        part.phase = Phase.READY if part.has_majority else Phase.NO_QUORUM
        if part.primary is not part.shard.primary and part.shard.primary.up:
            # The configured primary leads again once it has caught up.
            plan = part.plan
            self._around.after(
                self._around.pace * CAUGHT_UP_SECONDS, lambda: self._lead_back(part, plan)
            )

    def _lead_back(self, part: Part, plan: int) -> None:
        if part.plan == plan and not self._gone and part.shard.primary.up:
            self._go_through(part, MOVED, None)


def _losses(parts: Sequence[Part]) -> list[int]:
    return [part.losses for part in parts]


def _check_not_lost(parts: Sequence[Part], losses: list[int]) -> None:
    for part, before in zip(parts, losses, strict=True):
        if part.losses != before:
            raise op_failed(part.cause)


def _any_up(part: Part) -> bool:
    return any(server.up for server in part.shard.replicas)


def _refuse(answer: Answer | None, part: Part) -> None:
    if answer is not None:
        raise QueryFailure(answer.kind, answer.text.format(shard=part.range))


@contextmanager
def _writing_failures() -> Iterator[None]:
    try:
        yield
    except QueryFailure as failure:
        if failure.message in (LOST, LOST_REPLICAS):  # it may or may not have been written
            failure.kind = FailureKind.OP_INDETERMINATE
        if failure.kind is not FailureKind.INTERNAL:
            failure.message = f"Cannot perform write: {failure.message}"
        raise


_NO_TABLE = "Unexpected exception: There is no table with the given name / UUID"

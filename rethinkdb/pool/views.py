"""Which of the server's rows the program sees, over all runs of a feed.

Each reply of the server passes through `View.edit`, before its values are converted. `Restarted`
leaves it unchanged. `Compared` remembers the rows that the program knows, and replaces the initial
values of a new run by the differences.

Each run of a compared feed asks for all rows at the start, even if the program does not want them:

===========  =================================================  ====================================
phase        what the server sends                              what the program gets
===========  =================================================  ====================================
`HIDDEN`     all rows; the program knows and wants none         nothing
`SHOWN`      all rows; the program knows none and wants all     all rows
`COMPARED`   all rows; the program knows some of them           the differences to what it knows
`LEAVING`    changes                                            changes, and the rest of the rows
                                                                that were deleted
`FOLLOWED`   changes                                            changes
===========  =================================================  ====================================

The rows that were deleted during the loss are those that have not arrived when the server says
`ready`. The program gets their deletions in batches of a thousand, as fast as it reads.

**An interrupt loses nothing.** A signal handler may raise an error while a reply is decoded; then
the same payload is decoded again. So comparing a batch changes nothing until its items have been
handed over (`delivered`). To take in a change twice does no harm.

The module is long because the views of many rows and of one row are two forms of the same phases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple

from rethinkdb.errors import ReqlDriverError
from rethinkdb.ql2 import ResponseType

from .remembering import Kept, Memory, key_form, key_value
from .shapes import Wanted

__all__ = ["GONE_AT_ONCE", "Compared", "Point", "Restarted", "RowWithoutKeyError", "Rows", "View"]

#: How many deletions of rows the program gets in one batch.
GONE_AT_ONCE = 1000

_BATCHES = (ResponseType.SUCCESS_PARTIAL, ResponseType.SUCCESS_SEQUENCE)


class RowWithoutKeyError(ReqlDriverError, ValueError):
    """A row of a feed run with `resume="diff"` has no primary key."""


class View(ABC):
    """Edits the replies of a feed into what the program sees.

    Attributes:
        missed: the server's message that it has dropped changes, if this view needs all of them;
            else None.
    """

    missed: str | None = None

    @property
    def opened(self) -> bool:
        """Whether the program may have the feed. If not, it sees none of the rows yet."""
        return True

    @property
    def more(self) -> bool:
        """Whether there are items for the program besides those that the server sends."""
        return False

    @abstractmethod
    def begin(self) -> None:
        """The feed is about to be run, for the first time or again."""

    @abstractmethod
    def edit(self, reply: Any, payload: bytes) -> bool:
        """Edit a reply in place. Returns whether it was changed. See `Codec.decoder`."""

    @abstractmethod
    def passes(self, rows: list[Any]) -> bool:
        """Take in the rows of a reply that `edit` leaves unchanged, if it is such a reply."""

    def delivered(self) -> None:  # noqa: B027  # a view without a memory has nothing to do
        """The items of the last edited reply have been handed over."""


class Restarted(View):
    """Shows all rows of each run, unchanged."""

    def begin(self) -> None:
        """Does nothing."""

    def edit(self, reply: Any, payload: bytes) -> bool:
        return False

    def passes(self, rows: list[Any]) -> bool:
        return True


class _Phase(Enum):
    HIDDEN = "hidden"
    SHOWN = "shown"
    COMPARED = "compared"
    LEAVING = "leaving"
    FOLLOWED = "followed"


# CPython 3.10 and 3.11 call a function to look up a member of an enumeration.
_FOLLOWED = _Phase.FOLLOWED


class _Batch:
    """The result of comparing one reply. It takes effect when its items have been handed over.

    Attributes:
        payload: the bytes of the reply.
        items: what the program gets.
        phase: the phase after this reply.
        ready: whether all initial values have been handled after this reply.
        staged: for each row in the reply: what is known of it afterwards.
    """

    __slots__ = ("items", "payload", "phase", "ready", "staged")

    def __init__(self, payload: bytes, phase: _Phase, ready: bool) -> None:
        self.payload = payload
        self.items: list[Any] = []
        self.phase = phase
        self.ready = ready
        self.staged: dict[Any, _Staged] = {}


class _Staged(NamedTuple):
    """What is known of a row. `kept` is None: it does not exist. `confirmed`: this run says so."""

    kept: Any
    confirmed: bool = True


class Compared(View):
    """Shows the differences to what the program knows.

    Args:
        wanted: the user's options for what the feed includes.
        memory: how rows are remembered.
        primary_key: the name of the primary key.
    """

    def __init__(self, wanted: Wanted, memory: Memory, primary_key: str) -> None:
        self._ready = False
        self._wanted = wanted
        self._memory = memory
        self._primary_key = primary_key
        self._phase = _Phase.HIDDEN
        self._pending: _Batch | None = None
        self._initializing_told = False

    # Subclasses implement these: what is remembered.

    @abstractmethod
    def _recollect(self) -> bool:
        """A run begins and has confirmed no row yet. Returns whether the program knows any row."""

    @abstractmethod
    def _forget(self) -> None:
        """Forget all rows, since the program has seen none."""

    @abstractmethod
    def _follow(self, rows: list[Any]) -> None:
        """Take in changes that the program gets unchanged. Doing it twice does no harm.

        Raises:
            LookupError, TypeError: a row is not a change.
        """

    @abstractmethod
    def _row(self, row: dict[str, Any], batch: _Batch) -> None:
        """Compare one row."""

    @abstractmethod
    def _take_leave(self, batch: _Batch) -> bool:
        """Add deletions of rows that no longer exist. Returns whether these were all."""

    @abstractmethod
    def _commit(self, batch: _Batch) -> None:
        """Take in what a batch says about rows. Doing it twice does no harm."""

    # The server's replies.

    @property
    def opened(self) -> bool:
        return self._ready or self._wanted.initial

    @property
    def more(self) -> bool:
        return self._phase is _Phase.LEAVING

    def begin(self) -> None:
        self.delivered()
        self.missed = None
        if not self.opened:
            self._forget()
            self._phase = _Phase.HIDDEN
        elif self._recollect() or self._ready:
            self._phase = _Phase.COMPARED
        else:
            self._phase = _Phase.SHOWN

    def edit(self, reply: Any, payload: bytes) -> bool:
        if not isinstance(reply, dict) or reply.get("t") not in _BATCHES:
            return False
        rows = reply.get("r")
        if not isinstance(rows, list):
            return False
        if self._pending is not None and self._pending.payload is not payload:
            self.delivered()
        if self.passes(rows):
            return False
        if self._pending is None:
            self._pending = self._compared(rows, payload)
        reply["r"] = self._pending.items
        return True

    def passes(self, rows: list[Any]) -> bool:
        if self._pending is not None or self._phase is not _FOLLOWED:
            return False
        try:
            self._follow(rows)
        except (LookupError, TypeError):
            return False  # not all rows are changes
        return True

    def delivered(self) -> None:
        batch = self._pending
        if batch is not None:
            self._commit(batch)
            self._phase, self._ready = batch.phase, batch.ready
            self._pending = None

    def _compared(self, rows: list[Any], payload: bytes) -> _Batch:
        batch = _Batch(payload, self._phase, self._ready)
        for row in rows:
            if not isinstance(row, dict):
                raise self._without_key(row)
            if "new_val" in row or "old_val" in row:
                self._row(row, batch)
            elif "error" in row:
                self.missed = str(row["error"])
                break
            else:
                self._state(row, batch)
        if self._phase is _Phase.LEAVING:
            self._leave(batch)
        return batch

    def _state(self, row: dict[str, Any], batch: _Batch) -> None:
        if row.get("state") == "ready":
            batch.phase = _Phase.LEAVING
            self._leave(batch)
        elif self._wanted.initial and not self._initializing_told and not batch.ready:
            self._initializing_told = True
            if self._wanted.states:
                batch.items.append(row)

    def _leave(self, batch: _Batch) -> None:
        if not self._take_leave(batch):
            return
        batch.phase = _Phase.FOLLOWED
        if not batch.ready:
            batch.ready = True
            if self._wanted.states:
                batch.items.append(self._typed({"state": "ready"}, "state"))

    def _typed(self, item: dict[str, Any], kind: str) -> dict[str, Any]:
        if self._wanted.types:
            item["type"] = kind
        return item

    def _without_key(self, row: Any) -> RowWithoutKeyError:
        text = repr(row)
        return RowWithoutKeyError(
            f"A row of this feed has no primary key {self._primary_key!r}, by which"
            f' `resume="diff"` compares: {text[:80]}{"..." * (len(text) > 80)}. Keep that field in'
            ' the rows, or use `resume="restart"`.'
        )


class Rows(Compared):
    """Compares the rows of a table, or of a part of it, by their primary key.

    Args:
        wanted, memory, primary_key: as in `Compared`.
        moves: one change may remove one row and add another.
    """

    def __init__(
        self, wanted: Wanted, memory: Memory, primary_key: str, moves: bool = False
    ) -> None:
        super().__init__(wanted, memory, primary_key)
        self._moves = moves
        # The known rows: first those that this run has confirmed, then all others.
        self._now: dict[Any, Kept] = {}
        self._before: dict[Any, Kept] = {}
        self._room = 0

    def _recollect(self) -> bool:
        self._now.update(self._before)
        self._before, self._now = self._now, {}
        self._room = len(self._before)
        return bool(self._before)

    def _forget(self) -> None:
        self._before, self._now = {}, {}

    def _follow(self, rows: list[Any]) -> None:
        now, primary_key = self._now, self._primary_key
        self._memory.take_in(rows, now, primary_key)
        if not self._moves:
            return
        for row in rows:
            new, old = row["new_val"], row["old_val"]
            if new is not None and old is not None:
                gone = key_form(old[primary_key])
                if gone != key_form(new[primary_key]):
                    now.pop(gone, None)

    def _row(self, row: dict[str, Any], batch: _Batch) -> None:
        if batch.phase in (_Phase.COMPARED, _Phase.LEAVING):
            self._compare(row, batch)
            return
        new, old = row.get("new_val"), row.get("old_val")
        if old is not None:
            batch.staged[self._key(old)] = _Staged(None)
        if new is not None:
            batch.staged[self._key(new)] = _Staged(self._memory.packed(new))
        if batch.phase is not _Phase.HIDDEN:
            batch.items.append(row)

    def _compare(self, row: dict[str, Any], batch: _Batch) -> None:
        new, old = row.get("new_val"), row.get("old_val")
        key = None if new is None else self._key(new)
        if old is not None and (new is None or self._key(old) != key):
            self._went(self._key(old), "new_val" in row, batch)
        if new is None:
            return
        kept, known = self._memory.packed(new), self._known(key, batch)
        batch.staged[key] = _Staged(kept)
        if known is None:
            batch.items.append(self._appeared(new, batch))
        elif not self._memory.same(known, kept):
            item = {"new_val": new, "old_val": self._restored(key, known)}
            batch.items.append(self._typed(item, "change"))

    def _went(self, key: Any, surely: bool, batch: _Batch) -> None:
        """A row has gone. If not `surely`, it may come again among the initial values."""
        known = self._known(key, batch)
        if not surely:
            batch.staged[key] = _Staged(known, confirmed=False)
            return
        batch.staged[key] = _Staged(None)
        if known is not None:
            batch.items.append(self._gone(key, known))

    def _take_leave(self, batch: _Batch) -> bool:
        leaving = list(islice(self._unconfirmed(batch), GONE_AT_ONCE))
        for key, known in leaving:
            batch.staged[key] = _Staged(None)
            batch.items.append(self._gone(key, known))
        return len(leaving) < GONE_AT_ONCE

    def _unconfirmed(self, batch: _Batch) -> Iterator[tuple[Any, Kept]]:
        staged = batch.staged
        for key, kept in self._before.items():
            if key not in staged:
                yield key, kept
        for key, (known, confirmed) in staged.items():
            if known is not None and not confirmed:
                yield key, known

    def _commit(self, batch: _Batch) -> None:
        now, before = self._now, self._before
        for key, (kept, confirmed) in batch.staged.items():
            before.pop(key, None)
            if kept is None:
                now.pop(key, None)
            elif confirmed:
                now[key] = kept
            else:
                now.pop(key, None)
                before[key] = kept
        if len(before) * 2 < self._room:
            # A dict does not shrink when items are removed, and looping over it would stay slow.
            self._before = dict(before)
            self._room = len(before)

    def _known(self, key: Any, batch: _Batch) -> Kept | None:
        staged = batch.staged.get(key)
        if staged is not None:
            kept: Kept | None = staged.kept
            return kept
        return self._now.get(key, self._before.get(key))

    def _key(self, row: Any) -> Any:
        try:
            return key_form(row[self._primary_key])
        except (LookupError, TypeError):
            raise self._without_key(row) from None

    def _appeared(self, new: Any, batch: _Batch) -> dict[str, Any]:
        if not batch.ready:
            return self._typed({"new_val": new}, "initial")
        return self._typed({"new_val": new, "old_val": None}, "add")

    def _gone(self, key: Any, known: Kept) -> dict[str, Any]:
        item = {"new_val": None, "old_val": self._restored(key, known)}
        return self._typed(item, "remove")

    def _restored(self, key: Any, known: Kept) -> Any:
        return self._memory.restored(known, {self._primary_key: key_value(key)})


class Point(Compared):
    """Compares the one document of `table.get(key)`, which may not exist."""

    # What is kept of the document, and its key when last seen; None: the program knows nothing.
    _known: tuple[Kept, Any] | None = None

    def _recollect(self) -> bool:
        return self._known is not None

    def _forget(self) -> None:
        self._known = None

    def _follow(self, rows: list[Any]) -> None:
        for row in rows:
            new, _ = row["new_val"], row["old_val"]
            self._known = self._seen(new, self._known)

    def _seen(self, new: Any, known: tuple[Kept, Any] | None) -> tuple[Kept, Any]:
        if new is not None:
            return self._memory.packed(new), new[self._primary_key]
        return self._memory.packed(None), None if known is None else known[1]

    def _row(self, row: dict[str, Any], batch: _Batch) -> None:
        new = row.get("new_val")
        known = batch.staged.get(None, _Staged(self._known)).kept
        seen = self._seen(new, known)
        batch.staged[None] = _Staged(seen)
        if batch.phase is not _Phase.COMPARED:
            batch.items.extend([row] * (batch.phase is not _Phase.HIDDEN))
        elif not self._memory.same(known[0], seen[0]):
            old = self._memory.restored(known[0], {self._primary_key: known[1]})
            kind = "add" if old is None else "remove" if new is None else "change"
            batch.items.append(self._typed({"new_val": new, "old_val": old}, kind))

    def _take_leave(self, batch: _Batch) -> bool:
        return True

    def _commit(self, batch: _Batch) -> None:
        self._known = batch.staged.get(None, _Staged(self._known)).kept

"""Loads tables: one thread reads rows, and others insert them, with several queries at once.

The rows that are read but not yet inserted are limited in bytes, so a slow server slows down the
reader. A table is created before its rows are inserted. Its secondary indexes and its write hook
are created after its rows, while the rows of the next table are already being inserted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from rethinkdb.tools.failures import BadRow, BadRowError, ToolError
from rethinkdb.tools.inserting import Inserter, Target
from rethinkdb.tools.layout import TableInfo, TableName
from rethinkdb.tools.progress import Tally
from rethinkdb.tools.rows import Found
from rethinkdb.tools.running import Runner, Stopped
from rethinkdb.tools.tables import build_indexes, create_table, set_hook, table_term

__all__ = ["BadRows", "LoadOptions", "Loader", "Loading"]

_MOST_WAITING = 16 * 1024 * 1024
"""How many bytes of rows may be read but not yet inserted."""


class LoadOptions(NamedTuple):
    """The options for loading tables.

    Attributes:
        clients: how many queries run at once. This also limits how many tables are loaded at once.
        hard_durability: wait until rows are on disk.
        force: load into existing tables, too, and replace rows with the same keys.
        resume: load into existing tables, too, and keep existing rows with the same keys.
        secondary_indexes: whether to create secondary indexes and write hooks.
        shards, replicas: the numbers for new tables. None: the server's defaults.
    """

    clients: int = 8
    hard_durability: bool = False
    force: bool = False
    resume: bool = False
    secondary_indexes: bool = True
    shards: int | None = None
    replicas: int | None = None

    @property
    def conflict(self) -> str:
        """What to do with rows whose keys exist already."""
        if self.resume:
            return "keep"
        return "replace" if self.force else "error"


class BadRows:
    """Handles bad rows: either the first one ends the work, or all are collected.

    Args:
        collect: is called with each bad row. None: the first one ends the work.

    Attributes:
        count: how many bad rows there were.
        noted: more functions that are called with each bad row.
    """

    def __init__(self, collect: Callable[[BadRow], None] | None = None) -> None:
        self._collect = collect
        self._lock = threading.Lock()
        self.count = 0
        self.noted: list[Callable[[BadRow], None]] = []

    def __call__(self, row: BadRow) -> None:
        """Handles a bad row.

        Raises:
            BadRowError: bad rows are not collected, so this one ends the work.
        """
        if self._collect is None:
            raise BadRowError(row)
        with self._lock:
            self.count += 1
            for note in self.noted:
                note(row)
            self._collect(row)


class Loading:
    """One table while it is loaded.

    Args:
        name, info: the table, and the information about it.
        made: a future that is done when the table exists.
        into: inserts its rows.
        losses: the `losses` of the runner when the work on the table began.

    Attributes:
        rows: how many rows were inserted.
        open: the number of open tasks: reading the file, and inserting each group of rows.
    """

    def __init__(
        self, name: TableName, info: TableInfo, made: Future[None], into: Inserter, losses: int
    ) -> None:
        self.name = name
        self.info = info
        self.made = made
        self.into = into
        self.losses = losses
        self.rows = 0
        self.open = 1


class Loader:
    """Loads tables. Used within a `with` block, by one thread.

    Args:
        runner: runs the queries.
        options: how to load.
        bad: handles bad rows.
        tally: counts the progress.

    Attributes:
        rows, tables: how many were loaded.
        loaded: the tables.
    """

    def __init__(self, runner: Runner, options: LoadOptions, bad: BadRows, tally: Tally) -> None:
        self._runner = runner
        self._options = options
        self._bad = bad
        self._tally = tally
        self._pool = ThreadPoolExecutor(options.clients, thread_name_prefix="rethinkdb load")
        self._state = threading.Condition()
        self._waiting = 0
        self._unfinished = 0
        self._error: BaseException | None = None
        self.rows = 0
        self.loaded: dict[TableName, TableInfo] = {}

    def begin(self, name: TableName, info: TableInfo, existing: TableInfo | None) -> Loading:
        """Begins to load a table.

        Args:
            name: the table.
            info: the information about it.
            existing: the information about the existing table. None: it does not exist.
        """
        self._tally.begin(str(name))
        self.loaded[name] = info
        with self._state:
            self._unfinished += 1
        made: Future[None] = Future()
        hard, hook = self._options.hard_durability, _role_of_hook(info, existing)
        target = Target(name, info.primary_key, self._options.conflict, hard, hook)
        losses = self._runner.losses
        loading = Loading(name, info, made, Inserter(self._runner, target, self._told), losses)
        if existing is not None:
            made.set_result(None)
        else:
            self._submit(self._make, loading)
        return loading

    def add(self, loading: Loading, found: Iterable[Found]) -> None:
        """Queues rows of a table. Blocks while too many rows wait to be inserted."""
        for item in found:
            if isinstance(item, BadRow):
                self._told(item)
                continue
            size = len(item.text)
            with self._state:
                while self._waiting and self._waiting + size > _MOST_WAITING:
                    self._check()
                    self._state.wait()
                self._check()
                self._waiting += size
                loading.open += 1
            self._submit(self._insert, loading, item)

    def end(self, loading: Loading) -> None:
        """Marks that all rows of a table were read."""
        self._one_less(loading)

    def wait(self) -> None:
        """Waits until all tables are loaded.

        Raises:
            Exception: the first error in one of the threads.
        """
        with self._state:
            while self._unfinished and self._error is None:
                self._state.wait()
            self._check()

    def __enter__(self) -> Loader:
        return self

    def __exit__(self, kind: object, *exc_info: object) -> None:
        if kind is not None or self._error is not None:
            self._runner.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # -- in the threads of the pool

    def _submit(self, work: Callable[..., None], *args: Any) -> None:
        def done() -> None:
            try:
                work(*args)
            except BaseException as error:
                self._fail(error)

        self._pool.submit(done)

    def _make(self, loading: Loading) -> None:
        options = self._options
        key = loading.info.primary_key
        try:
            create_table(self._runner, loading.name, key, options.shards, options.replicas)
        except BaseException as error:
            loading.made.set_exception(error)
            raise
        loading.made.set_result(None)

    def _insert(self, loading: Loading, group: Any) -> None:
        try:
            loading.made.result()
            rows = loading.into.insert(group)
        finally:
            with self._state:
                self._waiting -= len(group.text)
                self._state.notify_all()
        self._tally.add(str(loading.name), rows, len(group.text))
        with self._state:
            self.rows += rows
            loading.rows += rows
        self._one_less(loading)

    def _one_less(self, loading: Loading) -> None:
        with self._state:
            loading.open -= 1
            last = loading.open == 0
        if last:
            self._submit(self._complete, loading)

    def _complete(self, loading: Loading) -> None:
        loading.made.result()
        if not self._options.hard_durability:
            self._settle(loading)
        if self._options.secondary_indexes:
            build_indexes(self._runner, loading.name, loading.info.indexes)
            set_hook(self._runner, loading.name, loading.info.write_hook)
        self._tally.end(str(loading.name))
        with self._state:
            self._unfinished -= 1
            self._state.notify_all()

    def _settle(self, loading: Loading) -> None:
        """Waits until the rows are on disk.

        Raises:
            ToolError: the server went away before that, and has lost some rows.
        """
        self._runner.ask(table_term(loading.name).sync())
        if self._runner.losses == loading.losses:
            return
        there = self._runner.ask(table_term(loading.name).count())
        if there < loading.rows:
            raise ToolError(
                f"the server has lost rows of {loading.name} when it went away: it has {there} of "
                f"{loading.rows}. Run this again with --resume, which adds them. With "
                "--hard-durability no rows are lost so"
            )

    def _told(self, row: BadRow) -> None:
        self._bad(row)
        self._tally.skip()

    def _fail(self, error: BaseException) -> None:
        with self._state:
            if self._error is None or isinstance(self._error, Stopped):
                self._error = error
            self._state.notify_all()
        self._runner.stop()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


def _role_of_hook(info: TableInfo, existing: TableInfo | None) -> str:
    """What the write hook of an existing table does while rows are loaded. See `Target`."""
    if existing is None or existing.write_hook is None:
        return "none"
    # The rows of a dump or an export went through the hook when they were written.
    return "ignored" if info.kept else "runs"


def check_existing(
    name: TableName, info: TableInfo, existing: TableInfo, options: LoadOptions
) -> None:
    """Raises `ToolError` if an existing table must not be loaded into.

    Args:
        name: the table.
        info: the information about the table to load.
        existing: the information about the existing table.
        options: how to load.
    """
    if not (options.force or options.resume):
        raise ToolError(
            f"the table {name} already exists, run with --force to import into the existing table, "
            "or with --resume to go on with what was broken off"
        )
    if existing.primary_key != info.primary_key:
        raise ToolError(
            f"the table {name} has the primary key {existing.primary_key!r}, and what is to be "
            f"loaded has {info.primary_key!r}"
        )

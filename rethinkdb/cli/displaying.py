"""Shows the progress of a tool on stderr: bars on a terminal, else lines, or JSON for machines."""

from __future__ import annotations

import json
import sys
import threading
from time import monotonic
from typing import Any, Protocol, TextIO

from rethinkdb.tools.progress import Snapshot, Tally, rate

MODES = ("auto", "bars", "lines", "json", "none")

_SECONDS = {"bars": 0.1, "lines": 5.0, "json": 1.0}
_MOST_BARS = 8


class _Shown(Protocol):
    def show(self, snapshot: Snapshot, seconds: float) -> None:
        """Shows the progress now."""

    def close(self, snapshot: Snapshot, seconds: float) -> None:
        """Shows the final progress."""


class Display:
    """Shows a tally during a `with` block, from a separate thread.

    Args:
        mode: one of `MODES`. "auto" shows bars on a terminal if `rich` is installed, else lines.
        stream: the output.
    """

    def __init__(self, mode: str, stream: TextIO | None = None) -> None:
        self.tally = Tally()
        self._stream = stream or sys.stderr
        self._mode = _chosen(self._stream) if mode == "auto" else mode
        self._over = threading.Event()
        self._begun = monotonic()
        self._thread: threading.Thread | None = None
        self._shown: _Shown | None = None

    def __enter__(self) -> Display:
        if self._mode != "none":
            self._shown = _Bars(self._stream) if self._mode == "bars" else self._lines()
            self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        if self._thread is not None and self._shown is not None:
            self._thread.join()
            self._shown.close(self.tally.snapshot(), self.seconds)

    @property
    def seconds(self) -> float:
        """The seconds since it began."""
        return monotonic() - self._begun

    def _lines(self) -> _Shown:
        return _Json(self._stream) if self._mode == "json" else _Lines(self._stream)

    def _show(self) -> None:
        assert self._shown is not None
        while not self._over.wait(_SECONDS[self._mode]):
            self._shown.show(self.tally.snapshot(), self.seconds)


def _chosen(stream: TextIO) -> str:
    from importlib.util import find_spec

    return "bars" if stream.isatty() and find_spec("rich") is not None else "lines"


def sentence(snapshot: Snapshot, seconds: float) -> str:
    """The progress as one line."""
    parts = [f"{snapshot.rows:,} rows"]
    if snapshot.expected:
        parts[0] = f"{snapshot.rows:,} of about {snapshot.expected:,} rows"
    if snapshot.tables_known:
        parts.append(f"{snapshot.tables_done} of {snapshot.tables_known} tables")
    parts.append(f"{rate(snapshot.rows, seconds):,.0f} rows/s")
    left = seconds_left(snapshot, seconds)
    if left is not None:
        parts.append(f"{_clock(left)} left")
    if snapshot.bad:
        parts.append(f"{snapshot.bad} bad rows left out")
    return f"{snapshot.phase}: {', '.join(parts)}"


def seconds_left(snapshot: Snapshot, seconds: float) -> float | None:
    """The estimated time that is left; None if unknown."""
    if not snapshot.expected or not snapshot.rows:
        return None
    return (snapshot.expected - snapshot.rows) / rate(snapshot.rows, seconds)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, snapshot: Snapshot, seconds: float) -> None:
        print(f"  {sentence(snapshot, seconds)}", file=self._stream, flush=True)

    def close(self, snapshot: Snapshot, seconds: float) -> None:
        """Shows nothing, because the summary says everything."""


class _Json:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, snapshot: Snapshot, seconds: float) -> None:
        state = {
            "phase": snapshot.phase,
            "seconds": round(seconds, 3),
            "rows": snapshot.rows,
            "bytes": snapshot.bytes,
            "expected": snapshot.expected,
            "tables_done": snapshot.tables_done,
            "tables": snapshot.tables_known,
            "bad": snapshot.bad,
        }
        print(json.dumps(state), file=self._stream, flush=True)

    def close(self, snapshot: Snapshot, seconds: float) -> None:
        self.show(snapshot, seconds)


class _Bars:
    """A bar for each table that is being worked on, and one for all tables."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}", justify="left"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[rows]}", justify="right"),
            TextColumn("{task.fields[rate]}", justify="right"),
            console=Console(file=stream),
            auto_refresh=False,
            transient=True,
            expand=True,
        )
        self._all = self._new("all")
        self._bars: dict[str, Any] = {}
        self._progress.start()

    def _new(self, name: str) -> Any:
        return self._progress.add_task(name, total=None, rows="", rate="")

    def show(self, snapshot: Snapshot, seconds: float) -> None:
        working = snapshot.tables[-_MOST_BARS:]
        for name in self._bars.keys() - {table.name for table in working}:
            self._progress.remove_task(self._bars.pop(name))
        for table in working:
            if table.name not in self._bars:
                self._bars[table.name] = self._new(table.name)
            share = table.share
            self._progress.update(
                self._bars[table.name],
                total=None if share is None else 1,
                completed=share or 0,
                rows=f"{table.rows:,}",
            )
        left = seconds_left(snapshot, seconds)
        self._progress.update(
            self._all,
            description=snapshot.phase or "all",
            total=snapshot.expected,
            completed=snapshot.rows,
            rows=f"{snapshot.rows:,}",
            rate=f"{rate(snapshot.rows, seconds):,.0f}/s"
            + ("" if left is None else f" {_clock(left)} left"),
        )
        self._progress.refresh()

    def close(self, snapshot: Snapshot, seconds: float) -> None:
        self._progress.stop()

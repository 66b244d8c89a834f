"""Manages the processes that run scripts for `r.js`. A real server has such processes, too.

A script may never end, use too much memory, or crash its engine. Since it runs in its own process,
the server can end it at any time: when the query is stopped, when the client disconnects, or when
the server stops.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rethinkdb.embedded import limits
from rethinkdb.embedded.failures import FailureKind, QueryFailure, resource
from rethinkdb.embedded.outside import extras
from rethinkdb.embedded.outside.interruption import Interruption

_PROGRAM = Path(__file__).with_name("engine_process.py")
_POLL_SECONDS = 0.05


class EngineDied(Exception):
    """The process has ended in the middle of a request."""


class Engine:
    """One process."""

    def __init__(self) -> None:
        self.sources: set[str] = set()
        """The scripts it has seen, and perhaps keeps."""
        self._process = _start()

    def ask(self, request: bytes) -> dict[str, Any]:
        """The answer of the process to a request.

        Raises:
            EngineDied: there is none.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError) as error:
            raise EngineDied from error
        if not line.endswith(b"\n"):
            raise EngineDied
        answer: dict[str, Any] = json.loads(line)
        return answer if b"\\ud" not in line else _with_whole_characters(answer)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends the process, whatever it does. Safe from any thread. `ask` then fails."""
        self._process.kill()

    def close(self) -> int:
        """Ends the process and frees what it uses. Returns the exit status."""
        process = self._process
        process.kill()
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:  # what it was still to be told
                continue
        return process.wait()


def _with_whole_characters(value: Any) -> Any:
    """JSON, with halves of surrogate pairs replaced, because these are not characters."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_with_whole_characters(item) for item in value]
    if isinstance(value, dict):
        names = map(_with_whole_characters, value)
        return dict(zip(names, map(_with_whole_characters, value.values()), strict=True))
    return value


def _start() -> subprocess.Popen[bytes]:
    if not sys.executable or getattr(sys, "frozen", False):
        raise _no_engine("this program has no Python interpreter to start it with")
    folder = extras.folder_of("quickjs", "quickjs-ng", "`r.js`")
    numbers = (
        limits.MOST_SCRIPT_MEMORY,
        limits.MOST_SCRIPT_STACK,
        limits.ENGINE_GRACE_SECONDS,
        limits.MOST_ENGINE_MEMORY,
    )
    command = [sys.executable, "-I", "-S", str(_PROGRAM), folder, *map(str, numbers)]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C is for the program around the server, which ends its engines itself.
            start_new_session=True,
        )
    except OSError as error:
        raise _no_engine(str(error)) from error


def _no_engine(reason: str) -> QueryFailure:
    message = f"The embedded server cannot start a process for `r.js`: {reason}."
    return QueryFailure(FailureKind.INTERNAL, message)


class Engines:
    """The processes of this program: idle ones are kept, for all its servers.

    Args:
        most: how many there may be at a time.
        most_idle: how many of them are kept when nobody needs them.
        patience: the seconds a script waits for one of them.
    """

    def __init__(self, most: int, most_idle: int, patience: float) -> None:
        self._most = most
        self._most_idle = most_idle
        self._patience = patience
        self._changed = threading.Condition()
        self._idle: list[Engine] = []
        self._count = 0
        self._pid = os.getpid()

    @contextmanager
    def borrowed(self, source: str, interruption: Interruption) -> Iterator[Engine]:
        """An engine for a script. If possible, one that has run the script before.

        After a failure of any kind it is not used again.
        """
        engine = self._taken(source, interruption.check)
        try:
            engine = engine or self._started()
            with interruption.ending(engine.kill):
                yield engine
        except BaseException:
            if engine is not None:
                engine.close()
            self._given_back(None)
            raise
        self._given_back(engine)

    def close_idle(self) -> None:
        """Ends the processes that nobody uses now."""
        with self._changed:
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for engine in idle:
            engine.close()

    def _started(self) -> Engine:
        return Engine()

    def _taken(self, source: str, check_interrupted: Callable[[], None]) -> Engine | None:
        """An idle engine. None if a new one may be started, which is counted already."""
        deadline = time.monotonic() + self._patience
        with self._changed:
            self._forget_parents()
            self._forget_dead()
            while not self._idle and self._count >= self._most:
                check_interrupted()
                if time.monotonic() > deadline:
                    raise resource(
                        f"All {self._most} JavaScript engines are busy, and none has become free"
                        f" within {self._patience:.0f} seconds."
                    )
                self._changed.wait(_POLL_SECONDS)
            if self._idle:
                return self._idle.pop(_best(self._idle, source))
            self._count += 1
            return None

    def _given_back(self, engine: Engine | None) -> None:
        with self._changed:
            if engine is not None and len(self._idle) < self._most_idle:
                self._idle.append(engine)
                engine = None
            else:
                self._count -= 1
            self._changed.notify()
        if engine is not None:
            engine.close()

    def _forget_dead(self) -> None:
        for engine in [engine for engine in self._idle if not engine.alive]:
            self._idle.remove(engine)
            self._count -= 1
            engine.close()

    def _forget_parents(self) -> None:
        # A forked child must not talk to its parent's engines.
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._idle.clear()
            self._count = 0


def _best(idle: Sequence[Engine], source: str) -> int:
    for place, engine in enumerate(idle):
        if source in engine.sources:
            return place
    return -1


ENGINES = Engines(limits.MOST_ENGINES, limits.MOST_IDLE_ENGINES, limits.ENGINE_SECONDS)

"""What signals do to a command: they end it, at once and quietly, whatever it is doing.

A thread of its own reads the signals, from a socket that Python's signal handler in C writes to.
The usual ways are not sure: an exception, as Ctrl-C raises by default, may hit an import, a lock or
a finaliser; and a handler in Python waits until the main thread runs Python code again, which is
never, if the signal came just before it began to wait for something.

Ending the process on the spot loses nothing. What a command leaves behind, the system clears away,
but for processes that it has started (see `child`). A command with something to put in order waits
for its end with `Ending`.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

_REPEATED_WITHIN = 1.0
"""Seconds in which further signals mean no more than the first one.

Ctrl-C reaches a program twice when its parent passes on what the terminal has sent to both.
"""


class _Children:
    """The processes that this one has started and that must not outlive it."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def start(self, command: Sequence[str], options: dict[str, Any]) -> subprocess.Popen[str]:
        with self._lock:  # what is just starting is known before anybody kills all
            process = subprocess.Popen(command, text=True, start_new_session=True, **options)
            self._running.add(process)
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        self._running.discard(process)

    def kill_all(self) -> None:
        with self._lock:
            for process in list(self._running):
                with suppress(OSError):
                    process.kill()


class _Watch:
    """Reads the signals that come.

    Attributes:
        answer: called with the number of each, in the watch's thread.
    """

    def __init__(self) -> None:
        self.answer = _end_process
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1
        self._writer: socket.socket

    def begin(self) -> None:
        # Sockets, as Windows takes no other descriptors here.
        reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._wakeup_before = wakeup
        for number in SIGNALS:
            self._before[number] = signal.getsignal(number)
            # nohup has told the command to go on when the terminal is closed.
            if number == signal.SIGINT or self._before[number] is not signal.SIG_IGN:
                signal.signal(number, _noted)
        threading.Thread(target=self._read, args=(reader,), name="signals", daemon=True).start()

    def end(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._writer.close()  # and the thread ends
        self.answer = _end_process

    def _read(self, reader: socket.socket) -> None:
        with reader:
            while number := reader.recv(1):
                self.answer(number[0])


def _end_process(number: int) -> None:
    _children.kill_all()
    for tidy in list(_tidying):
        with suppress(Exception):
            tidy()
    os._exit(128 + number)


def _noted(number: int, frame: Any) -> None:
    """The handler in Python; there must be one for the one in C to write to the socket."""


def _ignore() -> None:
    """The exit status stands, no thread is waited for, and the interpreter is taken down.

    A signal that hits it there would do what it does by default, and spoil the exit status.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


_children = _Children()
_tidying: list[Callable[[], object]] = []
_watch = _Watch()


@contextmanager
def ended_by_signals(*, for_good: bool) -> Iterator[None]:
    """From here on SIGINT, SIGTERM and SIGHUP end the process and its children.

    The exit status is that of shells: 128 and the number of the signal. Outside the main thread,
    which alone may say what signals do, nothing changes.

    Args:
        for_good: stay so after the block, to the end of the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _watch.begin()
    if for_good:
        atexit.register(_ignore)
    try:
        yield
    finally:
        if not for_good:
            _watch.end()


@contextmanager
def interrupted_as_usual() -> Iterator[None]:
    """Within the block Ctrl-C raises `KeyboardInterrupt`, as in a Python shell.

    Other signals end the process, as they do outside.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler, answer = signal.getsignal(signal.SIGINT), _watch.answer
    _watch.answer = lambda number: None if number == signal.SIGINT else answer(number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        _watch.answer = answer


@contextmanager
def at_end(tidy: Callable[[], object]) -> Iterator[None]:
    """Has something put in order, should a signal end the process while the block runs.

    Args:
        tidy: does so, quickly; another thread calls it.
    """
    _tidying.append(tidy)
    try:
        yield
    finally:
        _tidying.remove(tidy)


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Starts a process, and kills it when the block ends or a signal comes.

    The terminal's Ctrl-C does not reach it: how it ends is not its own affair.

    Args:
        command: program and arguments.
        options: those of `subprocess.Popen`.
    """
    process = _children.start(command, options)
    try:
        yield process
    finally:
        _children.kill(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


class Ending:
    """The first signal ends a wait; the command then puts things in order and returns.

    Should that take longer than anybody likes, one more signal ends the process. It works within
    `ended_by_signals`.

    Example::

        with Ending() as ending:
            server.start()
            ending.wait()
            server.stop()
    """

    def __init__(self) -> None:
        self._came = threading.Event()
        self._since = 0.0

    def wait(self) -> None:
        """Returns when a signal has come, be it before this was called."""
        self._came.wait()

    def _note(self, number: int) -> None:
        now = time.monotonic()
        if not self._came.is_set():
            self._since = now
            self._came.set()
        elif now - self._since > _REPEATED_WITHIN:
            _end_process(number)

    def __enter__(self) -> Ending:
        """From here on signals are noted."""
        _watch.answer = self._note
        return self

    def __exit__(self, *exc_info: object) -> None:
        """From here on they end the process again; if one has come, it is about to end anyway."""
        if not self._came.is_set():
            _watch.answer = _end_process

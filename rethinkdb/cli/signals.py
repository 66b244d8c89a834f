"""Makes signals end a command at once and quietly, whatever it is doing.

A separate thread reads the signals, from a socket that Python's signal handler in C writes to. The
usual ways are not reliable. The exception that Ctrl-C raises by default may hit an import, a lock
or a finaliser. A signal handler in Python runs only when the main thread runs Python code again. If
the signal came just before a blocking wait, that is never.

Ending the process immediately loses nothing: the system cleans up everything except child
processes (see `child`). A command that has something to finish at its end uses `Ending`.
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
"""Further signals within so many seconds count as one with the first.

Ctrl-C reaches a program twice if its parent process forwards the signal, which the terminal has
sent to both.
"""


class _Children:
    """The child processes, which must not outlive this process."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()

    def start(self, command: Sequence[str], options: dict[str, Any]) -> subprocess.Popen[str]:
        with self._lock:  # so that a process which is just starting is killed, too
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
    """Reads the signals that arrive.

    Attributes:
        answer: is called with the number of each signal, in the thread of the watch.
    """

    def __init__(self) -> None:
        self.answer = _end_process
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1
        self._writer: socket.socket

    def begin(self) -> None:
        # Sockets, because Windows allows no other descriptors here.
        reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._wakeup_before = wakeup
        for number in SIGNALS:
            self._before[number] = signal.getsignal(number)
            # Under nohup, the command must continue when the terminal is closed.
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
    """A handler that does nothing. Without one, Python's C handler does not write to the socket."""


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
    """During the block, SIGINT, SIGTERM and SIGHUP end the process and its children.

    The exit status is 128 plus the number of the signal, as in shells. Only the main thread may
    change signal handling. In another thread this does nothing.

    Args:
        for_good: keep it so after the block, until the process ends.
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
    """During the block, Ctrl-C raises `KeyboardInterrupt`, as in a Python shell.

    Other signals still end the process.
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
    """Calls a function if a signal ends the process during the block.

    Args:
        tidy: the function. It must be fast, and is called in another thread.
    """
    _tidying.append(tidy)
    try:
        yield
    finally:
        _tidying.remove(tidy)


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Starts a process, and kills it when the block ends or a signal comes.

    Ctrl-C in the terminal does not reach the process.

    Args:
        command: the program and its arguments.
        options: the options for `subprocess.Popen`.
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
    """The first signal ends `wait`, so that the command can finish its work and return.

    A second signal ends the process. Use it inside `ended_by_signals`.

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
        """Waits for a signal. Returns at once if one has already come."""
        self._came.wait()

    def _note(self, number: int) -> None:
        now = time.monotonic()
        if not self._came.is_set():
            self._since = now
            self._came.set()
        elif now - self._since > _REPEATED_WITHIN:
            _end_process(number)

    def __enter__(self) -> Ending:
        """Begins to record signals."""
        _watch.answer = self._note
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Makes signals end the process again, unless one has come: the command is ending then."""
        if not self._came.is_set():
            _watch.answer = _end_process

"""Starts the threads of a pool, which a signal handler may interrupt."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rethinkdb.net.signals import handlers_error

__all__ = ["start_thread"]


def start_thread(work: Callable[..., object], *args: Any) -> bool:
    """Run `work` in a thread of its own. Returns False if the process is ending: none starts then.

    If a signal handler raises an error in the middle of `Thread.start()`, the thread may run, or
    may wait for ever without having begun. So whoever starts it must be able to do so again.
    """
    thread = threading.Thread(target=work, args=args, name="rethinkdb pool", daemon=True)
    try:
        thread.start()
    except (RuntimeError, KeyError) as exc:
        # After a handler's error `threading` stumbles over its locks, or over its list of threads.
        error = handlers_error(exc)
        if error is not None:
            raise error from None
        if not isinstance(exc, RuntimeError):
            raise
        return False
    return True

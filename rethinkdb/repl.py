"""The connection a query runs on when none is given: set by `conn.repl()`, read by `run()`."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

__all__ = ["Repl"]


class _Default(threading.local):
    connection: Any = None


class Repl:
    """The default connection of each thread (of each greenlet where gevent has patched).

    Example::

        r.connect("localhost").repl()
        r.table("heroes").run()
    """

    #: Whether some thread has a default: tells "you forgot repl()" from "repl() in another thread".
    active: ClassVar[bool] = False

    _default: ClassVar[_Default] = _Default()

    @classmethod
    def get(cls) -> Any:
        """The calling thread's default connection, or None."""
        return cls._default.connection

    @classmethod
    def set(cls, connection: Any) -> None:
        """Make `connection` the calling thread's default."""
        cls._default.connection = connection
        cls.active = True

    @classmethod
    def clear(cls) -> None:
        """Forget the calling thread's default."""
        cls._default.connection = None
        cls.active = False

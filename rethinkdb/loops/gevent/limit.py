"""`Limit`: a `gevent.Timeout` that ends nothing but the wait it was made for."""

from __future__ import annotations

from typing import Any

import gevent

__all__ = ["Limit"]


class Limit(gevent.Timeout):
    """The time limit of one wait.

    A signal handler may raise an error right before `close()`. A plain `gevent.Timeout` would then
    end whatever its greenlet does later.

    Attributes:
        over: whether the wait has ended. Set it before `close()`: that takes no call, so no signal
            handler comes between.
    """

    over = False

    def _on_expiration(self, prev_greenlet: Any, ex: Any) -> None:
        if not self.over:
            # gevent's hook for subclasses, which its types leave out
            super()._on_expiration(prev_greenlet, ex)  # type: ignore[misc]

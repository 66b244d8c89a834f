"""`Interruptible`: what becomes of a call that a signal handler interrupts.

Python runs signal handlers in the main thread, at almost any point of this driver's code:

- A handler may raise an error. Then the call that it interrupted ends with that error. The core's
  steps can be repeated or continued. The next leader does that, or the same thread in its next
  call.
- A handler may use the connection while its thread is in a call, perhaps while it holds the lock.
  As a step may be interrupted anywhere, other threads may run in between. So the handler's call
  releases its thread's lock as long as it lasts; otherwise it works like any call. At the end it
  wakes the call that it interrupted, whose answer may have arrived.
- A handler may wait for another thread that uses the connection. If its own thread leads, the other
  one reads in its place. If it has interrupted a step, both wait for ever: the handler's thread
  holds the lock, and does not say that it is in a handler. The documentation warns of that.

Finalizers also run at any point, and in all threads. The same is true for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import get_ident
from typing import Any, Protocol, TypeVar

from .guards import without
from .stepping import Stepping

__all__ = ["Interruptible"]

T = TypeVar("T")


class Abandonable(Protocol):
    """What a call has begun: a waiter, or an item that was taken."""

    def abandon(self) -> object:
        """Say that the caller does not get it."""


class Interruptible(Stepping):
    """The part of a `Channel` for calls inside another call of the same thread, and for errors."""

    def outside(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function that waits for other threads. Meanwhile this thread releases the lock."""
        try:
            return without((self._lock,) if self._lock._is_owned() else (), function, *args)
        finally:
            self._return_to(get_ident())

    def _return_to(self, me: int) -> None:
        """Let the interrupted call go on: wake it."""
        try:
            if self._line is not None and self._turns.leader == me:
                self._line.wake()
            self._turns.wake(me)
        except BaseException:  # out of one more handler
            self._return_to(me)
            raise

    def _recover(self, me: int, led: bool, slept: bool, begun: Sequence[Abandonable]) -> None:
        """Abandon what was started, and let others go on. If that is interrupted, do it again."""
        self._interrupted = True
        try:
            with self._lock:
                for waiter in begun:
                    waiter.abandon()
                self._flush()
                if self._turns.leader == me and not led:
                    self._turns.resign()
                if not slept:
                    self._turns.leave(me)
                if self._line is not None:
                    self._tidy_up(self._line)
            self._close_discarded()
        except BaseException:
            self._recover(me, led, slept, begun)
            raise

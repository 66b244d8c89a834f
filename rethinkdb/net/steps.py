"""Steps that no signal handler comes between.

A blocking program's core works in the main thread, too, and there Python runs signal handlers in
the midst of it. A handler may raise, Ctrl-C for one; and it may use the connection, whose core then
does one thing in the midst of another. So whatever belongs together is done in one step, and what
is handled stays where it was found until a step takes it from there. Whoever comes next does what
was left undone.

CPython runs handlers when a function is entered, after a call, and where a loop jumps back. (3.10
does so where a condition jumps, too.) That makes two kinds of steps:

- Statements without a call in between. They begin with a look whether all is still as it was when
  their values were computed. If not, somebody else has done it meanwhile, and it is begun anew::

      frame = FrameReceived(token, data[start:end])
      if self._state is state:
          self._state = after
          return frame

- One call of a function written in C that calls nothing but such functions in turn. So bytes move
  from a socket to a queue, and nothing is lost if a handler raises next::

      received.extend(map(sock.recv, (65536,)))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["exhaust"]

#: Takes everything from an iterator, and forgets it.
exhaust: Callable[[Iterable[Any]], None] = deque[Any](maxlen=0).extend

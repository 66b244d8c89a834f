"""Steps: pieces of code that no signal handler can interrupt.

In a blocking program the core also runs in the main thread, where Python may call a signal handler
at almost any point. The handler may raise an error, as Ctrl-C does. It may also use the connection,
so that the core is called while it is being used. So changes that belong together are made in one
step. What is being handled stays in its queue until a step removes it. If a handler comes before
that, the next call does what was left undone.

CPython calls handlers when a function is entered, after a call, and where a loop jumps back; 3.10
also does so where a condition jumps. So there are two kinds of steps:

- Statements without a call in between. They begin with a check that nothing has changed since their
  values were computed. If something has, a handler has done it meanwhile, and they start again::

      frame = FrameReceived(token, data[start:end])
      if self._state is state:
          self._state = after
          return frame

- One call of a function written in C that only calls such functions itself. For example, bytes move
  from a socket to a queue; if a handler raises an error next, nothing is lost::

      received.extend(map(sock.recv, (65536,)))
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["exhaust"]

#: Runs an iterator to its end, and drops the items.
exhaust: Callable[[Iterable[Any]], None] = deque[Any](maxlen=0).extend

"""Results that are pushed to callbacks: handlers and event emitters, on every loop.

===================  =============================================================================
`start`              `query.run_with(handler, conn)`
`handler`            `Handler`: its methods, and which other method is called if one is not defined
`handle`             `QueryHandle`: one query with a handler, from start to end
`pooled`             `PooledHandle`: a query with a handler that first waits for a pool's connection
`flow`               passes the rows of a stream to callbacks
`rules`              tells the kinds of changefeed rows apart
`emitter`            the events of a cursor
`connection_events`  the events of a connection
`listeners`          the list of listeners that both of these use
`pulling`            `cursor.each()` and `cursor.each_async()`
`takeover`           while rows go to callbacks, nobody else can take rows from the cursor
`course`             runs a sequence of steps that wait in between, on any loop
`runner`             `Runner`: runs the callbacks on a loop; `runners/` has one small class per loop
`methods`            chooses the arguments of a callback by its signature
===================  =============================================================================
"""

from __future__ import annotations

from .handle import QueryHandle
from .handler import Handler
from .runner import Runner
from .start import noreply_wait_with

__all__ = ["Handler", "QueryHandle", "Runner", "noreply_wait_with"]

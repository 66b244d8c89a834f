"""Results that come to you: handlers and event emitters, over any loop.

==============  ==================================================================================
`start`         `query.run_with(handler, conn)`
`handler`       `Handler`: the methods, and what stands in for those that are missing
`handle`        `QueryHandle`: one query with a handler, from start to end
`pooled`        `PooledHandle`: one that waits for a connection of a pool first
`flow`          the way of rows to callbacks; `rules` tells the kinds of changefeed rows
`emitter`       a cursor's events; `connection_events` those of a connection; `listeners` to both
`pulling`       `cursor.each()` and `each_async()`; `takeover` keeps others from the rows meanwhile
`course`        steps with waits in between
`runner`        what runs the callbacks: the seam; `runners/` has one small class per loop
`methods`       what a callback is called with
==============  ==================================================================================
"""

from __future__ import annotations

from .handle import QueryHandle
from .handler import Handler
from .runner import Runner
from .start import noreply_wait_with

__all__ = ["Handler", "QueryHandle", "Runner", "noreply_wait_with"]

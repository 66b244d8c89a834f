"""The limits that keep one client from harming others, each with its reason.

What a real server limits in the same way (the array limit, the size of a query) is not here but
where it is applied.
"""

from __future__ import annotations

# -- JavaScript

MOST_SCRIPT_MEMORY = 64 * 1024 * 1024
"""Bytes the engine gives to one script: ample for the values of a query, harmless to a laptop."""

MOST_SCRIPT_STACK = 1024 * 1024
"""Bytes of stack for one script: some 5,000 calls deep. The process has eight times as much."""

MOST_ENGINE_MEMORY = 1024 * 1024 * 1024
"""Address space of a process that runs scripts: what the engine does not count ends there."""

MOST_ENGINES = 8
"""Processes that run scripts. Scripts keep a processor busy, so more of them gain nothing."""

MOST_IDLE_ENGINES = 2
"""Of these processes, so many are kept for the next scripts: starting one takes 50 ms."""

ENGINE_SECONDS = 10.0
"""How long a script waits for one of the processes, then its query fails."""

ENGINE_GRACE_SECONDS = 0.5
"""An engine interrupts its script in time, by the processor's clock. One that has not done so this
much later by the wall clock, since the machine is busy or the script inside a long native function,
is ended with its process.
"""

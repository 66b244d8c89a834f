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

# -- threads

MOST_THREADS = 17
"""Threads that compute, the one that waits for the network included. Python runs one at a time, and
has each wait for all others in turn, 5 ms each: more would only make short queries slower. Those
that wait for something outside do not count.
"""

MOST_THREADS_OF_CONNECTION = 8
"""Of these, so many work for one connection; its other queries wait. A flood of queries from one
client thus leaves threads, and most of the processor, to the others.
"""

MOST_THREADS_EVER = 1024
"""Threads of all kinds. Up to here, a connection for which no thread works gets one, whatever the
others do.
"""

THREAD_STACK = 64 * 1024 * 1024
"""Bytes of stack of a thread, for queries nested some thousand levels deep. It is address space:
memory is taken only as it is used.
"""

STOP_SECONDS = 10.0
"""How long stopping a server waits for its threads, all together. A thread that computes looks now
and then whether its query is interrupted, so this is only for bugs.
"""

# -- connections

MOST_UNSENT = 1024 * 1024
"""Bytes of replies that a connection keeps for its client. Beyond that the client is not read from,
and its queries wait, until it has taken half of them: whoever does not read has one reply of each
thread more at the most, and holds up nobody.
"""

MOST_OUTSTANDING = 1024
"""Requests of one connection that may be unanswered; with more, it is not read from. Waiting
changefeeds do not count.
"""

MOST_OUTSTANDING_BYTES = 64 * 1024 * 1024
"""Likewise, the bytes of the queries among them; the last may be as long as queries may be."""

MOST_OPEN = 10_000
"""Cursors and feeds that may be open on one connection, each with the rows it holds."""

LONG_QUERY = 64 * 1024
"""Bytes of a query from which on it is not parsed by the thread that reads from all clients."""

HANDSHAKE_SECONDS = 30.0
"""A client that has not said who it is by then is hung up on. It is the driver's own limit for
connecting, 20 seconds, and some patience for busy machines.
"""

ACCEPTED_AT_ONCE = 64
"""Clients that are let in before those who are in already have their turn again."""

ACCEPT_PAUSE_SECONDS = 0.2
"""Without a descriptor for another client, nobody is let in for so long."""

# -- the web

MOST_WEB_BODY = 128 * 1024 * 1024
"""Bytes of an answer to `r.http`, unpacked: as much as a query may have. A few bytes of compressed
data would otherwise fill the memory.
"""

# -- nesting

MOST_NESTING = 20_000
"""Levels of JSON in a query or its answer: a chain of 10,000 terms. Evaluating it recurses."""

LONGEST_DEEP_QUERY = 16 * 1024 * 1024
"""Bytes of a query nested more than a thousand levels deep: parsing it takes a second a MiB."""

RECURSION = 5000
"""Python's limit of recursion while a server runs, for the whole process. Its default, 1000, allows
queries of some 100 nested terms, and data of some 300 levels.
"""

DEEP_RECURSION = 60_000
"""And while a query is evaluated that is nested more than a thousand levels deep. The threads have
stacks for that; a runaway recursion elsewhere in the program at that moment may not.
"""

"""The limits that keep one client from harming others, each with its reason.

Limits that a real server has, too (the array limit, the size of a query), are not here. They stand
where they are applied.
"""

from __future__ import annotations

# -- JavaScript

MOST_SCRIPT_MEMORY = 64 * 1024 * 1024
"""Bytes of memory for one script: enough for the values of a query, and safe on a laptop."""

MOST_SCRIPT_STACK = 1024 * 1024
"""Bytes of stack for one script: some 5,000 nested calls. The process has eight times as much."""

MOST_ENGINE_MEMORY = 1024 * 1024 * 1024
"""Address space of a process that runs scripts. It bounds memory that the engine does not count."""

MOST_ENGINES = 8
"""Processes that run scripts. Each script keeps a processor busy, so more would gain nothing."""

MOST_IDLE_ENGINES = 2
"""How many idle processes are kept for the next scripts, because starting one takes 50 ms."""

ENGINE_SECONDS = 10.0
"""How long a script waits for a free process. After that its query fails."""

ENGINE_GRACE_SECONDS = 0.5
"""How long past its time limit a script may run before its process is ended.

The engine itself interrupts a script that is out of time, but it measures processor time, and it
cannot interrupt a long native function. This limit is measured by the wall clock.
"""

# -- regular expressions

MATCH_SECONDS = 5.0
"""How long a `match` may take where google-re2 is missing and `regex` replaces it."""

# -- values

LONGEST_STRING = 128 * 1024 * 1024
"""Characters of a string that `+` makes. No longer one could come from a client, and a `fold` that
doubles a string would take all memory after some thirty rounds.
"""

LARGEST_DOCUMENT = 128 * 1024 * 1024
"""Characters of a stored document, about: as many as a query may have. No client can send a larger
one. But queries that put a field twice into another one can make it, and double it each time. A
real server has no such limit: it takes twenty seconds to store half a gigabyte.
"""

HEAVIEST_VALUE = 4 * 1024 * 1024
"""Values (numbers, arrays and so on) of which a result may consist in a query that uses its data
again and again. A `fold` that puts an array twice into another one would make 2**40 of one in
40 rounds. A real server has no such limit. It needs seconds for 20 rounds and all memory for a few
more.
"""

CHARACTERS_OF_A_VALUE = 32
"""A text counts as one more of these values for each 32 characters: 128 Mi characters at most."""

# -- threads

MOST_THREADS = 17
"""Threads that compute, including the one that waits for the network. Python runs one thread at a
time, for 5 ms each when others wait, so more threads would only make short queries slower. Threads
that wait for something outside do not count.
"""

TURN_SECONDS = 0.001
"""How long a thread of `reql serve` runs while others wait. With Python's own 5 ms, a `get` took
230 ms beside 20 clients that flooded the server with scans, as it waits for its turn three times.
An embedded server leaves this setting alone: it belongs to the program around it.
"""

MOST_THREADS_OF_CONNECTION = 8
"""How many of these threads may work for one connection. Its other queries wait. A client that
sends very many queries at once thus leaves threads to the other clients.
"""

MOST_THREADS_EVER = 1024
"""Threads of all kinds. Below this number, a connection without a thread gets one even if
`MOST_THREADS` are computing.
"""

THREAD_STACK = 64 * 1024 * 1024
"""Bytes of stack of a thread, for queries nested some thousand levels deep. This is only address
space: the memory is taken when it is used.
"""

STOP_SECONDS = 10.0
"""How long stopping a server waits for all its threads together. Threads check regularly whether
their query is interrupted, so only a bug can take this long.
"""

# -- connections

MOST_UNSENT = 1024 * 1024
"""Bytes of replies that a connection keeps for a client that does not read them. With more, the
server stops reading from that client, and its queries wait until it has taken half of the bytes.
Each thread may add one more reply at most. Other clients are not held up.
"""

MOST_OUTSTANDING = 1024
"""How many requests of one connection may be unanswered. With more, the server stops reading from
it. Changefeeds that wait for changes do not count.
"""

MOST_OUTSTANDING_BYTES = 64 * 1024 * 1024
"""How many bytes the unanswered queries of one connection may have. The last may exceed it."""

MOST_OPEN = 10_000
"""Cursors and feeds that may be open on one connection. Each keeps rows in memory."""

LONG_QUERY = 64 * 1024
"""A query of this many bytes or more is not parsed in the thread that reads from all clients."""

HANDSHAKE_SECONDS = 30.0
"""How long a client may take to log in. After that its connection is closed. A driver gives up
after 20 seconds; the rest is for busy machines.
"""

ACCEPTED_AT_ONCE = 64
"""How many new clients are accepted in a row before the existing ones have their turn again."""

ACCEPT_PAUSE_SECONDS = 0.2
"""How long no client is accepted after the process ran out of file descriptors."""

# -- the web

MOST_WEB_BODY = 128 * 1024 * 1024
"""Bytes of an uncompressed answer to `r.http`: as many as a query may have. Without this limit, a
few bytes of compressed data could fill the memory.
"""

# -- nesting

MOST_NESTING = 20_000
"""Levels of JSON in a query or its answer: a chain of 10,000 terms. Evaluation is recursive."""

LONGEST_DEEP_QUERY = 16 * 1024 * 1024
"""Bytes of a query nested more than a thousand levels deep. Parsing one takes a second per MiB."""

RECURSION = 5000
"""Python's recursion limit for the whole process, while a server runs. The default, 1000, would
allow only some 100 nested terms in a query, and some 300 levels of data.
"""

DEEP_RECURSION = 60_000
"""Python's recursion limit while a query is evaluated that is nested more than a thousand levels
deep. The server's threads have stacks large enough for that. Other threads may not: an endless
recursion there can crash the process while such a query runs.
"""

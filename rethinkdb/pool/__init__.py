"""The decisions of a connection pool. Nothing here uses a socket, a thread, a clock or a loop.

================  ===============================================================================
`decisions`       `Pool`: takes all decisions; each loop's pool owns one
`options`         `PoolOptions`: the options of a pool, checked
`allowance`       the deadline of one query
`effects`         what a pool wants done: `Dial`, `Close`, `Wake`, `Discover`, `Event`
`rotation`        which connection takes the next query. Runs for each query, so it is fast
`hold`            one query's place on a connection, safe against interrupts by signal handlers
`staff`           which connections exist: opening, draining and retiring them
`retirement`      the rules of `max_lifetime` and `max_idle`
`hosts`           which host to dial next, and when
`backoff`         the pauses between attempts
`discovery`       which servers the cluster has
`desk`            the queries that wait for a connection, and the outcomes they are about to get
`line`            the order of those that wait
`retrying`        when a query that failed is run again
`fates`           what an error says about whether the query was done
`reads`           whether a query only reads
`feeds`           `Feed`: a changefeed that goes on after a lost connection
`feed_effects`    what a feed wants done: `Begin`, `Cease`, `Pull`, `Stop`, `Run`, `Pause`
`resuming`        when such a feed is run again
`views`           which changes the program sees
`remembering`     what is kept of each row
`shapes`          for which queries the driver can do that
`members`         one connection, as the pool sees it
`journal`         events and log lines
`statistics`      numbers about a pool
`errors`          errors of a pool, and which failures to connect may pass
================  ===============================================================================

**How to write the pool of a loop.** It owns a `Pool`. It tells the `Pool` what happens, always with
the time (monotonic seconds), and carries out its `effects`. It decides nothing. For a loop with
coroutines this is all of it, apart from cursors::

    class ConnectionPool:
        def __init__(self, *args, **kwargs):
            options = PoolOptions.taken_from(kwargs)  # the rest is for connect()
            self._make_connection = lambda host, port: Connection(host, port, **kwargs)
            self._pool = Pool(options, [(host, port), ...])
            self._timer = None

        async def run(self, term, **options):
            member = self._pool.take()  # someone has room, nearly always
            if member is None:
                member = await self._waited_for(self._pool.ask(now()))
            failed = True
            try:
                result = await member.connection.run(term, **options)
                failed = False
                return result
            finally:
                self._pool.give_back(member, now(), failed)
                if self._pool.effects:
                    self._carry_out()

        @asynccontextmanager
        async def connection(self):
            member = await self._waited_for(self._pool.ask(now(), exclusive=True))
            try:
                yield member.connection
            finally:
                self._pool.returned(member, now(), clean=self._restore(member.connection))
                self._carry_out()

        async def _waited_for(self, waiter):
            self._carry_out()
            try:
                await natively(waiter)  # as for a query
            except BaseException:
                self._pool.cancel(waiter, now())
                self._carry_out()
                raise
            return waiter.result()

        def _carry_out(self):
            effects = self._pool.effects
            while effects:
                match effects.popleft():
                    case Dial(member):
                        member.connection = self._make_connection(*member.host.address)
                        spawn(self._dial(member))
                    case Close(member, graceful):
                        spawn(self._close(member, graceful))
                    case Wake(at):
                        self._timer = wake(at, instead_of=self._timer, call=self._tick)
                    case Discover():
                        self._follow_cluster()  # only with the option `discover`
                    case event:
                        self._tell_listeners(event)

        async def _dial(self, member):
            try:
                await member.connection.connect()
            except Exception as error:
                self._pool.failed(member, error, now())
            else:
                self._pool.opened(member, now())
                session = member.connection.session
                session.closed.add_done_callback(lambda _: self._lost(member, session.cause))
            self._carry_out()

        async def _close(self, member, graceful):
            try:
                await member.connection.close(noreply_wait=graceful)
            finally:
                self._pool.closed(member, now())
                self._carry_out()

        def _lost(self, member, cause):
            self._pool.lost(member, cause, now())
            self._carry_out()

        def _tick(self):
            self._pool.tick(now())
            self._carry_out()

Rules for the pool of a loop:

- Carry out the effects after each call. Only `take` never has any. A waiter's callback may call the
  pool while another call is running, so take the effects one by one with `popleft`. That keeps
  their order.
- If a query returns a cursor, call `pinned(member, feed)` before `give_back`. Call `unpinned` when
  the stream has ended for whatever reason. Until then the pool does not retire the connection.
- Dial `member.host.address`. With several hosts it is not always the same.
- If a query fails, make one `retrying(...)` for all its attempts. Call its `failed(...)` for each
  failure, with `queries`. The answer says when to run the query again, or which error to raise.
- For `Discover`, follow the changes of the table `server_status`. Call `discovered` for each change
  and `undiscovered` when that ends.
- The pool itself limits the time of waiting: it settles the waiter with the error. If the caller is
  cancelled, call `cancel`. That also gives back a member that the waiter has got but nobody took.
- `connection()` returns a member with `clean=True` only if it uses the same database as before and
  no query of the borrower is running on it.
- Close gracefully with `noreply_wait`. The pool may send a second `Close` for the same member that
  is not graceful: then end the first one.
- With threads: hold a lock around each call of the pool and each `popleft`. Dial, close and call
  listeners outside of the lock. In the main thread, where signal handlers run, call only `take_for`
  and `let_go`; another thread makes all other calls. Callbacks of waiters run inside the lock, so
  they must only wake a thread.
- After fork() the child makes a new `Pool` and does not touch the connections of the old one.
- If a loop reads only while somebody waits, a connection may end without the pool knowing. So
  before you use a connection that was idle (`member.idle_since`), check it, and call `lost`.
"""

from __future__ import annotations

from .decisions import Pool
from .effects import Close, Dial, Discover, Effect, Event, Wake
from .errors import PoolClosedError, PoolFullError, PoolTimeoutError
from .fates import Fate, fate_of
from .line import Ask
from .members import Member
from .options import PoolOptions
from .reads import Doing, doing_of, only_reads
from .retrying import Budget, GiveUp, Retrying, RetryPolicy, TryAgain
from .statistics import HostStats, PoolStats

__all__ = [
    "Ask",
    "Budget",
    "Close",
    "Dial",
    "Discover",
    "Doing",
    "Effect",
    "Event",
    "Fate",
    "GiveUp",
    "HostStats",
    "Member",
    "Pool",
    "PoolClosedError",
    "PoolFullError",
    "PoolOptions",
    "PoolStats",
    "PoolTimeoutError",
    "RetryPolicy",
    "Retrying",
    "TryAgain",
    "Wake",
    "doing_of",
    "fate_of",
    "only_reads",
]

"""The decisions of a pool of connections: no socket, no thread, no clock, no loop.

================  ===============================================================================
`decisions`       `Pool`: what a loop's pool is made of
`options`         `PoolOptions`: what a pool is told, checked
`allowance`       what the deadline of one query allows
`effects`         what a pool wants done: `Dial`, `Close`, `Wake`, `Event`
`rotation`        who takes the next query: taking and giving back, the one part that is hot
`hold`            what one holds who may be interrupted at any moment
`staff`           which connections there are: opening, draining, retiring
`retirement`      the rules of `max_lifetime` and `max_idle`
`hosts`           which host to dial next, and when; `backoff` has the pauses
`discovery`       which servers the cluster has
`desk`            those who wait, and outcomes on their way to them; `line` has the order
`retrying`        when a query that failed is run again; `fates` has what errors say of that,
                  `reads` what queries do
`feeds`           `Feed`: a changefeed that goes on; `resuming` has when it is run again, `views`
                  what its program sees, `remembering` what is kept of rows, `shapes` which queries
`members`         one connection, as the pool sees it
`journal`         events and log lines; `statistics` has the numbers
`errors`          what those are told who get none, and which failures pass by themselves
================  ===============================================================================

**How a loop's pool is written.** It owns a `Pool`, tells it what happens, always with the time
(monotonic seconds), and carries out its `effects`. It decides nothing. For a loop with coroutines
it is, but for the cursors, this::

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

Rules for it:

- After each call carry out the effects. Only `take` never has any. A call may come out of a
  waiter's callback, in the midst of another call: `popleft` one by one keeps their order.
- A query that brings a cursor: `pinned(member, feed)` before `give_back`, and `unpinned` once its
  stream has ended, however it did. So a connection is not retired under a cursor.
- Dial `member.host.address`: with several hosts it differs from dial to dial.
- A query that fails is given to `retrying(...)`, once for all its attempts, and each failure to its
  `failed(...)`, with `queries`. That says when to run it again, or that its user gets the error.
- `Discover` wants the changes of the table `server_status` followed, each told to `discovered`, and
  the end of that to `undiscovered`.
- The time limit of waiting is the pool's: it settles the waiter with the error. Who is cancelled
  says `cancel`; who got a member and did not take it gives it back by that too.
- `connection()` hands back clean what has the database it had, and runs nothing its borrower began.
- Close gracefully with `noreply_wait`, but not for longer than the pool's own close allows: a
  second `Close` of the same member, not graceful, ends the first.
- With threads: a lock around each call of the pool and each `popleft`; dial, close and tell
  listeners outside of it. Where signal handlers run, in the main thread, call `take_for` and
  `let_go` only; all else is for another thread to call. Callbacks of waiters run inside, so they
  do no more than wake a thread.
- After fork() the child makes a new `Pool`, and leaves the connections of the old one alone.
- Whether a connection died unnoticed, as on a loop that reads only while somebody waits, only the
  executor can see: look before use at one that was idle (`member.idle_since`), and tell `lost`.
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

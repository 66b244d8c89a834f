"""The drivers of the built-in loops."""

from __future__ import annotations

import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from .driver import Driver, Operation, complete

__all__ = [
    "DRIVERS",
    "AsyncioDriver",
    "BlockingDriver",
    "GeventDriver",
    "TornadoDriver",
    "TrioDriver",
    "TwistedDriver",
]

T = TypeVar("T")

_POLL = 0.002

_WRITE = 2  # as gevent's loops write it

# Scenarios start up to 1,000 operations at once. So many threads would prove nothing more.
_THREADS = 64


class BlockingDriver(Driver):
    """Threads. Cancelling is done by Ctrl-C, so scenarios run in the main thread."""

    shared = True

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return complete(main())

    async def gather(self, *operations: Operation) -> list[Any]:
        with ThreadPoolExecutor(min(len(operations), _THREADS)) as pool:
            futures = [pool.submit(_complete, operation) for operation in operations]
            return [future.exception() or future.result() for future in futures]

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        ended: list[bool] = []

        def interrupt(*_: object) -> None:
            if not ended:  # otherwise the signal would come too late
                raise KeyboardInterrupt

        thread = threading.Thread(target=_interrupt, args=(threading.get_ident(), when))
        before = signal.signal(signal.SIGINT, interrupt)
        try:
            thread.start()
            await _without_resource_warnings(operation)
            ended.append(True)
        except KeyboardInterrupt:
            return
        finally:
            thread.join()
            signal.signal(signal.SIGINT, before)
        raise AssertionError("it was not cancelled")


async def _without_resource_warnings(operation: Operation) -> None:
    """Ctrl-C while a socket is created leaves it to the garbage collector, which would warn."""
    interrupt: KeyboardInterrupt | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            await operation()
        except KeyboardInterrupt as exc:
            interrupt = exc.with_traceback(None)  # whose frames hold the socket
    if interrupt is not None:
        raise interrupt


def _complete(operation: Operation) -> Any:
    return complete(operation())


def _interrupt(thread: int, when: Callable[[], bool]) -> None:
    while not when():
        time.sleep(_POLL)
    signal.pthread_kill(thread, signal.SIGINT)


class AsyncioDriver(Driver):
    """Tasks of asyncio."""

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        import asyncio

        return asyncio.run(main())

    async def gather(self, *operations: Operation) -> list[Any]:
        import asyncio

        return await asyncio.gather(*(op() for op in operations), return_exceptions=True)

    async def sleep(self, seconds: float) -> None:
        import asyncio

        await asyncio.sleep(seconds)

    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        import asyncio

        task = asyncio.ensure_future(operation())
        while not when():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled(), "it was not cancelled"


class TornadoDriver(AsyncioDriver):
    """Tornado's loop, which is asyncio's."""

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        from tornado.ioloop import IOLoop

        loop = IOLoop(make_current=False)
        try:
            result: T = loop.run_sync(main)
            return result
        finally:
            loop.close(all_fds=True)


class TwistedDriver(Driver):
    """The reactor of Twisted. It cannot be started twice, so it runs in its own thread from the
    first scenario until the process ends."""

    _started = False
    _busy = False

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        from twisted.internet import reactor
        from twisted.internet.defer import Deferred
        from twisted.internet.threads import blockingCallFromThread

        if self._busy:  # from another thread than the reactor's
            return complete(main())
        if not TwistedDriver._started:
            TwistedDriver._started = True
            threading.Thread(target=self._run_reactor, args=(reactor,), daemon=True).start()
        self._busy = True
        try:
            call: Any = partial(Deferred.fromCoroutine, main())
            result: T = blockingCallFromThread(reactor, call)
            return result
        finally:
            self._busy = False

    def _run_reactor(self, reactor: Any) -> None:
        reactor.run(installSignalHandlers=False)

    async def gather(self, *operations: Operation) -> list[Any]:
        from twisted.internet.defer import Deferred, DeferredList

        deferreds = [Deferred.fromCoroutine(op()) for op in operations]
        outcomes = await DeferredList(deferreds, consumeErrors=True)
        return [result if success else result.value for success, result in outcomes]

    async def sleep(self, seconds: float) -> None:
        from twisted.internet import reactor
        from twisted.internet.task import deferLater

        await deferLater(reactor, seconds)

    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        from twisted.internet.defer import CancelledError, Deferred

        deferred = Deferred.fromCoroutine(operation())
        while not when():
            await self.sleep(0)
        deferred.cancel()
        try:
            await deferred
        except CancelledError:
            return
        raise AssertionError("it was not cancelled")


class TrioDriver(Driver):
    """A nursery of trio, in which scenarios run and connections read."""

    def __init__(self) -> None:
        self._local = threading.local()

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        import trio

        async def in_nursery() -> T:
            async with trio.open_nursery() as nursery:
                self._local.nursery = nursery
                try:
                    return await main()
                except Exception as exc:
                    failures.append(exc)
                    raise
                finally:
                    nursery.cancel_scope.cancel()
            raise AssertionError("nothing ends a nursery but its block")

        failures: list[Exception] = []
        try:
            return trio.run(in_nursery)
        except BaseException:
            if failures:  # without the group that the nursery made of it
                raise failures[0] from None
            raise

    def options(self) -> dict[str, Any]:
        return {"nursery": self._local.nursery}

    async def gather(self, *operations: Operation) -> list[Any]:
        import trio

        outcomes: list[Any] = [None] * len(operations)

        async def do(position: int, operation: Operation) -> None:
            try:
                outcomes[position] = await operation()
            except Exception as exc:
                outcomes[position] = exc

        async with trio.open_nursery() as nursery:
            for position, operation in enumerate(operations):
                nursery.start_soon(do, position, operation)
        return outcomes

    async def sleep(self, seconds: float) -> None:
        import trio

        await trio.sleep(seconds)

    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        import trio

        async def do() -> None:
            with scope:
                await operation()

        scope = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(do)
            while not when():
                await trio.sleep(0)
            scope.cancel()
        assert scope.cancelled_caught, "it was not cancelled"


class GeventDriver(Driver):
    """Greenlets of one thread."""

    def run(self, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return complete(main())

    async def gather(self, *operations: Operation) -> list[Any]:
        import gevent

        greenlets = [gevent.spawn(_outcome, operation) for operation in operations]
        gevent.joinall(greenlets)
        return [greenlet.value for greenlet in greenlets]

    async def sleep(self, seconds: float) -> None:
        import gevent

        gevent.sleep(seconds)

    async def cancel(self, operation: Operation, when: Callable[[], bool]) -> None:
        import gevent

        greenlet = gevent.spawn(_outcome, operation)
        hub = gevent.get_hub()
        loop: Any = hub.loop
        one, two = socket.socketpair()
        with one, two:
            # This turn begins where reading does, and before it. So a greenlet that is killed in
            # the turn in which its answer arrives is killed before it gets the answer.
            ready: Any = loop.io(one.fileno(), _WRITE)
            ready.priority = loop.MAXPRI
            while not when():
                hub.wait(ready)
            ready.close()
        greenlet.kill()
        assert isinstance(greenlet.value, gevent.GreenletExit), "it was not cancelled"


def _outcome(operation: Operation) -> Any:
    """The result or the exception of an operation. A hub would print exceptions of greenlets."""
    try:
        return complete(operation())
    except Exception as exc:
        return exc


#: The drivers by the name of the loop.
DRIVERS: dict[str, type[Driver]] = {
    "blocking": BlockingDriver,
    "asyncio": AsyncioDriver,
    "tornado": TornadoDriver,
    "twisted": TwistedDriver,
    "trio": TrioDriver,
    "gevent": GeventDriver,
}

"""Plain sockets for the loops that have nothing better: dialling with one deadline, and waiting."""

from __future__ import annotations

import _thread
import select
import socket
import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, NamedTuple

from rethinkdb.net.signals import raised_by_handler

__all__ = [
    "KEEPALIVE",
    "KernelKeepalive",
    "Reader",
    "configure",
    "dial",
    "keep_alive",
    "remaining",
    "unacknowledged",
    "wait_ready",
]


class KernelKeepalive(NamedTuple):
    """How the system finds out that the other end of a silent link has gone.

    Attributes:
        idle: seconds of silence until it asks.
        interval: seconds from question to question.
        probes: how many may remain without an answer.
    """

    idle: int
    interval: int
    probes: int


#: A minute, in place of the two hours and more that systems take by themselves.
KEEPALIVE = KernelKeepalive(idle=20, interval=10, probes=4)

# By what name systems know each of them.
_OPTION_NAMES = (
    ("TCP_KEEPIDLE", "idle"),
    ("TCP_KEEPALIVE", "idle"),  # macOS
    ("TCP_KEEPINTVL", "interval"),
    ("TCP_KEEPCNT", "probes"),
)


def remaining(deadline: float | None) -> float | None:
    """Seconds left until `deadline` (of `time.monotonic`), never below 0; None for no deadline."""
    return None if deadline is None else max(0.0, deadline - monotonic())


def dial(host: str, port: int, deadline: float, network: Any = socket) -> socket.socket:
    """A connected, non-blocking TCP socket.

    Looking up the host's addresses counts towards the deadline. Each of them is tried in turn, the
    first for its share of the time only: a dead IPv6 route must not use up what a working IPv4 one
    needs.

    Args:
        host, port: where to.
        deadline: of `time.monotonic`.
        network: whose sockets; gevent has its own module of them.

    Raises:
        TimeoutError: the deadline passed.
        OSError: no address of the host accepts connections; the last one's error.
    """
    try:
        addresses = _look_up(host, port, deadline, network)
    except ValueError as exc:  # not even a name: empty labels, zero bytes
        if raised_by_handler(exc):
            raise
        raise OSError(f"{host!r} is no host name ({exc})") from exc
    failure: OSError = OSError(f"{host} has no address")
    for left, (family, kind, protocol, _, address) in zip(
        range(len(addresses), 0, -1), addresses, strict=True
    ):
        share = (deadline - monotonic()) / left
        if share <= 0:
            raise TimeoutError
        sock: socket.socket = network.socket(family, kind, protocol)
        try:
            sock.settimeout(share)
            sock.connect(address)
            configure(sock)
        except OSError as exc:
            sock.close()
            if raised_by_handler(exc):
                raise
            failure = exc
        except BaseException:  # KeyboardInterrupt
            sock.close()
            raise
        else:
            return sock
    raise failure


def _look_up(host: str, port: int, deadline: float, network: Any) -> list[Any]:
    """The addresses of a host, as `getaddrinfo` gives them."""

    def ask(flags: int = 0) -> list[Any]:
        return list(network.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))

    if network is not socket:
        return ask()  # what waits for it can be ended, as with all of gevent
    try:
        return ask(socket.AI_NUMERICHOST)  # an address needs no looking up
    except socket.gaierror:
        return _within(deadline, ask)


def _within(deadline: float, function: Callable[[], list[Any]]) -> list[Any]:
    """Call a function that has no time limit, and that no signal ends: Ctrl-C would have to wait.

    Should it take too long, it goes on in its thread, and nobody looks at its result.
    """
    # Not a `threading.Thread`: neither the end of the process waits for this one, as it does for
    # those that are no daemons, nor is it forbidden in a subinterpreter, as daemons are.
    outcomes: SimpleQueue[tuple[list[Any], Exception | None]] = SimpleQueue()

    def work() -> None:
        try:
            outcomes.put((function(), None))
        except Exception as exc:
            outcomes.put(([], exc))

    try:
        _thread.start_new_thread(work, ())
    except RuntimeError:  # the interpreter is about to end, and starts no threads any more
        return function()
    try:
        found, error = outcomes.get(timeout=remaining(deadline))
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return found


def configure(sock: socket.socket) -> None:
    """Non-blocking, small queries sent at once, and dead peers noticed in the end."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    keep_alive(sock)


def keep_alive(sock: Any) -> None:
    """Have the system notice a dead peer, as far as it can; see `KEEPALIVE`."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, field in _OPTION_NAMES:
        option = getattr(socket, name, None)
        if option is not None:
            try:
                sock.setsockopt(socket.IPPROTO_TCP, option, getattr(KEEPALIVE, field))
            except OSError as exc:  # a system that knows it by name only
                if raised_by_handler(exc):
                    raise


def unacknowledged(sock: Any) -> int:
    """How many bytes in the system's buffer the peer has not taken yet; 0 if nobody tells."""
    if sys.platform == "win32":
        return 0
    import fcntl
    import termios

    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError) as exc:
        if raised_by_handler(exc):
            raise
        return 0
    return int.from_bytes(answer, sys.byteorder)


def wait_ready(sock: socket.socket, *, read: bool, write: bool, timeout: float | None) -> bool:
    """Wait until a socket can be read, or written if that is asked for.

    A socket that failed or was closed counts as ready: using it will tell.

    Args:
        timeout: seconds; None waits without limit.

    Returns:
        False when the time is up.
    """
    if sock.fileno() < 0:
        return True
    return _wait(sock, read, write, timeout)


class Reader:
    """Waits, again and again, for one socket to have something to read. One thread at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._poll: Any = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def wait(self, timeout: float | None) -> bool:
        """As `wait_ready` for reading."""
        if self._poll is None:
            return wait_ready(self._socket, read=True, write=False, timeout=timeout)
        return bool(self._poll.poll(None if timeout is None else timeout * 1000))


def _wait_poll(sock: socket.socket, read: bool, write: bool, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(sock, (select.POLLIN if read else 0) | (select.POLLOUT if write else 0))
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def _wait_select(sock: socket.socket, read: bool, write: bool, timeout: float | None) -> bool:
    readers, writers = [sock] if read else [], [sock] if write else []
    # Windows reports a failed connection among the exceptional ones only.
    return any(select.select(readers, writers, [sock], timeout))


# select() cannot take descriptors from 1024 up, but Windows has nothing else (and no such limit).
_wait = _wait_poll if hasattr(select, "poll") else _wait_select

"""Plain sockets, for loops that have nothing better: connecting within a deadline, waiting."""

from __future__ import annotations

import _thread
import select
import socket
import sys
from collections.abc import Callable
from time import monotonic
from typing import Any, NamedTuple

from rethinkdb.net.signals import raised_by_handler

from .beds import Bed

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
    """How the system finds out that the other end of a silent link is gone.

    Attributes:
        idle: seconds of silence before the first probe.
        interval: seconds between probes.
        probes: how many probes may stay without an answer.
    """

    idle: int
    interval: int
    probes: int


#: A minute in total. The defaults of systems are more than two hours.
KEEPALIVE = KernelKeepalive(idle=20, interval=10, probes=4)

# The names of these options on different systems.
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
    """Make a connected, non-blocking TCP socket.

    The deadline includes looking up the host's addresses. The addresses are tried in turn, each for
    an equal share of the time that is left. So a dead IPv6 route leaves time for an IPv4 route that
    works.

    Args:
        host, port: where to connect.
        deadline: a time of `time.monotonic`.
        network: the module with the sockets; gevent has its own.

    Raises:
        TimeoutError: the deadline passed.
        OSError: no address of the host accepts connections. It is the last address's error.
    """
    try:
        addresses = _look_up(host, port, deadline, network)
    except ValueError as exc:  # no valid name: it has empty labels or zero bytes
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
    """The addresses of a host, as `getaddrinfo` returns them."""

    def ask(flags: int = 0) -> list[Any]:
        return list(network.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags))

    if network is not socket:
        return ask()  # gevent can end this wait
    try:
        return ask(socket.AI_NUMERICHOST)  # succeeds if `host` is an address
    except socket.gaierror:
        return _within(deadline, ask)


def _within(deadline: float, function: Callable[[], list[Any]]) -> list[Any]:
    """Call a function in another thread, and wait for it until the deadline.

    The function has no time limit itself, and no signal ends it: Ctrl-C would have to wait. After
    the deadline it goes on in its thread, and its result is ignored.
    """
    # Not a `threading.Thread`: at its end the process would wait for it; and a daemon thread, for
    # which it does not wait, is not allowed in a subinterpreter.
    bed = Bed()
    outcomes: list[tuple[list[Any], Exception | None]] = []

    def work() -> None:
        try:
            outcomes.append((function(), None))
        except Exception as exc:
            outcomes.append(([], exc))
        bed.wake(None)

    try:
        _thread.start_new_thread(work, ())
    except RuntimeError:  # the interpreter is ending and starts no more threads
        return function()
    if not bed.sleep(remaining(deadline)):
        raise TimeoutError
    found, error = outcomes[0]
    if error is not None:
        raise error
    return found


def configure(sock: socket.socket) -> None:
    """Set a socket's options: do not block, send small queries at once, notice dead peers."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    keep_alive(sock)


def keep_alive(sock: Any) -> None:
    """Let the system notice a dead peer, if it can; see `KEEPALIVE`."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, field in _OPTION_NAMES:
        option = getattr(socket, name, None)
        if option is not None:
            try:
                sock.setsockopt(socket.IPPROTO_TCP, option, getattr(KEEPALIVE, field))
            except OSError as exc:  # the system has the name, but not the option
                if raised_by_handler(exc):
                    raise


def unacknowledged(sock: Any) -> int:
    """How many bytes in the system's buffer the peer has not taken yet; 0 if unknown."""
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
    """Wait until a socket can be read or written.

    A socket that failed or was closed counts as ready: using it then raises the error.

    Args:
        sock: the socket.
        read: wait until it can be read.
        write: wait until it can be written.
        timeout: seconds; None waits without limit.

    Returns:
        False if the time is up.
    """
    if sock.fileno() < 0:
        return True
    return _wait(sock, read, write, timeout)


class Reader:
    """Waits until a socket has something to read. Reusable, by one thread at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._poll: Any = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def wait(self, timeout: float | None) -> bool:
        """As `wait_ready` with `read=True`."""
        if self._poll is None:
            return wait_ready(self._socket, read=True, write=False, timeout=timeout)
        return bool(self._poll.poll(None if timeout is None else timeout * 1000))


def _wait_poll(sock: socket.socket, read: bool, write: bool, timeout: float | None) -> bool:
    poll = select.poll()
    poll.register(sock, (select.POLLIN if read else 0) | (select.POLLOUT if write else 0))
    return bool(poll.poll(None if timeout is None else timeout * 1000))


def _wait_select(sock: socket.socket, read: bool, write: bool, timeout: float | None) -> bool:
    readers, writers = [sock] if read else [], [sock] if write else []
    # Windows reports a failed connection only in the third list.
    return any(select.select(readers, writers, [sock], timeout))


# select() cannot use descriptors from 1024 up. Windows has only select(), without this limit.
_wait = _wait_poll if hasattr(select, "poll") else _wait_select

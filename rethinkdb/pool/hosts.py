"""Which host to dial next, and when.

A host is proven if a connection to it was opened since the last failure. Then as many connections
as needed may be opened to it at once. Any other host gets one dial at a time. After each failure
there is a pause, which doubles with each further failure (see `backoff`). So a server that comes
back gets one dial from each pool, and the dials of different pools are spread over their pauses.

The hosts may change: `follow` is told the addresses of the cluster's servers. Each new host gets
one dial before the pool relies on it. If a host that the pool was given is not among these servers,
it is kept as a fallback: it is used only while none of the others can be relied on.

With several hosts, a new connection goes to the host with the fewest connections. A host that does
not answer is not relied on while another host answers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rethinkdb.errors import ReqlDriverError
from rethinkdb.net.address import written_address

from .backoff import Backoff

__all__ = ["Address", "Host", "Hosts"]

#: Name or address of a server, and its driver port.
Address = tuple[str, int]

# If a connection is lost within this many seconds, that counts as a failure to connect. Otherwise a
# server that accepts connections and drops them at once would be dialled in a tight loop.
_STEADY = 1.0

# If a host has not answered a dial for this many seconds, other hosts are preferred.
_SLOW = 2.0

_NEVER = math.inf


class Host:
    """One host, and what the pool knows about it.

    Attributes:
        address: name and port.
        label: the address as text, `host:port`.
        open: connections to it, including those being retired or closed.
        dialling: connections being opened.
        proven: a connection was opened since the last loss or failure.
        trusted: the host is expected to answer. Since it was last proven, it has not failed, was
            not slow to answer, and has not lost its last connection.
        failures: the number of failures in a row.
        cause: the last failure, if it is later than the last opened connection; else None.
        final: that failure will stay: for example, a wrong password.
        given: the pool was given this host by the user.
        stands_in: the host is a fallback, used only if no other host can be relied on.
        opened, lost, failed, queries, errors: counters since the pool was made. The last two count
            only queries on connections that no longer exist.
    """

    def __init__(self, address: Address, patience: float, given: bool = True) -> None:
        self.address = address
        self.label = written_address(*address)
        self.open = 0
        self.dialling = 0
        self.proven = False
        self.given = self.trusted = given
        self.stands_in = False
        self.failures = 0
        self.cause: BaseException | None = None
        self.final = False
        self.opened = 0
        self.lost = 0
        self.failed = 0
        self.queries = 0
        self.errors = 0
        self._patience = patience
        self._dialled_at = -_NEVER
        self._proven_since = _NEVER
        self._failed_at = -_NEVER
        self._retry_at = -_NEVER
        self._retry_at_if_urgent = -_NEVER

    def due(self, urgent: bool) -> float:
        """The time from which it may be dialled; `urgent`: somebody waits for a connection."""
        if self.dialling and not self.proven:
            # Wait for the outcome of the present dial. But that dial may hang, though the host is
            # back meanwhile.
            return self._dialled_at + self._patience if urgent else _NEVER
        return self._retry_at_if_urgent if urgent else self._retry_at

    def __repr__(self) -> str:
        return f"<host {self.label}: {self.open} open, {self.failures} failures>"


class Hosts:
    """The hosts of a pool. Callers tell it the outcome of each dial.

    Args:
        addresses: at least one.
        backoff: the pauses after failures.
        patience: while somebody waits, no pause is longer than this, and after this time another
            dial is started beside one without an answer. It should be a part of the time that a
            query waits. Then a query that comes when the host is back gets a connection in time.
    """

    def __init__(self, addresses: Sequence[Address], backoff: Backoff, patience: float) -> None:
        self._hosts = [Host(address, patience) for address in addresses]
        self._former: dict[Address, Host] = {}
        self.random = backoff.random
        self._backoff = backoff
        self._patience = patience

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts)

    @property
    def former(self) -> Sequence[Host]:
        """Hosts that have left the cluster. Their counters are still part of the sums."""
        return tuple(self._former.values())

    def follow(self, addresses: Sequence[Address]) -> list[Host]:
        """Use the servers at these addresses. Others have left the cluster.

        Returns:
            The hosts that are no longer used.
        """
        known = {host.address: host for host in self._hosts}
        for address in addresses:
            if address not in known:
                host = self._former.pop(address, None) or Host(address, self._patience, given=False)
                host.proven = host.trusted = False
                self._hosts.append(host)
        gone = []
        for host in tuple(self._hosts):
            host.stands_in = host.given and bool(addresses) and host.address not in addresses
            if not host.given and host.address not in addresses:
                self._hosts.remove(host)
                self._former[host.address] = host
                gone.append(host)
        return gone

    # Which host to dial.

    def next(self, now: float, urgent: bool) -> Host | None:
        """The host to dial if a connection is needed; None if no host may be dialled now.

        Args:
            now: the time.
            urgent: somebody waits for the connection.
        """
        hosts = self._in_use
        due = [host for host in hosts if host.due(urgent) <= now]
        trusted = [host for host in hosts if host.trusted]
        # The emptiest trusted host may not be due yet, since it is being dialled. Then wait.
        host = self._emptiest(trusted or due, due)
        return host if host in due else None

    def next_to_try(self, now: float) -> Host | None:
        """A host that is not trusted and whose pause is over. Dial it to see if it is back."""
        if not self._any_trusted:
            return None  # then `next` gives such hosts
        due = [host for host in self._in_use if not host.trusted and host.due(False) <= now]
        return self._emptiest(due, due)

    def wake_at(self, now: float, needed: bool, urgent: bool) -> float:
        """The next time at which another host may be dialled.

        Args:
            now: the time.
            needed: there are too few connections.
            urgent: somebody waits for one.
        """
        hosts = self._in_use
        times = [host.due(urgent) for host in hosts if needed]
        if self._any_trusted:
            times += [host.due(False) for host in hosts if not host.trusted]
        return min((at for at in times if at > now), default=_NEVER)

    def imbalance(self, now: float) -> tuple[Host, float]:
        """The host with the most connections, and when to move one of them to another host."""
        fullest = max(self._hosts, key=lambda host: host.open)
        poor = [host for host in self._in_use if host.open <= fullest.open - 2]
        at = min((now if host.trusted else host.due(False) for host in poor), default=_NEVER)
        return fullest, at

    def relied_on(self, host: Host, dialled_at: float, now: float) -> bool:
        """Whether a dial will probably succeed: its host is trusted, or no host is."""
        usual = host.trusted or not self._any_trusted
        return usual and not self.hangs(dialled_at, now)

    def hangs(self, dialled_at: float, now: float) -> bool:
        """Whether a dial has had no answer for so long that another one may be started."""
        return now >= dialled_at + self._patience

    def look_at(self, host: Host, dialled_at: float, now: float) -> float:
        """The next time at which this dial will have taken too long to be relied on."""
        slow_at = dialled_at + _SLOW if host.trusted and len(self._hosts) > 1 else _NEVER
        return min(
            (at for at in (slow_at, dialled_at + self._patience) if at > now), default=_NEVER
        )

    def notice_slow(self, host: Host, dialled_at: float, now: float) -> None:
        """Stop trusting a host that is slow to answer a dial, if there are other hosts."""
        if len(self._hosts) > 1 and now >= dialled_at + _SLOW:
            host.proven = host.trusted = False

    @property
    def refusal(self) -> BaseException | None:
        """The latest failure, if all hosts have failed for reasons that will stay; else None."""
        return self.cause if all(host.final for host in self._hosts) else None

    @property
    def cause(self) -> BaseException | None:
        """The latest failure of all hosts; None if none has failed."""
        failing = [host for host in self._hosts if host.cause is not None]
        return max(failing, key=lambda host: host._failed_at).cause if failing else None

    # What happened.

    def dialled(self, host: Host, now: float) -> None:
        """A dial has started."""
        host.dialling += 1
        host._dialled_at = now

    def gave_up(self, host: Host) -> None:
        """A dial was given up before it had an outcome."""
        host.dialling -= 1

    def opened(self, host: Host, now: float) -> None:
        """A dial has succeeded."""
        host.dialling -= 1
        host.open += 1
        host.opened += 1
        if not host.proven:
            host._proven_since = now
        host.proven = host.trusted = True
        host.cause, host.final = None, False
        host._retry_at = host._retry_at_if_urgent = -_NEVER

    def failed(
        self, host: Host, error: BaseException, final: bool, dialled_at: float, now: float
    ) -> None:
        """A dial has failed. `final`: the reason will stay."""
        host.dialling -= 1
        host.failed += 1
        if dialled_at >= host._failed_at:  # several dials that fail together count once
            self._set_aside(host, error, now)
        host.proven = host.trusted = False
        host.final = final

    def lost(self, host: Host, error: BaseException | None, opened_at: float, now: float) -> None:
        """A connection was lost."""
        host.open -= 1
        host.lost += 1
        host.proven = False
        host.trusted = host.trusted and host.open > 0
        if now - opened_at < _STEADY:
            text = f"{host.label} ended the connection right after it was opened."
            self._set_aside(host, error or ReqlDriverError(text), now)

    def closed(self, host: Host) -> None:
        """This side has closed a connection."""
        host.open -= 1

    # Details.

    @property
    def _any_trusted(self) -> bool:
        return any(host.trusted for host in self._hosts)

    @property
    def _in_use(self) -> list[Host]:
        """The hosts of the cluster; with the fallback hosts, if none of the others is trusted."""
        found = [host for host in self._hosts if not host.stands_in]
        return found if any(host.trusted for host in found) else self._hosts

    def _emptiest(self, hosts: Sequence[Host], due: Sequence[Host]) -> Host | None:
        """The host with the fewest connections. Of several, one that is due; then a random one."""

        def order(host: Host) -> tuple[int, bool, float]:
            return host.open + host.dialling, host not in due, self._backoff.random()

        return min(hosts, key=order, default=None)

    def _set_aside(self, host: Host, error: BaseException, now: float) -> None:
        if now - host._proven_since >= _STEADY:
            host.failures = 0
        host.failures += 1
        host.proven = host.trusted = False
        host._proven_since = _NEVER
        host.cause, host.final = error, False
        host._failed_at = now
        pause, limit = self._backoff.pause(host.failures), self._backoff.limit(host.failures)
        host._retry_at = now + pause
        host._retry_at_if_urgent = now + pause * min(1.0, self._patience / limit)
